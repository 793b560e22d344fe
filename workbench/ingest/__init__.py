"""Identifiable DICOM and tables in, de-identified datasets out.

Runs in: anywhere
"""

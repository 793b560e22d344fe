"""What is measured: the metrics by id and version, and the files that they are measured on.

Runs in: anywhere
"""

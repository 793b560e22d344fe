"""Clusters and training.

Runs in: anywhere
"""

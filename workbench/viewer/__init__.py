"""The interactive CT widget and its pictures.

Runs in: kernel
"""

"""What may leave, and who said so.

Runs in: anywhere
"""

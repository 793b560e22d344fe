"""What a notebook reads, always through the gateway.

Runs in: anywhere
"""

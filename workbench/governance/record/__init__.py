"""The record of who did what: the chain of events, its proofs and its signed checkpoints.

Runs in: anywhere
"""

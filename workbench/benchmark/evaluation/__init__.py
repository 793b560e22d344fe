"""How a submission is run and scored: two processes that never meet.

Runs in: anywhere
"""

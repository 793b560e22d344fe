"""Training on several ranks at once: who they are, how they meet, what they keep, and what happens when one is lost.

Runs in: kernel
"""

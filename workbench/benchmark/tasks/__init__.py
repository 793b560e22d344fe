"""What is asked: the task files, their checks and their ceilings.

Runs in: anywhere
"""

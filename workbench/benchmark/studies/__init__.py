"""What a report looks into beside a task: the readers behind a label, and what a choice of items does to a number.

Runs in: anywhere
"""

"""What a person brings along: agreements, training, visas, and the list of what is still missing.

Runs in: anywhere
"""

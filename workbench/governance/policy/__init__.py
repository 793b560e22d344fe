"""What the rules say: Cedar policies, the facts they are asked with, and what they oblige to.

Runs in: anywhere
"""

"""The leaderboard: who stands where, how sure that is, and the final split that is opened once.

Runs in: anywhere
"""

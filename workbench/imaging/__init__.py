"""CT arrays: resample, window, lungs, candidates, patches, and the phantoms they are tried on.

Runs in: anywhere
"""

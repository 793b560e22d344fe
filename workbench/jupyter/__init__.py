"""The Jupyter door: server extension, kernel provisioner, built lab extension.

Runs in: anywhere
"""

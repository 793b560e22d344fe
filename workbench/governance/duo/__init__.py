"""What a dataset may be used for: the terms of the Data Use Ontology, and whether a purpose meets them.

Runs in: anywhere
"""

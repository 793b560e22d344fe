"""Random patches for training, read where they lie: governed volumes, arrays, NIfTI and MetaImage files.

Runs in: kernel
"""

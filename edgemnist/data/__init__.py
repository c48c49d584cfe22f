"""Datasets in: one loader for IDX, NPZ and image folders, the table of known datasets, and downloads."""

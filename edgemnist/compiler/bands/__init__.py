"""Patch-based execution: the first steps of a network run by bands of rows, so that no large tensor is ever whole."""

"""Tests of conversion, the C array and inspect."""

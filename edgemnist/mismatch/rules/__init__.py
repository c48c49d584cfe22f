"""Candidate rules, one file each: what a runtime may do otherwise than the oracle."""

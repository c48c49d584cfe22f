"""Rules that make bytes differ: planted and found again."""

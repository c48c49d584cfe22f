"""``edgemnist inspect``."""

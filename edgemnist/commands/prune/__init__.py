"""``edgemnist prune``."""

"""``edgemnist train``."""

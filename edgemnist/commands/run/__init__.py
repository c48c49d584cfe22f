"""``edgemnist run``."""

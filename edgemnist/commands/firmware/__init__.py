"""``edgemnist firmware``."""

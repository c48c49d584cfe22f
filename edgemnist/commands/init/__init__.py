"""``edgemnist init``."""

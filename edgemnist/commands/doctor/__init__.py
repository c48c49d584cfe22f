"""``edgemnist doctor``."""

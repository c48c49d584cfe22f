"""``edgemnist qat``."""

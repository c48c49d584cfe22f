"""``edgemnist import_model``."""

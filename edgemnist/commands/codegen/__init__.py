"""``edgemnist codegen``."""

"""``edgemnist diagnose``: what makes a model right."""

"""``edgemnist config``: what every option comes to in this folder, and where each value is from."""

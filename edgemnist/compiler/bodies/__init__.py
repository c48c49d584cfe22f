"""What the generator does for each target's bodies: the order of their weights and the scratch that they need."""

"""What every folder may use: errors, progress, atomic files, locks, discovery; knows nothing of models."""

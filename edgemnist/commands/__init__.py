"""The verbs: a folder for each command that a person types."""

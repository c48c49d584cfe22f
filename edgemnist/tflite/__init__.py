"""A ``.tflite`` file as plain Python values, and how pixels become its input."""

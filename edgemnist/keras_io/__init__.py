"""Keras files in and out, and TensorFlow loaded once, rightly set up."""

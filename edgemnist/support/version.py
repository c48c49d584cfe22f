"""The version, where every folder may read it without importing the package's face above it."""

VERSION = "0.1.0"

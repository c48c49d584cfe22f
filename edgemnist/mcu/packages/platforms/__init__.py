"""The build systems that take packages, one file each: what such a file is called is the platform's name."""

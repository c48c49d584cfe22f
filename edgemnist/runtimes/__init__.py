"""What runs a model, one file for each: a module that defines ``RUNTIMES``; found by name, imported by nobody."""

"""What devices do to pictures before they are in the input, one file each; each module defines ``RULE``."""

"""Text of C: identifiers and literals, the pixel quantiser, a file as an array."""

"""How much of a file is read, at most. Every limit on what a user hands over stands here; a bundle for a Pi has a copy.

``EDGEMNIST_MAX_BYTES`` raises the limits in bytes that say so.
"""

from __future__ import annotations

MAX_DATASET_BYTES = 2 << 30
"""Of an array, an archive of arrays or a table, decompressed: the largest known dataset has 547 MB. Can be raised."""

MAX_MODEL_BYTES = 256 << 20
"""Of a model file, of what a ``.keras`` archive holds, and of the weights in an HDF5 file. Can be raised."""

LARGEST_TENSOR = 2**24
"""Elements of one tensor; all that is worked out about it takes memory for each."""

MAX_CONFIG_BYTES = 16 << 20
"""Of a JSON document that describes a net."""

FREE_EXPANSION = 64 << 20
"""So much may come out of any compressed file. Can be raised."""

MAX_EXPANSION = 100
"""More than that may come out of a file only if it is no more than so many times what went in: MNIST has 5."""

MAX_ARCHIVE_ENTRIES = 1000
MAX_ARCHIVE_DIRECTORY_BYTES = 1 << 20
"""Of the list of entries at the end of a zip."""

FREE_GZIP_MEMBERS = 1000
LEAST_GZIP_MEMBER = 1024
"""Beyond the first so many, the pieces of a gzip have to have so many bytes on average: bgzip's have 20,000."""

MAX_DIMENSIONS = 32
"""Of an array: numpy's own limit before version 2."""

MAX_HEADER_BYTES = 10_000
"""Of an .npy: numpy's own limit."""

MAX_ROW_BYTES = 1 << 20
"""A longer line is no row of a small image: 224 x 224 colours take less."""

MAX_LABEL_CHARACTERS = 200
"""Of a class's name."""

MAX_ANSWERS_BYTES = 4 << 20
"""Of what a device answered, as CSV."""

MAX_DUMP_BYTES = 128 << 20
"""Of what a device printed of its tensors, decompressed: ten inferences of a net of 5 MB of tensors. Can be raised."""

MAX_DUMP_PARTS = 500_000
"""Of such a dump: tensors of all images, and pieces that came before those in front of them."""

MAX_EMPTY_LINES = 100_000
"""Of a table."""

BLOCK_BYTES = 8 << 20
"""So much of a table is parsed at a time."""

# --- pictures -------------------------------------------------------------------------------------------------------

MAX_PIXELS = 50_000_000
PI_MAX_PIXELS = 16_000_000
"""More are refused before they are decompressed: a Raspberry Pi may have 512 MB of memory."""

PI_SERVICE_MAX_PIXELS = 4_000_000
"""Of a posted picture; smaller than for files, because whoever asks next waits for it."""

PI_SERVICE_BODY_BYTES = 8 << 20
"""Of a request. A form is parsed in Python, and what JSON becomes takes many times its size:"""
PI_SERVICE_FORM_BYTES = 4 << 20
PI_SERVICE_JSON_BYTES = 512 << 10

PI_SERVICE_SLOW_BYTES = 128 << 10
"""Of a posted picture in a coding that Pillow decodes in Python."""

SERVED_PIXELS = 16_000_000
"""Of a picture that a server is asked about."""

MAX_SIDE = 65_535
"""Of a picture, in pixels: that of JPEG and GIF."""

MAX_PICTURE_BYTES = 200 << 20
PI_MAX_PICTURE_BYTES = 64 << 20

MAX_CHUNKS = 1000
"""Of a PNG, those with pixels not counted."""

MAX_SCANS = 100
"""Of a JPEG, each of which goes through all pixels: progressive ones have about ten."""

MAX_SLOW_BYTES = 2 << 20
"""Of a picture in a coding that Pillow decodes in Python."""

MAX_PICTURE_HEADER_BYTES = 4096
"""Of a PGM or PPM, comments included."""

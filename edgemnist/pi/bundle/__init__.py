"""The programs of a bundle: on the Pi this folder is called ``edgemnist_pi``.

What they import of edgemnist is copied into the bundle, with all that it imports (``pi/bundle_programs.py``). Written
for Python 3.9 and later. A replay needs numpy and an interpreter; pictures need Pillow too, HTTP Starlette and uvicorn.
"""

"""What answers HTTP with a classifier, whichever runs it: ``edgemnist serve``, and the bundle on a Raspberry Pi.

problems    what is wrong with a request, as a status and a sentence
answers     responses, and what is told of one picture
settings    what a request may take, and who is let in
service     what every route works with, and what is counted of requests
bodies      a request's body, bounded in size and in time
pictures    bytes of a request to pixels, in a few threads
questions   the picture that a request asks about, in each form in which it may come
guard       what holds for every request: its name, key, host, limits, headers, log and counts
application routes with the guard around them
connections HTTP/1.1 as strict as RFC 9112 allows, for connections that may be slow
server      the socket, and the orderly end
log         a JSON object a line

A bundle has a copy of these files, and of all that they import: they need Python 3.9, numpy, Pillow, Starlette and
uvicorn, never FastAPI or anything of pydantic, which have no wheels for 32-bit Arm.
"""

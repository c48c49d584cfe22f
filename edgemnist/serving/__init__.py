"""A classifier behind HTTP.

engine      a model open in a runtime's worker process, asked by many at a time
store       models by name and version, and new files of them while the server runs
shadow      another runtime that gets the same inputs and is compared
pictures    bytes of a request to what the net sees
answers     what a net's outputs come to, as JSON values
tensors     numbers of a request to a model's input
problems    what is wrong with a request, as a status and a sentence
bodies      a request's body, bounded in size and in time
guard       what holds for every request: its name, key, host, limits, headers, log and metrics
metrics     what is counted
routes/     the protocols: our own, TensorFlow Serving's, the Open Inference Protocol, health and documentation
application the routes and the guard as one ASGI application
server      the process: the socket, connections that are slow, and the orderly end
"""

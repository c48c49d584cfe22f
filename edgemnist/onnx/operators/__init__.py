"""One function per ONNX operator: ``@operator("Conv") def convolution(use: Use) -> Value``.

To add one, write its function in the module here that it belongs to; nothing else has to know.
"""

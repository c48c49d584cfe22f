"""Other frameworks' classifiers become Keras models: an ``.onnx`` or ``.pt2`` file to ``trained.keras`` and its record.

    .pt2 --torch.onnx--> ONNX --read--> Graph --build, operator by operator--> Keras model, channels last --> verified

Images come into Keras as (height, width, channels), whatever the original takes; ONNX's channels-first values are kept
channels last all the way, with their logical axes on the label (``values.Value``), so that no transposition is left
where weights can be permuted instead. Everything after the import, from pruning to firmware, is as after training.
"""

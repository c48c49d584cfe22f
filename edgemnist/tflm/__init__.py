"""What a user of TensorFlow Lite Micro (TFLM) needs beside the C array, and otherwise guesses.

    operators   the model's operators as calls of TFLM's resolver   arena     the arena: measured, and its margin
    measure     what TFLM's wheel says: arena, golden outputs       sources   the C++ text
    project     all of it for one model: ``tflm_project``           firmware  for ``firmware build --engine tflm``

Names follow TFLM's headers of 2026-08-20.
"""

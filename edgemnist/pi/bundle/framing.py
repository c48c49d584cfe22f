"""In a bundle the file ``edgemnist/data/framing.py`` stands here, which needs numpy alone."""

from edgemnist.data.framing import INVERT_CHOICES, FramedImage, Scaling, frame

__all__ = ["INVERT_CHOICES", "FramedImage", "Scaling", "frame"]

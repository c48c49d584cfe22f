"""In a bundle the file ``edgemnist/support/limits.py`` stands here, which needs Python alone."""

from edgemnist.support.limits import PI_MAX_PICTURE_BYTES, PI_MAX_PIXELS, PI_MAX_SIDE, PI_SERVICE_MAX_PIXELS

__all__ = ["PI_MAX_PICTURE_BYTES", "PI_MAX_PIXELS", "PI_MAX_SIDE", "PI_SERVICE_MAX_PIXELS"]

"""In a bundle the file ``edgemnist/support/picture_checks.py`` stands here, which needs Python alone."""

from edgemnist.support.picture_checks import UnfitPictureError, check_content, check_opened, check_size

__all__ = ["UnfitPictureError", "check_content", "check_opened", "check_size"]

"""Channels last for channels first."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.mismatch.fed import Feeding, InputRule


def _arrange(feeding: Feeding) -> Iterator[tuple[str, Feeding]]:
    right = feeding.preprocessing
    if right.channels > 1:
        other = "nhwc" if right.layout == "nchw" else "nchw"
        said = "channel by channel (NCHW)" if other == "nchw" else "pixel by pixel (NHWC)"
        yield said, feeding.fed(layout=other)


RULE = InputRule(
    name="layout",
    says="lays its values out in another order",
    remedy="copy all channels of a pixel one after the other, as the input of the file has them",
    rank=1,
    arrange=_arrange,
)

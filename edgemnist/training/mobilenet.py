"""Transfer learning: which pre-trained net there is to start from, what it takes, and where its weights come from.

The base is MobileNetV2 (Sandler et al. 2018) as Keras builds it, without its top; global average pooling and a dense
layer classify what it sees. Its images are coloured and its pixels in -1..1, as they were for ImageNet.
:mod:`edgemnist.training.phases` trains it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import DatasetError, EnvironmentFailure, InputError, ModelError
from edgemnist.training.heads import activation_of

MOBILENET_V2 = "mobilenet-v2"
IMAGENET, NO_WEIGHTS = "imagenet", "none"

ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
"""The width multipliers for which Keras has ImageNet weights."""

IMAGENET_SIDES = (96, 128, 160, 192, 224)
"""The image sides, in pixels, for which Keras has ImageNet weights; others start from those of the largest."""

DEFAULT_ALPHA = 0.35
SMALLEST_SIDE, LARGEST_SIDE = 32, 224
CHANNELS = 3

PIXELS = "-1..1"
"""The range in which ImageNet's weights expect pixels."""

IMAGENET_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
"""Where Keras publishes the weights; nobody publishes checksums of them."""

_LAST_BASE_LAYER = "out_relu"
_LEAST_ALPHA = 0.1
# Keras has 0.999, which a fit of some hundred steps would not fill with the statistics of its own images.
_BATCH_NORM_MOMENTUM = 0.9


@dataclass(frozen=True, kw_only=True)
class TransferSettings:
    """What a person may choose; None leaves it to the default.

    ``alpha`` is the width multiplier (default 0.35); ``weights`` "imagenet" (default), "none" or the path of a file;
    ``freeze``: train the classifier alone, on a base that stays as it is (default with weights); ``fine_tune_epochs``:
    so many epochs with the whole net after that (default 0).
    """

    alpha: float | None = None
    weights: str | None = None
    freeze: bool | None = None
    fine_tune_epochs: int | None = None


@dataclass(frozen=True)
class Transfer:
    """The settings with every choice made; ``weights_sha256`` is empty without weights."""

    alpha: float
    weights: str
    weights_sha256: str
    freeze: bool
    fine_tune_epochs: int


def transfer_settings_from(
    alpha: float | None, weights: str | None, freeze: bool | None, fine_tune_epochs: int | None
) -> TransferSettings | None:
    """Return what the command line asks for, None when it asks for nothing of transfer learning."""
    settings = TransferSettings(alpha=alpha, weights=weights, freeze=freeze, fine_tune_epochs=fine_tune_epochs)
    return None if settings == TransferSettings() else settings


def image_for(arch: str | None, side: int | None) -> tuple[tuple[int, int] | None, int | None]:
    """Return the image size and channels to load a dataset with, None for what it has.

    ``side``: height and width in pixels as asked for, None for the architecture's default.

    :raises InputError: the architecture does not take that size.
    """
    if arch != MOBILENET_V2:
        return (None if side is None else (side, side)), None
    chosen = SMALLEST_SIDE if side is None else side
    if not SMALLEST_SIDE <= chosen <= LARGEST_SIDE:
        raise InputError(
            f"image size {chosen} is out of range; {MOBILENET_V2} takes {SMALLEST_SIDE} to {LARGEST_SIDE} pixels, and "
            f"ImageNet weights were made for {', '.join(map(str, IMAGENET_SIDES))}"
        )
    return (chosen, chosen), CHANNELS


def plan_transfer(arch: str, settings: TransferSettings | None, side: int) -> Transfer | None:
    """Return the transfer that an architecture, known by its name, is trained by; None for those that have none.

    ``side`` is the images' height in pixels. ImageNet's weights are downloaded unless they are here.

    :raises InputError: a setting is out of range, contradicts another, or belongs to another architecture.
    :raises EnvironmentFailure: ImageNet's weights are neither here nor to be downloaded.
    """
    if arch != MOBILENET_V2:
        if settings is not None:
            raise InputError(
                f"--alpha, --weights, --freeze and --fine-tune-epochs are for --arch {MOBILENET_V2}, this is {arch!r}"
            )
        return None
    given = settings or TransferSettings()
    weights = IMAGENET if given.weights is None else given.weights
    alpha = DEFAULT_ALPHA if given.alpha is None else given.alpha
    _check_alpha(alpha, weights)
    freeze = weights != NO_WEIGHTS if given.freeze is None else given.freeze
    epochs = given.fine_tune_epochs or 0
    _check_phases(weights, freeze, epochs)
    return Transfer(alpha, weights, _sha256(weights_file(weights, alpha, side)), freeze, epochs)


def stored_transfer(stored: Mapping[str, Any] | None, given: TransferSettings | None) -> TransferSettings | None:
    """Return the settings that a checkpoint holds as JSON values, with those that are given now in their place."""
    if stored is None:
        return given
    wanted = {key: value for key, value in asdict(given or TransferSettings()).items() if value is not None}
    kept = {key: value for key, value in stored.items() if key != "weights_sha256"}
    return TransferSettings(**{**kept, **wanted})


def _check_alpha(alpha: float, weights: str) -> None:
    if weights == IMAGENET and alpha not in ALPHAS:
        allowed = ", ".join(f"{value:g}" for value in ALPHAS)
        raise InputError(f"there are no ImageNet weights for alpha {alpha:g}; allowed are {allowed}")
    if not (math.isfinite(alpha) and _LEAST_ALPHA <= alpha <= ALPHAS[-1]):
        raise InputError(f"alpha {alpha!r} is out of range; give a number from {_LEAST_ALPHA} to {ALPHAS[-1]}")


def _check_phases(weights: str, freeze: bool, epochs: int) -> None:
    if epochs < 0:
        raise InputError(f"{epochs} epochs of fine-tuning are too few; give 0 or more")
    if freeze and weights == NO_WEIGHTS:
        raise InputError("--freeze keeps the base as it is, but --weights none gives it nothing to keep; leave one out")
    if epochs and not freeze:
        raise InputError("--fine-tune-epochs follow a training with a frozen base; without --freeze use --epochs alone")


# --- the net ---------------------------------------------------------------------------------------------------------


def mobilenet_v2(layers: Any, image: Any, outputs: int, *, alpha: float = DEFAULT_ALPHA) -> Any:
    """Build the untrained base and a classifier on an image tensor; return the probabilities.

    All layers belong to one flat model, so that pruning, quantisation-aware training and conversion see each of them.
    """
    _, keras = load_tensorflow()
    base = keras.applications.MobileNetV2(input_tensor=image, alpha=alpha, include_top=False, weights=None)
    for layer in base.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = _BATCH_NORM_MOMENTUM
    averaged = layers.GlobalAveragePooling2D(name="average")(base.output)
    return layers.Dense(outputs, activation=activation_of(outputs), name="probabilities")(averaged)


def base_of(model: Any) -> Any:
    """Return the part of a model that came pre-trained, as a model that shares its layers."""
    _, keras = load_tensorflow()
    return keras.Model(model.input, model.get_layer(_LAST_BASE_LAYER).output)


# --- its weights -----------------------------------------------------------------------------------------------------


def weights_file(weights: str, alpha: float, side: int) -> Path | None:
    """Return the file with the weights, None for "none"; ImageNet's are downloaded unless Keras's cache has them.

    :raises InputError: there is no such file.
    :raises EnvironmentFailure: ImageNet's weights are neither in the cache nor to be downloaded.
    :raises StorageError: the cache cannot be written.
    """
    if weights == NO_WEIGHTS:
        return None
    if weights == IMAGENET:
        return _imagenet_file(alpha, side)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise InputError(f"no such file of weights: {weights!r}; give a path, {IMAGENET} or {NO_WEIGHTS}")
    return path


def _imagenet_file(alpha: float, side: int) -> Path:
    rows = side if side in IMAGENET_SIDES else IMAGENET_SIDES[-1]
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}_no_top.h5"
    path = Path("~/.keras/models").expanduser() / name
    if not path.is_file():
        _download(path)
    return path


def _download(path: Path) -> None:
    from edgemnist.data.download import download
    from edgemnist.data.published import RemoteFile

    try:
        download(RemoteFile(path.name, size=0, md5="", sha256=""), [IMAGENET_ADDRESS], path.parent)
    except DatasetError as error:
        raise EnvironmentFailure(
            f"the ImageNet weights are not on this machine: {error}\n  put {path.name} into {str(path.parent)!r}, give "
            f"its path with --weights, or train without: --weights {NO_WEIGHTS}"
        ) from error


def _sha256(path: Path | None) -> str:
    from edgemnist.support.files import sha256_of

    return "" if path is None else sha256_of(path)


def load_weights(model: Any, transfer: Transfer, side: int) -> None:
    """Give the base of a model its weights: of a Keras weights file, or of a model that was trained here (.keras).

    :raises ModelError: the file is not readable, is for another net or alpha, or holds values that are not numbers.
    """
    path = weights_file(transfer.weights, transfer.alpha, side)
    if path is None:
        return
    base = base_of(model)
    try:
        if path.suffix == ".keras":
            _copy_weights(path, base)
        else:
            base.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"the weights {str(path)!r} do not fit MobileNetV2 with alpha {transfer.alpha:g}: {reason}; give those of "
            "the same alpha, without a top as Keras saves them (.h5), or a model trained with --arch "
            f"{MOBILENET_V2} (.keras)"
        ) from error
    _require_numbers(base, path)


def _copy_weights(path: Path, base: Any) -> None:
    """Copy layer by layer, by name, from a saved model whose classifier may know other classes."""
    from edgemnist.keras_io.saving import load_model

    saved = load_model(path)
    for layer in base.layers:
        layer.set_weights(saved.get_layer(layer.name).get_weights())


def _require_numbers(base: Any, path: Path) -> None:
    import numpy as np

    for weight in base.weights:
        if not np.isfinite(weight.numpy()).all():
            raise ModelError(f"{str(path)!r} holds values that are not numbers, in {weight.name!r}; it is damaged")

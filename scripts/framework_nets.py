"""The nets of the comparison of frameworks: one small CNN in each, trained as that framework's tutorials do."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import InputError

BATCH = 64
RATE = 1e-3
FILTERS = (16, 32)

Predict = Callable[[NDArray[np.float32]], NDArray[Any]]
Images = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Job:
    """What every framework gets; ``epochs`` and ``threads`` of at least 1."""

    dataset: str
    images: int
    epochs: int
    threads: int
    seed: int


@dataclass(frozen=True)
class Framework:
    """A row of the table: the modules it needs, the packages whose versions are named, and how to get them.

    ``train`` takes (images in 0..1 of shape (count, height, width, channels), labels, number of classes, job, a folder)
    and returns the seconds of training, the function from images to classes, and the saved file.
    """

    name: str
    model: str
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    install: str
    train: Callable[[Images, Labels, int, Job, Path], tuple[float, Predict, Path]]

    @property
    def installed(self) -> bool:
        """Whether all its modules are."""
        return all(find_spec(module) is not None for module in self.modules)


def batches(count: int, job: Job) -> list[list[NDArray[np.int64]]]:
    """Return the rows of each batch of each epoch, the same for every framework."""
    random = np.random.default_rng(job.seed)
    whole = max(1, count // BATCH)
    size = min(BATCH, count)
    return [list(random.permutation(count)[: whole * size].reshape(whole, size)) for _ in range(job.epochs)]


def train_keras(images: Images, labels: Labels, classes: int, job: Job, folder: Path) -> tuple[float, Predict, Path]:
    """Train with TensorFlow's Keras, as its tutorials do: ``compile`` and ``fit``."""
    from edgemnist.keras_io.tensorflow import load_tensorflow

    tensorflow, keras = load_tensorflow()
    tensorflow.config.threading.set_intra_op_parallelism_threads(job.threads)
    keras.utils.set_random_seed(job.seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input(images.shape[1:]),
            *(part for n in FILTERS for part in (layers.Conv2D(n, 3, activation="relu"), layers.MaxPooling2D())),
            layers.Flatten(),
            layers.Dense(classes),
        ]
    )
    model.compile(keras.optimizers.Adam(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    start = time.perf_counter()
    model.fit(images, labels, epochs=job.epochs, batch_size=BATCH, verbose=0)
    seconds = time.perf_counter() - start
    path = folder / "model.keras"
    # Without the optimizer's state, which would be two thirds of the file.
    keras.Sequential(model.layers).save(path)
    call = tensorflow.function(lambda part: tensorflow.argmax(model(part, training=False), axis=1))
    return seconds, lambda part: call(tensorflow.constant(part)).numpy(), path


def train_torch(images: Images, labels: Labels, classes: int, job: Job, folder: Path) -> tuple[float, Predict, Path]:
    """Train with PyTorch's usual loop."""
    import torch
    from torch import nn

    torch.set_num_threads(job.threads)
    torch.manual_seed(job.seed)
    first, second = FILTERS
    channels = images.shape[3]
    model = nn.Sequential(
        *(nn.Conv2d(channels, first, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(second * flat_pixels(images.shape), classes)),
    )
    inputs = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    answers = torch.from_numpy(labels)
    optimizer, loss = torch.optim.Adam(model.parameters(), RATE), nn.CrossEntropyLoss()
    start = time.perf_counter()
    for epoch in batches(len(images), job):
        for rows in map(torch.from_numpy, epoch):
            optimizer.zero_grad()
            loss(model(inputs[rows]), answers[rows]).backward()
            optimizer.step()
    seconds = time.perf_counter() - start
    model.eval()
    path = folder / "model.pt"
    torch.save(model.state_dict(), path)

    def predict(part: Images) -> NDArray[Any]:
        with torch.inference_mode():
            moved = torch.from_numpy(np.ascontiguousarray(part.transpose(0, 3, 1, 2)))
            return np.asarray(model(moved).argmax(1).numpy())

    return seconds, predict, path


def train_sklearn(images: Images, labels: Labels, classes: int, job: Job, folder: Path) -> tuple[float, Predict, Path]:
    """Fit a support vector machine on flat pixels."""
    from sklearn.svm import SVC

    model = SVC(C=10, random_state=job.seed)
    start = time.perf_counter()
    model.fit(images.reshape(len(images), -1), labels)
    seconds = time.perf_counter() - start
    path = folder / "model.pickle"
    path.write_bytes(pickle.dumps(model))
    return seconds, lambda part: np.asarray(model.predict(part.reshape(len(part), -1))), path


def train_flax(images: Images, labels: Labels, classes: int, job: Job, folder: Path) -> tuple[float, Predict, Path]:
    """Train with Flax and Optax, the step compiled by JAX."""
    import jax
    import optax
    from flax import linen, serialization

    class Net(linen.Module):  # type: ignore[misc]  # Flax is not there where types are checked
        """The CNN."""

        @linen.compact  # type: ignore[untyped-decorator]
        def __call__(self, x: Any) -> Any:
            for filters in FILTERS:
                x = linen.relu(linen.Conv(filters, (3, 3), padding="VALID")(x))
                x = linen.max_pool(x, (2, 2), strides=(2, 2))
            return linen.Dense(classes)(x.reshape((len(x), -1)))

    net, optimizer = Net(), optax.adam(RATE)
    weights = net.init(jax.random.PRNGKey(job.seed), images[:1])
    state = optimizer.init(weights)

    @jax.jit  # type: ignore[untyped-decorator]
    def step(weights: Any, state: Any, part: Any, answers: Any) -> Any:
        def loss(values: Any) -> Any:
            return optax.softmax_cross_entropy_with_integer_labels(net.apply(values, part), answers).mean()

        updates, state = optimizer.update(jax.grad(loss)(weights), state)
        return optax.apply_updates(weights, updates), state

    start = time.perf_counter()
    for epoch in batches(len(images), job):
        for rows in epoch:
            weights, state = step(weights, state, images[rows], labels[rows])
    jax.block_until_ready(weights)
    seconds = time.perf_counter() - start
    path = folder / "model.msgpack"
    path.write_bytes(serialization.to_bytes(weights))
    call = jax.jit(lambda part: net.apply(weights, part).argmax(1))
    return seconds, lambda part: np.asarray(call(part)), path


def flat_pixels(shape: Sequence[int]) -> int:
    """Return the number of pixels that two convolutions 3x3 and two maxima 2x2 leave of a batch of this shape."""
    height, width = (max(0, ((size - 2) // 2 - 2) // 2) for size in shape[1:3])
    return height * width


CNN = "CNN 16-32"
FRAMEWORKS = (
    Framework(
        "TensorFlow/Keras",
        CNN,
        ("tensorflow", "tf_keras"),
        ("tensorflow", "tf-keras"),
        "pip install 'edgemnist[train]'",
        train_keras,
    ),
    Framework("PyTorch", CNN, ("torch",), ("torch",), "pip install torch", train_torch),
    Framework("scikit-learn", "SVM, RBF", ("sklearn",), ("scikit-learn",), "pip install scikit-learn", train_sklearn),
    Framework("JAX/Flax", CNN, ("jax", "flax", "optax"), ("jax", "flax", "optax"), "pip install jax flax", train_flax),
)


def find_framework(name: str) -> Framework:
    """Return a framework by the beginning of its name, whatever the case.

    :raises InputError: none, or several, begin so.
    """
    found = [one for one in FRAMEWORKS if one.name.lower().startswith(name.lower())]
    if len(found) != 1:
        raise InputError(f"unknown framework {name!r}; choose from {', '.join(one.name for one in FRAMEWORKS)}")
    return found[0]

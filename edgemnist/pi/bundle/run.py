"""``run.py``: arrays on the command line, benchmark, replay."""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgemnist.support.errors import InputError, StorageError

from .shared import add_options, check_numbers, guarded, proved, tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .network import Network

SHOWN = 8
"""Values of an output that are printed, at most."""


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code: 0; 1 replay differs; 2 bad input; 3 this machine."""
    return guarded("run.py", lambda: _run(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py",
        description="Run the network of this bundle on arrays, on one thread. Several inferences are a stream: what it "
        "keeps goes from one to the next.",
    )
    parser.add_argument(
        "arrays", nargs="*", type=Path,
        help="a .npy for each input in the order of --describe, or one .npz with input_0, input_1, ...; each of the "
        "input's shape, or of several inferences",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the outputs there: .npz with output_0, ...")
    parser.add_argument("--real", action="store_true", help="inputs and outputs are numbers, not integers")
    parser.add_argument("--describe", action="store_true", help="print what it takes and gives")
    add_options(parser, "print JSON: all values of all outputs")
    return parser


def _run(options: argparse.Namespace) -> int:
    check_numbers(options)
    from .network import Network

    network = proved(options, Network)
    if isinstance(network, int):
        return network
    if options.describe:
        ends = [*network.inputs, *network.outputs]
        told = {"inputs": network.manifest["inputs"], "outputs": network.manifest["outputs"]}
        tell(options.json, told, [end.in_words() for end in ends])
        return 0
    return _infer(network, options)


def _infer(network: Network, options: argparse.Namespace) -> int:
    if not options.arrays:
        raise InputError("no arrays given; name a .npy for each input, or one .npz; --describe says what it takes")
    outputs = network.run(_read(options.arrays, len(network.inputs)), real=options.real)
    if options.out is not None:
        _write(options.out, outputs)
    told = {f"output_{number}": output.tolist() for number, output in enumerate(outputs)}
    lines = [_shown(network.outputs[number].place, output) for number, output in enumerate(outputs)]
    tell(options.json, told, lines)
    return 0


def _shown(place: str, output: NDArray[Any]) -> str:
    flat = output.reshape(-1)
    values = " ".join(f"{one:g}" if flat.dtype.kind == "f" else str(int(one)) for one in flat[:SHOWN])
    more = f" and {flat.size - SHOWN} more" if flat.size > SHOWN else ""
    return f"{place}, {len(output)} x {output[0].size}: {values}{more}"


def _read(paths: Sequence[Path], count: int) -> list[NDArray[Any]]:
    """Return one array for each input.

    :raises InputError: a file can't be read, or is none of numpy's.
    """
    if len(paths) == 1 and paths[0].suffix == ".npz":
        found = _loaded(paths[0])
        names = [f"input_{number}" for number in range(count)]
        if not isinstance(found, dict) or not set(names) <= found.keys():
            raise InputError(f"{paths[0]} has to hold {', '.join(names)}")
        return [found[name] for name in names]
    arrays = [_loaded(path) for path in paths]
    for number, array in enumerate(arrays):
        if isinstance(array, dict):
            raise InputError(f"{paths[number]} holds several arrays; name it alone, or a .npy for each input")
    return arrays


def _loaded(path: Path) -> Any:
    import numpy as np

    try:
        found = np.load(path, allow_pickle=False)
        return found if isinstance(found, np.ndarray) else dict(found)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot read {path} as .npy or .npz: {error}") from error


def _write(path: Path, outputs: Sequence[NDArray[Any]]) -> None:
    import numpy as np

    try:
        with path.open("wb") as file:
            np.savez(file, **{f"output_{number}": output for number, output in enumerate(outputs)})
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error

"""datasets.md, architectures.md, corruptions.md, runtimes.md and mismatch-rules.md."""

from __future__ import annotations

import sys

from edgemnist.data.corruptions import corruptions
from edgemnist.data.published import KnownDataset
from edgemnist.data.registry import known_datasets
from edgemnist.mismatch.fed import input_rules
from edgemnist.mismatch.rule import rules
from edgemnist.runner.registry import runtimes
from edgemnist.tflite.kinds import ModelKind
from edgemnist.training.architectures import Architecture, architectures
from reference_pages.text import Page, code, codes, first_sentence, mark, prose, table


def datasets_page() -> Page:
    """Return the page of datasets."""
    rows = [
        (
            code(one.name), prose(one.description), "x".join(map(str, one.image_shape)), len(one.class_names),
            f"{one.train_count:,}", f"{one.test_count:,}", _download(one), one.licence,
        )
        for one in known_datasets()
    ]  # fmt: skip
    headings = ("Dataset", "What", "Image", "Classes", "Training images", "Test images", "Download", "Licence")
    body = [
        table(headings, rows),
        "An image is height x width x channels, uint8. A dataset is looked for on this machine first; see "
        "[EDGEMNIST_DATA](environment.md).\n",
        *(_dataset(one) for one in known_datasets()),
    ]
    summary = "The datasets that are known by name; `edgemnist data fetch NAME` gets one."
    return Page("datasets.md", "Datasets", summary, "\n".join(body))


def _download(known: KnownDataset) -> str:
    if not known.files:
        return "in a Python package"
    more = "" if all(file.size for file in known.files) else " and more"
    return f"{known.download_size / 1e6:,.1f} MB{more}"


def _dataset(known: KnownDataset) -> str:
    lines = [f"## {known.name}\n", f"Classes: {codes(known.class_names)}.\n"]
    if known.mirrors:
        lines.append("".join(f"- <{mirror}>\n" for mirror in known.mirrors))
        rows = [(code(file.name), f"{file.size:,}" if file.size else "", code(file.sha256)) for file in known.files]
        lines.append(table(("File", "Bytes", "SHA-256"), rows))
    return "\n".join(lines)


def architectures_page() -> Page:
    """Return the page of architectures."""
    rows = [
        (
            code(one.name), prose(one.description), f"{one.parameters:,}", f"{one.macs:,}", _smallest(one), one.pixels,
            one.defaults.epochs, one.defaults.learning_rate,
        )
        for one in architectures()
    ]  # fmt: skip
    headings = ("Architecture", "What", "Parameters", "MACs", "Smallest image", "Pixels", "Epochs", "Learning rate")
    body = (
        f"{table(headings, rows)}\nParameters (batch norms folded) and multiply-accumulates are for 28x28x1 images, or "
        "the smallest of a net that takes none such, and 10 classes. Epochs and learning rate are the defaults.\n"
    )
    return Page("architectures.md", "Architectures", "The nets that `edgemnist train --arch` builds.", body)


def _smallest(one: Architecture) -> str:
    side = one.smallest_side
    return f"{side}x{side}x{one.channels}" if one.channels else f"{side}x{side}, any channels"


def corruptions_page() -> Page:
    """Return the page of corruptions."""
    rows = [
        (code(one.name), prose(one.description), f"1 to {len(one.levels)}" if len(one.levels) > 1 else "1",
         one.published or "")
        for one in corruptions().values()
    ]  # fmt: skip
    body = (
        f"{table(('Corruption', 'What', 'Severities', 'In MNIST-C at'), rows)}\nThose without a severity in the last "
        "column are not in MNIST-C (Mu and Gilmer, arXiv:1906.02337).\n"
    )
    return Page("corruptions.md", "Corruptions", "What `edgemnist robustness` does to the test images.", body)


def runtimes_page() -> Page:
    """Return the page of runtimes."""
    rows = [
        (
            code(name), prose(first_sentence(sys.modules[type(one).__module__])),
            ", ".join(kind.value for kind in ModelKind if kind in one.takes), code(one.process), mark(one.emulated),
            code(one.install),
        )
        for name, one in runtimes().items()
    ]  # fmt: skip
    body = (
        f"{table(('Runtime', 'What', 'Takes', 'Process', 'Only by name', 'Comes with'), rows)}\nRuntimes with the same "
        "process may run one after another in one worker process. Those that take part only where they are named are "
        "emulated or on another machine.\n"
    )
    return Page("runtimes.md", "Runtimes", "The engines that `--runtime` names.", body)


def rules_page() -> Page:
    """Return the page of the rules by which bytes differ."""
    kinds = {1: "runtimes are known for it", 2: "mistake of arithmetic", 3: "mistake of memory", 4: "description only"}
    rows = [(code(one.name), prose(one.says), kinds[one.rank], prose(one.remedy)) for one in rules()]
    fed = [(code(one.name), prose(one.says), prose(one.remedy)) for one in input_rules()]
    body = (
        f"{table(('Rule', 'The operator', 'What it is', 'What to do'), rows)}\nEvery rule is replayed on the bytes of "
        "an operator that differs; one that reproduces all of them is the answer. Ways of rounding are also tried "
        "together with each mistake of a layer's arithmetic.\n\n"
        "## What a device was fed\n\n"
        f"{table(('Rule', 'The device', 'What to do'), fed)}\nThese are tried on a dump's input, alone and in pairs, "
        "where the pictures are there: `edgemnist explain MODEL --dump FILE --inputs DIR`.\n"
    )
    return Page("mismatch-rules.md", "Mismatch rules", "Why bytes differ, as far as `edgemnist explain` knows.", body)

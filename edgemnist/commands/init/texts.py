"""What stands in a new project's files; ``@{...}`` are its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"@\{(\w+)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its settings."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


DEFAULTS = """\
# What the commands take in this folder and below; the command line wins. `edgemnist config` shows it.

[run]
dataset = "@{dataset}"
preset = "@{preset}"

[train]
dataset = "@{dataset}"

[codegen]
name = "@{name}"
target = "@{target}"

[firmware.build]
board = "@{board}"

[firmware.run]
board = "@{board}"

[firmware.package]
name = "@{name}"

[report]
board = "@{board}"
"""

GITIGNORE = """\
# What the commands make.
artifacts/
mlruns/
*.zip

# Python
.venv/
__pycache__/
"""

DATA = """\
# Pictures

A folder for each class, named after it, with its pictures in it:

    data/cat/1.jpg
    data/dog/1.jpg

Around them `train/` and `test/` where you have divided them; else a fifth of every class becomes the test split, always
the same. Other files, this one too, are passed over.
"""

PICTURES = {
    True: "The pictures are your own, in `data/`; `data/README.md` says how they lie there. Look at them first:",
    False: "The dataset is `@{dataset}`. Look at it first:",
}

README = """\
# @{name}

An image classifier for the board `@{board}`, made with edgemnist. `edgemnist.toml` has the options of its commands.

## The pictures

@{pictures}

```sh
edgemnist data show @{dataset} --out artifacts/pictures.png
```

## From pictures to a proven firmware

```sh
edgemnist config
edgemnist run
```

`run` trains (preset `@{preset}`), prunes, converts to int8, writes C code, compares every runtime's bytes and runs the
firmware on an emulated core. What it makes lies in `artifacts/`. The same, one by one, and more:

```sh
edgemnist evaluate
edgemnist codegen
edgemnist firmware build
edgemnist firmware run
edgemnist firmware package --for cmake
```

## Every push

`.github/workflows/edgemnist.yml` does all of that on GitHub and keeps `artifacts/`. Give it what pip is to install,
such as a wheel of edgemnist that you keep somewhere, as the repository's variable `EDGEMNIST`.
"""

WORKFLOW = """\
name: edgemnist
on:
  push:
  pull_request:
permissions:
  contents: read
jobs:
  model:
    runs-on: ubuntu-latest
    env:
      EDGEMNIST: ${{ vars.EDGEMNIST || 'edgemnist[all]' }}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: pip install "$EDGEMNIST"
      - run: edgemnist config
      - run: edgemnist run
      - run: edgemnist firmware package --for cmake
      - uses: actions/upload-artifact@v4
        with:
          name: artifacts
          path: artifacts/
"""

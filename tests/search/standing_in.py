"""A worker of a study whose trainings are stood in for: python -m tests.search.standing_in URL SECONDS [LOG]."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from search_stand_in import stand_in_outcome

from edgemnist.search.outcome import Item, Outcome
from edgemnist.search.storage import open_storage
from edgemnist.search.study import SharedStudy, Timing
from edgemnist.search.worker import work

STUDY = "stood-in"
TIMING = Timing(beat=0.3, silence=3.0, patience=60.0)


def main(url: str, seconds: str, log: str) -> None:
    """Work until the study is over; a line in the log for each item that is begun."""
    study = SharedStudy(open_storage(url), STUDY, TIMING)

    def evaluate(item: Item) -> Outcome:
        with Path(log).open("a") as lines:
            lines.write(f"{os.getpid()} {item.key}\n")
        time.sleep(float(seconds) * random.uniform(0.5, 1.5))
        return stand_in_outcome(item, study.settings)

    work(study, evaluate, poll=0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])

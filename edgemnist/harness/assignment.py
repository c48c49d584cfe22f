"""The best one-to-one assignment between predicted and true classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_assignment(gains: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return for each row the column that it is assigned, shape (n,), so that the sum of the gains is largest.

    The Hungarian method with potentials, row by row along shortest augmenting paths (Kuhn 1955; Jonker and Volgenant
    1987): O(n^3). Of several best assignments one that keeps rows at their own columns is preferred.

    :param gains: shape (n, n), finite.
    """
    count = len(gains)
    # Less than any real difference of whole numbers, so that it only decides between equals.
    costs = -(np.asarray(gains, dtype=np.float64) + np.eye(count) / (2.0 * count + 2.0))
    row_potential, column_potential = np.zeros(count + 1), np.zeros(count + 1)
    row_of = np.zeros(count + 1, dtype=np.int64)  # of each column, both counted from 1; column 0 is the root
    for row in range(1, count + 1):
        row_of[0] = row
        column, before = _shortest_path(costs, row_of, row_potential, column_potential)
        while column:
            row_of[column] = row_of[before[column]]
            column = int(before[column])
    found = np.empty(count, dtype=np.int64)
    found[row_of[1:] - 1] = np.arange(count)
    return found


def _shortest_path(
    costs: NDArray[np.float64],
    row_of: NDArray[np.int64],
    row_potential: NDArray[np.float64],
    column_potential: NDArray[np.float64],
) -> tuple[int, NDArray[np.int64]]:
    """Return a free column and, for each column, the one before it on the path; the potentials are updated."""
    count = len(costs)
    distance = np.full(count + 1, np.inf)
    before = np.zeros(count + 1, dtype=np.int64)
    done = np.zeros(count + 1, dtype=bool)
    column = 0
    while True:
        done[column] = True
        row = row_of[column]
        reduced = costs[row - 1] - row_potential[row] - column_potential[1:]
        shorter = ~done[1:] & (reduced < distance[1:])
        distance[1:][shorter], before[1:][shorter] = reduced[shorter], column
        nearest = 1 + int(np.argmin(np.where(done[1:], np.inf, distance[1:])))
        step = distance[nearest]
        row_potential[row_of[done]] += step
        column_potential[done] -= step
        distance[~done] -= step
        column = nearest
        if row_of[column] == 0:
            return column, before

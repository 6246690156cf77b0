"""Draws in chunks that hold in memory, on as many threads as there are processors."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from fragilite.errors import UsageError

#: Cells of one array of a chunk (2 MB, near the caches): a thread holds some ten of them.
CELLS = 2**18
#: Threads at most: beyond, memory costs more than time is gained.
THREADS = 4

Job = TypeVar("Job")
Result = TypeVar("Result")


def steps(draws: int, ranked: int) -> Iterator[slice]:
    """Chunks of draws that hold in memory."""
    step = max(1, CELLS // max(ranked, 1))
    for start in range(0, draws, step):
        yield slice(start, min(start + step, draws))


def in_order(work: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
    """Results of `work`, in the order of the jobs: whatever the threads, sums are the same.

    numpy lets go of the interpreter while it sorts, draws and multiplies. Jobs are made as threads
    become free, so that few of them are held at once.

    Examples
    --------
    >>> list(in_order(abs, [-2, 1]))
    [2, 1]
    """
    threads = min(THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[Result]] = deque()
        for job in jobs:
            pending.append(pool.submit(work, job))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def check_draws(draws: int) -> None:
    """Refuse a number of draws under 1."""
    if draws < 1:
        raise UsageError(f"Nombre de tirages : au moins 1 attendu, trouvé {draws}.")

"""Fresh processes for tests that kill them: forked from one that has imported the engine and opened nothing."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from signal import SIGKILL
from typing import Any

#: Seconds after which a process hangs.
LONG = 120
#: What the processes run.
MODULES = ("tests.runtime.crashing_approvals", "tests.runtime.crashing_timers")


def outcome(work: Callable[..., int], *given: Any) -> int | None:
    """What a function returns in a process of its own; None when the process was killed.

    Raises:
        AssertionError: It failed, or took too long.
    """
    context = _context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, work, given))
    process.start()
    theirs.close()
    process.join(LONG)
    if process.is_alive():
        process.kill()
        raise AssertionError(f"{work.__name__}{given} is not done after {LONG} s")
    if process.exitcode == -SIGKILL:
        return None
    assert process.exitcode == 0, f"{work.__name__}{given} ended with {process.exitcode}"
    result: int = ours.recv()
    return result


def _run(answer: Connection, work: Callable[..., int], given: tuple[Any, ...]) -> None:
    answer.send(work(*given))


@cache
def _context() -> ForkServerContext:
    """Forks from a server that has imported what takes most of the time of a start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(MODULES))
    return context

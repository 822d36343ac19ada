"""The workers of one process: who runs jobs, what is done about each queue, and what keeps them going."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.ports import Connector, Jobs
from engine.registry import Registry
from engine.runtime.act import MESSAGE
from engine.runtime.jobs.ticker import Ticker
from engine.runtime.jobs.worker import Handler, QueueWorker
from engine.runtime.notify import Delivery, Spread
from engine.runtime.timers import TIMER, GoingOff

if TYPE_CHECKING:
    from engine.runtime.engine import Engine


def handlers(engine: Engine, ways: Registry[Connector]) -> Mapping[str, Handler]:
    """What is done about each queue: messages are spread over the ways out, each of which has a queue of its own;
    timers go off."""
    deliveries = [(way, Delivery(engine, way, connector)) for way, connector in ways.items()]
    return Registry[Handler]("queues", ((MESSAGE, Spread(engine, ways)), (TIMER, GoingOff(engine)), *deliveries))


class Workers:
    """Works off the jobs of an engine, in this process, by the given runner."""

    def __init__(self, engine: Engine, jobs: Jobs, ways: Registry[Connector]) -> None:
        self._jobs = jobs
        self.worker = QueueWorker(engine, handlers(engine, ways))
        self.ticker = Ticker(engine, jobs, self.worker)

    def start(self) -> None:
        """Begins to work; returns at once."""
        self._jobs.start(self.worker)
        self.ticker.start()

    def stop(self) -> None:
        """Hands over no more, and finishes what is running."""
        self.ticker.stop()
        self._jobs.stop()

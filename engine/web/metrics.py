"""What ``/metrics`` tells: how many requests there were, how they ended, how long they took."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"})


class Metrics:
    """The counters of one application. Routes are counted, not addresses: those are without number."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        # Its own counter tells how many there were.
        self._seconds = Histogram(
            "http_request_seconds",
            "Time to answer",
            ("method", "route", "status"),
            registry=self._registry,
            buckets=BUCKETS,
        )
        self.definition_problems = Gauge(
            "definition_problems", "Problems of the files as they are now", registry=self._registry
        )
        # Finding a counter by its labels takes longer than counting.
        self._found: dict[tuple[str, str, int], Histogram] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts an answered request."""
        found = self._found.get((method, route, status))
        if found is None:
            # Anybody may send any word for a method.
            known = method if method in METHODS else "other"
            found = self._seconds.labels(known, route, str(status))
            if known == method:
                self._found[method, route, status] = found
        found.observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)

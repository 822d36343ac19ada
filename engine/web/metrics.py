"""What ``/metrics`` tells: how many requests there were, how they ended, how long they took."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """The counters of one application. Routes are counted, not addresses: those are without number."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route")
        self._requests = Counter("http_requests", "Requests", (*labels, "status"), registry=self._registry)
        self._seconds = Histogram(
            "http_request_seconds", "Time to answer", labels, registry=self._registry, buckets=BUCKETS
        )
        self.definition_problems = Gauge(
            "definition_problems", "Problems of the files as they are now", registry=self._registry
        )
        # Finding a counter by its labels takes longer than counting.
        self._found: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts an answered request."""
        key = (method, route, status)
        found = self._found.get(key)
        if found is None:
            # Anybody may send any word for a method.
            known = method if method in ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT") else "other"
            found = self._found[key] = (
                self._requests.labels(known, route, str(status)),
                self._seconds.labels(known, route),
            )
            if len(self._found) > 5_000:
                self._found.clear()
        found[0].inc()
        found[1].observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)

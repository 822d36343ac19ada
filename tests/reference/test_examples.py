"""The application's own tests hold, on both databases, and leave no way and no rule untried."""

from __future__ import annotations

from pathlib import Path

from engine.catalog.catalog import Catalog
from engine.runtime.scratch import scratch
from engine.runtime.testing import TestRunner


def test_every_test_of_the_application_passes(application: Catalog, root: Path, database_url: str) -> None:
    with scratch(application, database_url) as database:
        runner = TestRunner(database, root)
        results = list(runner.run(list(application.tests.values())))
    failures = [str(failure) for result in results for failure in result.failures]
    assert not failures, "\n".join(failures)
    assert len(results) > 40
    transitions, rules, permissions = runner.coverage.report()
    assert not transitions.missed
    assert not rules.missed
    assert permissions.touched >= 0.9 * permissions.total, permissions.missed

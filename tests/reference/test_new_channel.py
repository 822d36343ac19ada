"""One file makes a channel: the application gains it without a line of its own being changed."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.catalog.builder import FOLDERS, load
from engine.catalog.catalog import Catalog
from engine.catalog.reload import CatalogHolder
from engine.errors import DefinitionError
from engine.registry import Registry
from engine.runtime.engine import Engine
from engine.runtime.jobs.stepped import SteppedJobs
from engine.runtime.jobs.workers import Workers
from engine.runtime.scratch import scratch
from engine.runtime.service import SYSTEM
from engine.runtime.testing import TestRunner
from engine.store.database import Database

HERE = Path(__file__).parent


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A copy of the application, with the file of the new channel and the test that goes with it."""
    for folder in FOLDERS:
        shutil.copytree(root / folder, tmp_path / folder)
    shutil.copytree(HERE / "payloads", tmp_path / "definitions/payloads")
    for name in ("group_buying_intake.yaml", "group_buying.yaml"):
        shutil.copy(HERE / name, tmp_path / "definitions")
    return tmp_path


def test_its_orders_arrive(copy: Path) -> None:
    catalog = load(copy)
    with scratch(catalog) as database:
        own = [test for test in catalog.tests.values() if test.document.file.endswith("group_buying.yaml")]
        results = list(TestRunner(database, copy).run(own))
    assert len(own) == 2
    assert all(result.passed for result in results), "\n".join(str(f) for result in results for f in result.failures)


def test_the_other_channels_stay_as_they_are(copy: Path, application: Catalog) -> None:
    catalog = load(copy)
    assert set(catalog.channels) - set(application.channels) == {"group_buying"}
    for name, channel in application.channels.items():
        assert catalog.channels[name].document.data == channel.document.data


def test_one_mistake_in_it_and_nothing_of_it_loads(copy: Path) -> None:
    file = copy / "definitions/group_buying_intake.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("discount_amount: {from", "discount_amout: {from"), "utf-8")
    with pytest.raises(DefinitionError) as caught:
        load(copy)
    [problem] = caught.value.problems
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "discount_amount" in line)
    assert problem.span is not None
    assert (problem.code, problem.span.file, problem.span.line, problem.span.column) == (
        "E303", "definitions/group_buying_intake.yaml", line, 3,
    )  # fmt: skip
    assert "discount_amount" in (problem.hint or "")


# The whole file ----------------------------------------------------------------------------------------------------


#: A kind of which the engine knows nothing yet.
LEDGER = re.compile(r"^---\nledger: .*?(?=^---\n)", re.MULTILINE | re.DOTALL)
#: The roles that the file names, which an administrator has made before.
ROLES = "".join(f"access: {name}\n---\n" for name in ("gb_leader", "gb_manager", "region_head"))


def whole() -> str:
    """The file of the channel, but for what cannot be read yet."""
    text = (HERE / "group_buying_whole.yaml").read_text("utf-8")
    left, cut = LEDGER.subn("", text)
    assert cut == 1
    assert left.count("by: [wechat]") == 2
    return left.replace("by: [wechat]", "by: [log]")


@pytest.fixture
def fresh(copy: Path) -> Path:
    """The application, before anything of the channel is there."""
    for name in ("group_buying_intake.yaml", "group_buying.yaml"):
        (copy / "definitions" / name).unlink()
    shutil.copy(HERE / "group_buying_batch.yaml", copy / "definitions")
    return copy


def test_its_batches_form_or_fail_at_their_cut_off(fresh: Path) -> None:
    (fresh / "definitions/group_buying.yaml").write_text(whole(), "utf-8")
    catalog = load(fresh)
    own = [test for test in catalog.tests.values() if test.document.file.endswith("group_buying_batch.yaml")]
    with scratch(catalog) as database:
        results = list(TestRunner(database, fresh).run(own))
    assert len(own) == 4
    assert all(result.passed for result in results), "\n".join(str(f) for result in results for f in result.failures)


def test_a_running_server_takes_it_in(fresh: Path, tmp_path: Path) -> None:
    (fresh / "definitions/group_buying_batch.yaml").unlink()
    database = Database.open(f"sqlite:///{tmp_path / 'running.db'}", durable=False)
    engine = Engine(CatalogHolder(fresh), database)
    engine.prepare()
    assert "gb_batch" not in engine.catalog.models
    (fresh / "definitions/group_buying.yaml").write_text(f"{ROLES}{whole()}", "utf-8")
    assert engine.holder.reload()
    cutoff = datetime.now(UTC) - timedelta(seconds=1)
    values = {"batch_no": "B1", "cutoff": cutoff.isoformat()}
    batch = engine.write(lambda tx: engine.service.create(tx, SYSTEM, "gb_batch", values))
    jobs = SteppedJobs()
    workers = Workers(engine, jobs, Registry("ways out", ()))
    jobs.start(workers.worker)
    while workers.ticker.turn() or jobs.waiting:
        jobs.step()
    [now] = engine.database.read(lambda tx: engine.service.store.records.load(tx, "gb_batch", [batch["id"]]))
    assert now["status"] == "failed"
    database.close()

"""Takes in what channels bring: each arrival becomes a record, changes one, is known already, or is refused with its
reasons.

One arrival never harms another: each is one act in a savepoint of its own. What is refused is kept with its raw form
and can be taken in again once the reason is mended.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from engine.catalog.kinds.channel import Channel
from engine.errors import BadRequest, Complaint, ExpressionError, NotFound, RequestError
from engine.policy.access import Actor
from engine.policy.intake.formats import Raw, csv_table, decode, json_records, sniff, table_records, xlsx_table
from engine.policy.intake.mapping import Arrival, ChannelMap
from engine.policy.intake.raw import decode_json, storable
from engine.policy.rules import work_through
from engine.policy.transition import events_from
from engine.ports import Fire, Record
from engine.runtime.act import Act, Working
from engine.runtime.effects import Effects, not_accepted
from engine.runtime.service import Service
from engine.runtime.upserting import map_arrivals
from engine.steps.step import run_steps
from engine.store.keys import new_key
from engine.store.transaction import Transaction

Result = Literal["created", "updated", "duplicate", "stale", "skipped", "refused"]

#: So many arrivals are mapped together: enough to make look-ups cheap, few enough to hold in memory.
CHUNK = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one arrival. ``rows`` are its rows in the file, or its position in the message."""

    result: Result
    key: str | None
    rows: tuple[int, ...]
    record: str | None = None
    problems: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class Identified:
    """An arrival with what makes it the same as an earlier one, or a newer form of it."""

    arrival: Arrival
    key: str | None
    version: str | None
    hash: str
    #: The raw record, as JSON that every database can keep.
    raw: Any


class _Barren(Exception):
    """Some records were made for nothing. ``outcomes`` are those of the arrivals that needed them, by position."""

    def __init__(self, outcomes: dict[int, Outcome]) -> None:
        self.outcomes = outcomes


class Intake:
    """The channels of one catalogue at work."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.catalog = service.catalog
        self.store = service.store

    # What arrives ---------------------------------------------------------------------------------------------------

    def channel(self, name: str) -> Channel:
        """The channel of that name, or NotFound."""
        found = self.catalog.channels.get(name)
        if found is None:
            raise NotFound(f"there is no channel {name}")
        return found

    def channel_model(self, name: str) -> str:
        """The model that the channel feeds."""
        return str(self.channel(name).for_ or self.catalog.app.intake)

    def map(self, name: str) -> ChannelMap:
        """The compiled map of a channel."""
        channel = self.channel(name)
        return self.catalog.memo(
            (ChannelMap, name), lambda: ChannelMap(self.catalog, channel, self.channel_model(name))
        )

    def records(
        self, name: str, body: bytes, media_type: str | None, filename: str | None, value: Any = None
    ) -> Iterator[Raw]:
        """The raw records of a message or a file. BadRequest when it is not what the channel takes.

        ``value`` is the parsed JSON where the caller has it already."""
        channel = self.channel(name)
        intake = channel.intake
        match sniff(intake, media_type or "", filename or "", body[:64]):
            case "json":
                yield from json_records(intake, value if value is not None else self._json(body))
            case "xlsx":
                yield from table_records(intake, xlsx_table(intake, body), self.map(name).columns)
            case _:
                lines = io.StringIO(decode(intake, body), newline="")
                yield from table_records(intake, csv_table(intake, lines), self.map(name).columns)

    @staticmethod
    def _json(body: bytes) -> Any:
        try:
            return decode_json(body)
        except ValueError as error:
            raise BadRequest(f"this is not JSON: {error}", code="NOT_JSON") from None

    def receive(
        self,
        tx: Transaction,
        name: str,
        body: bytes,
        *,
        media_type: str | None = None,
        filename: str | None = None,
        ip: str | None = None,
    ) -> list[Outcome]:
        """What became of each record of a message."""
        return list(self.take(tx, name, self.records(name, body, media_type, filename), ip=ip))

    def take(self, tx: Transaction, name: str, raws: Iterable[Raw], *, ip: str | None = None) -> Iterator[Outcome]:
        """What became of each raw record, in their order."""
        actor = Actor(None, f"channel:{name}", name, ip=ip, channel=name, everything=True, facts=CHANNEL_FACTS)
        chunk: list[Raw] = []
        for raw in raws:
            chunk.append(raw)
            if len(chunk) >= CHUNK:
                yield from self._take_chunk(tx, name, actor, chunk)
                chunk = []
        if chunk:
            yield from self._take_chunk(tx, name, actor, chunk)

    def _take_chunk(self, tx: Transaction, name: str, actor: Actor, raws: Sequence[Raw]) -> list[Outcome]:
        """What became of each record of a chunk. What `upsert` made for arrivals of which none is taken goes again: the
        chunk is done once more, without making anything for those."""
        mapping = self.map(name)
        if not mapping.makes:
            return self._attempt(tx, name, actor, raws, {})
        settled: dict[int, Outcome] = {}
        while True:
            try:
                with tx.savepoint():
                    return self._attempt(tx, name, actor, raws, settled)
            except _Barren as found:
                settled |= found.outcomes

    def _attempt(
        self, tx: Transaction, name: str, actor: Actor, raws: Sequence[Raw], settled: Mapping[int, Outcome]
    ) -> list[Outcome]:
        """The outcomes of a chunk, of which ``settled`` are known. Raises _Barren."""
        channel, mapping = self.channel(name), self.map(name)
        act = Act(self.catalog, self.store, tx, actor, self.service.clock.now(), timezone=mapping.timezone)
        arrivals = [mapping.arrive(raw, act.names(None, None, "intake")) for raw in raws]
        for at in settled:
            arrivals[at].makes = False
        made = map_arrivals(self.service, act, mapping, arrivals)
        identified = [self._identify(channel, mapping, arrival) for arrival in arrivals]
        known = self.store.arrivals.known(tx, name, [found.key for found in identified if found.key is not None])
        outcomes = []
        for at, found in enumerate(identified):
            if at in settled:
                outcomes.append(self._settle_again(tx, mapping, found, known, settled[at]))
            else:
                outcomes.append(self._settle(tx, actor, channel, mapping, found, known))
        taken = [outcome.result in ("created", "updated") for outcome in outcomes]
        kept = {key for arrival, yes in zip(arrivals, taken, strict=True) if yes for key in arrival.upserted}
        barren = {at: outcomes[at] for at, arrival in enumerate(arrivals) if (arrival.upserted & made) - kept}
        if barren:
            raise _Barren(barren)
        return outcomes

    # One arrival ----------------------------------------------------------------------------------------------------

    def _identify(self, channel: Channel, mapping: ChannelMap, arrival: Arrival) -> Identified:
        fields = mapping.reader.fields
        parts = [arrival.values.get(name) for name in channel.identity.key]
        key = None
        if all(part is not None for part in parts):
            wire = [fields[name].wire(part) for name, part in zip(channel.identity.key, parts, strict=True)]
            key = orjson.dumps(wire, default=str).decode()
        version = mapping.version(arrival.raw.data) if mapping.version is not None else None
        kept, text = storable(arrival.raw.data)
        digest = hashlib.sha256(text).hexdigest()
        return Identified(arrival, key, str(version) if version is not None else None, digest, kept)

    def _settle(
        self,
        tx: Transaction,
        actor: Actor,
        channel: Channel,
        mapping: ChannelMap,
        found: Identified,
        known: dict[str, Record],
    ) -> Outcome:
        """What becomes of one arrival. ``known`` grows, so that a chunk that brings one key twice notices it."""
        arrival = found.arrival
        rows = tuple(arrival.raw.rows)
        if arrival.raw.fault is None and not self._wanted(channel, arrival):
            return Outcome("skipped", found.key, rows)
        earlier = known.get(found.key) if found.key is not None else None
        made = earlier is not None and earlier["record"] is not None
        if earlier is not None and made:
            judged = self._against(channel, found, earlier, rows)
            if judged is not None:
                return judged
        try:
            if arrival.complaints:
                raise not_mapped(arrival.complaints)
            with tx.savepoint():
                act = Act(self.catalog, self.store, tx, actor, self.service.clock.now(), timezone=mapping.timezone)
                if earlier is not None and made:
                    record = self._change(act, channel, mapping, arrival, earlier["record"])
                else:
                    record = self._make(act, channel, mapping, arrival)
        except (RequestError, ExpressionError) as error:
            problems = _problems(error)
            if not made:
                self._remember(tx, mapping, found, earlier, known, "refused", None, problems)
            return Outcome("refused", found.key, rows, earlier["record"] if earlier and made else None, problems)
        result: Result = "updated" if made else "created"
        self._remember(tx, mapping, found, earlier, known, result, record["id"], ())
        return Outcome(result, found.key, rows, record["id"])

    def _settle_again(
        self, tx: Transaction, mapping: ChannelMap, found: Identified, known: dict[str, Record], outcome: Outcome
    ) -> Outcome:
        """The same outcome as before, after all that was written has been undone: records have other ids now."""
        earlier = known.get(found.key) if found.key is not None else None
        if outcome.record is not None and earlier is not None:
            return replace(outcome, record=earlier["record"])
        if outcome.result == "refused":
            self._remember(tx, mapping, found, earlier, known, "refused", None, outcome.problems)
        return outcome

    @staticmethod
    def _wanted(channel: Channel, arrival: Arrival) -> bool:
        """Whether ``only`` lets it in; unknown is a no."""
        only = channel.only
        try:
            return only is None or only.expression(arrival.values, arrival.names) is True
        except ExpressionError as error:
            arrival.complaints.append(Complaint("", "CANNOT_COMPUTE", error.message))
            return True  # it is not known to be unwanted: it is refused with this reason

    def _against(self, channel: Channel, found: Identified, earlier: Record, rows: tuple[int, ...]) -> Outcome | None:
        """The outcome for a key that has made a record before; None when this is a newer form of it."""
        same_version = found.version == earlier["source_version"]
        if found.hash == earlier["hash"] and same_version:
            return Outcome("duplicate", found.key, rows, earlier["record"])
        if found.version is None or same_version:
            text = "another content under the same key" + ("" if found.version is None else " and version")
            return Outcome("refused", found.key, rows, earlier["record"], (Complaint("", "VERSION_CONFLICT", text),))
        if earlier["source_version"] is not None and _older(found.version, earlier["source_version"]):
            if channel.identity.stale == "ignore":
                return Outcome("stale", found.key, rows, earlier["record"])
            text = f"version {found.version} is older than {earlier['source_version']}"
            return Outcome("refused", found.key, rows, earlier["record"], (Complaint("", "STALE_ARRIVAL", text),))
        return None

    def _make(self, act: Act, channel: Channel, mapping: ChannelMap, arrival: Arrival) -> Record:
        """The new record, accepted, and submitted if the channel says so."""
        effects = Effects(self.service, act, "create")
        working = self.service.make(effects, mapping.model, arrival.values, channel=channel.name)
        self._accept(effects, channel, working)
        event = self._submit_event(channel)
        if event is not None:
            self.submit(effects, working, event)
        effects.settle()
        act.finish()
        return working.record

    def _change(self, act: Act, channel: Channel, mapping: ChannelMap, arrival: Arrival, key: str) -> Record:
        """The record after a newer form of it has arrived, if it may still change: before it has been submitted."""
        working = act.take(mapping.model, key, "update", self.service.plan(mapping.model).reads)
        workflow = self.service.workflow_of(act, working)
        event = self._submit_event(channel)
        status = working.record["status"]
        if workflow is not None and event is not None and event not in events_from(workflow, status):
            text = f"in the state {status!r} a channel cannot change it any more"
            raise not_mapped([Complaint("", "TOO_LATE_TO_CHANGE", text)])
        effects = Effects(self.service, act, "update")
        act.note(working, "update", status, status)
        self.service.assign(act, working, {name: arrival.values[name] for name in sorted(arrival.mapped)})
        self._accept(effects, channel, working)
        effects.settle()
        act.finish()
        return working.record

    def _accept(self, effects: Effects, channel: Channel, working: Working) -> None:
        """Works through what the channel accepts, and what it does with what comes too late."""
        act = effects.act
        frame = act.frame(working.model, working.record, "intake")
        if channel.accept:
            self.service.store.records.expand(act.tx, working.model, [working.record], self._reads(channel))
            verdict = effects.drive(work_through(channel.name, channel.accept, frame, not_accepted))
            working.trail.extend(verdict.reasons)
        late = channel.too_late
        if late is not None and late.if_.expression(working.record, frame.names) is True:
            effects.drive(run_steps(late.do, frame))

    def _reads(self, channel: Channel) -> frozenset[tuple[str, ...]]:
        def found() -> frozenset[tuple[str, ...]]:
            formulas = [
                formula
                for rule in channel.accept.values()
                for formula in (rule.require, rule.when)
                if formula is not None
            ]
            if channel.too_late is not None:
                formulas.append(channel.too_late.if_)
            return frozenset(path for formula in formulas for path in formula.expression.reads)

        return self.catalog.memo(("accept reads", channel.name), found)

    def _submit_event(self, channel: Channel) -> str | None:
        """The event that is fired after creation: the channel's own, else its form's."""
        if channel.submit is not None:
            return channel.submit
        form = self.catalog.forms.get(channel.form) if channel.form is not None else None
        return form.submit if form is not None else None

    def submit(self, effects: Effects, working: Working, event: str) -> None:
        """Fires the event on a new record, as a step would: its guard counts. A record that has moved on by itself, or
        is held back from this very event, stays where it is."""
        workflow = self.service.workflow_of(effects.act, working)
        if workflow is None or self.service.event_of(workflow, working, event) is None:
            return
        if not any(event in (hold["blocks"] or ()) for hold in working.record["holds"]):
            effects.perform(Fire(working.model, working.record, event))

    def _remember(
        self,
        tx: Transaction,
        mapping: ChannelMap,
        found: Identified,
        earlier: Record | None,
        known: dict[str, Record],
        outcome: str,
        record: str | None,
        problems: Sequence[Complaint],
    ) -> None:
        """Writes the arrival down. Only what was refused keeps its raw form beside the record's own history."""
        moment = self.service.clock.now()
        arrival: Record = {
            "id": earlier["id"] if earlier is not None else new_key(moment),
            "channel": mapping.channel.name,
            "key": found.key,
            "source_version": found.version,
            "hash": found.hash,
            "model": mapping.model,
            "record": record,
            "outcome": outcome,
            "problems": [{"at": p.at, "code": p.code, "message": p.message} for p in problems] or None,
            "raw": found.raw,
            "at": moment,
        }
        if earlier is not None:
            self.store.arrivals.change(tx, arrival)
        else:
            self.store.arrivals.add(tx, arrival)
        if found.key is not None:
            known[found.key] = arrival


#: What expressions see as ``user`` where a channel acts.
CHANNEL_FACTS: Record = {"id": None, "login": "channel", "roles": [], "teams": []}


def _problems(error: RequestError | ExpressionError) -> tuple[Complaint, ...]:
    if isinstance(error, ExpressionError):
        return (Complaint("", "CANNOT_COMPUTE", error.message),)
    return tuple(error.complaints) or (Complaint("", error.code, error.message),)


def not_mapped(complaints: Sequence[Complaint]) -> RequestError:
    """The refusal of an arrival that the map could not turn into a record."""
    return not_accepted(complaints, ())


def _older(version: str, than: str) -> bool:
    """Whether a version is older: as numbers where both are, else as texts (ISO moments sort as texts)."""
    if version.isdigit() and than.isdigit():
        return int(version) < int(than)
    return version < than

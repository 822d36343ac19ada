"""The map of a channel at work: many raw records become typed values, entry by entry.

An entry is worked through for all records of a chunk before the next one, in the order of the file: so ``value`` sees
what was mapped before it, and each look-up is one question for the whole chunk. Questions are effects
(``engine.ports``): this module knows no database.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.channel import Channel
from engine.catalog.kinds.mapping import Mapped
from engine.catalog.paths import every, getter, parse_path
from engine.errors import Complaint, ExpressionError, Label, RequestError
from engine.fields.field import Field, ValueFault
from engine.fields.link import LinkField
from engine.fields.rows import RowsField
from engine.policy.intake.formats import ROWS, Raw
from engine.policy.intake.plain import plain
from engine.policy.values import Reader, Row
from engine.ports import Alias, Create, Effect, Expand, Match, Record

Names = dict[str, Any]
Mapping_ = Generator[Effect, Any, None]
Key = tuple[Any, ...]


@dataclass(slots=True)
class Arrival:
    """One record on its way in: as it arrived, what has been made of it, and what is wrong with it."""

    raw: Raw
    values: Row
    names: Names
    complaints: list[Complaint] = field(default_factory=list)
    #: The fields that the map has given, null or not.
    mapped: set[str] = field(default_factory=set)
    #: The ids of the records that `upsert` found or made for it.
    upserted: set[str] = field(default_factory=set)
    #: Whether `upsert` makes what it does not find: not for an arrival that is known to come to nothing.
    makes: bool = True


@dataclass(slots=True)
class Target:
    """Where one entry puts its value: the raw data it starts from, the row it fills, and whose arrival that is."""

    arrival: Arrival
    raw: Any
    row: Row
    at: str

    def complain(self, name: str, code: str, message: Label, **values: Any) -> None:
        """Adds what is wrong at the field of that name."""
        self.arrival.complaints.append(Complaint(self.at + name, code, message, values))


class ChannelMap:
    """The map of a channel, compiled once per catalogue."""

    def __init__(self, catalog: Catalog, channel: Channel, model: str) -> None:
        self.channel = channel
        self.model = model
        zone = channel.intake.timezone or catalog.app.timezone
        self.timezone = zone
        self.reader = Reader(catalog.fields(model), zone)
        self._level = _Level(catalog, channel.name, model, channel.map, self.reader, zone)
        self.version = getter(channel.identity.version) if channel.identity.version else None
        #: Whether the map makes other records.
        self.makes = _upserts(channel.map.values())
        self.columns = (*_columns(channel.map.values()), *_first_name(channel.identity.version))

    def arrive(self, raw: Raw, names: Names) -> Arrival:
        """The arrival of a raw record, still to be mapped."""
        values = self.reader.blank()
        values["id"] = None
        own = {**names, "record": values, self.model: values}
        arrival = Arrival(raw, values, own)
        if raw.fault is not None:
            arrival.complaints.append(Complaint("", raw.code, raw.fault))
        return arrival

    def run(self, arrivals: Sequence[Arrival]) -> Mapping_:
        """The effects of mapping the arrivals; those that could not be read are left out."""
        targets = [
            Target(arrival, arrival.raw.data, arrival.values, "") for arrival in arrivals if arrival.raw.fault is None
        ]
        yield from self._level.run(targets)


class _Level:
    """The entries for one level of fields: a record's, or its rows'."""

    def __init__(
        self, catalog: Catalog, channel: str, place: str, entries: Mapping[str, Mapped], reader: Reader, zone: str
    ) -> None:
        self._steps = [_step(catalog, channel, place, name, entry, reader, zone) for name, entry in entries.items()]
        self._names = list(entries)

    def run(self, targets: Sequence[Target]) -> Mapping_:
        for step in self._steps:
            yield from step(targets)
        for target in targets:
            if not target.at:
                target.arrival.mapped.update(self._names)


Step = Callable[[Sequence[Target]], Mapping_]


def _step(catalog: Catalog, channel: str, place: str, name: str, entry: Mapped, reader: Reader, zone: str) -> Step:
    """What one entry does to all targets."""
    known = reader.fields[name]
    if entry.each is not None and isinstance(known, RowsField):
        return _each(catalog, channel, place, name, entry, reader, zone)
    if entry.value is not None:
        return _value(place, name, entry, known)
    if entry.alias is not None and isinstance(known, LinkField):
        return _alias(channel, name, entry, known)
    if entry.lookup is not None or entry.upsert is not None:
        return _found(catalog, place, name, entry, zone)
    take = plain(entry, known, zone)
    if isinstance(known, LinkField):
        return _by_key(name, take, known)
    return _taken(name, take)


def _taken(name: str, take: Callable[[Any], Any]) -> Step:
    def step(targets: Sequence[Target]) -> Mapping_:
        for target in targets:
            try:
                target.row[name] = take(target.raw)
            except ValueFault as fault:
                target.complain(name, fault.code, fault.message, **fault.values)
        yield from ()

    return step


# Rows ----------------------------------------------------------------------------------------------------------------


def _each(catalog: Catalog, channel: str, place: str, name: str, entry: Mapped, reader: Reader, zone: str) -> Step:
    inner = reader.rows[name]
    rows_of = every(entry.each or "$")
    level = _Level(catalog, channel, f"{place}.{name}", entry.map or {}, inner, zone)

    def step(targets: Sequence[Target]) -> Mapping_:
        below: list[Target] = []
        for target in targets:
            rows: list[Row] = []
            for index, raw in enumerate(rows_of(target.raw)):
                row = inner.blank()
                row["id"] = None
                rows.append(row)
                below.append(Target(target.arrival, raw, row, f"{target.at}{name}[{index}]."))
            target.row[name] = rows
        yield from level.run(below)

    return step


# Expressions ---------------------------------------------------------------------------------------------------------


def _value(place: str, name: str, entry: Mapped, known: Field) -> Step:
    assert entry.value is not None  # the caller has chosen by it
    expression = entry.value.expression
    reads = expression.reads
    deep = frozenset(path for path in reads if len(path) > 1)

    def step(targets: Sequence[Target]) -> Mapping_:
        if deep:
            yield Expand(place, [target.row for target in targets], deep)
        for target in targets:
            try:
                value = expression(target.row, target.arrival.names)
                target.row[name] = known.settle(value) if value is not None and not isinstance(value, dict) else value
            except (ExpressionError, ValueFault) as fault:
                target.complain(name, "CANNOT_COMPUTE", fault.message)

    return step


# Other records -------------------------------------------------------------------------------------------------------


def _by_key(name: str, take: Callable[[Any], Any], known: LinkField) -> Step:
    """A link whose text is the key (or the id) of a record."""

    def step(targets: Sequence[Target]) -> Mapping_:
        asked = list(_asked(name, targets, take))
        found: Mapping[str, Record] = yield Alias(known.target, None, tuple(dict.fromkeys(text for _, text in asked)))
        for target, text in asked:
            _put(target, name, text, found.get(text), known.target)

    return step


def _alias(channel: str, name: str, entry: Mapped, known: LinkField) -> Step:
    """A link whose text is what this channel calls the record, else its key."""
    get = getter(entry.alias or "$")

    def take(raw: Any) -> Any:
        value = get(raw)
        if value is None or str(value).strip() == "":
            return entry.default
        return str(value).strip()

    def step(targets: Sequence[Target]) -> Mapping_:
        asked = list(_asked(name, targets, take))
        found: Mapping[str, Record] = yield Alias(
            known.target, channel, tuple(dict.fromkeys(text for _, text in asked))
        )
        for target, text in asked:
            _put(target, name, text, found.get(text), known.target)

    return step


def _asked(name: str, targets: Sequence[Target], take: Callable[[Any], Any]) -> list[tuple[Target, str]]:
    """The targets that have a text to look for; a fault is complained about, an absent text leaves null."""
    asked: list[tuple[Target, str]] = []
    for target in targets:
        try:
            text = take(target.raw)
        except ValueFault as fault:
            target.complain(name, fault.code, fault.message, **fault.values)
            continue
        if text is not None:
            asked.append((target, str(text)))
    return asked


def _put(target: Target, name: str, text: str, found: Record | None, model: str) -> None:
    if found is None:
        target.complain(name, "LINK_UNKNOWN", f"there is no {model} {text!r}", to=model, text=text)
    else:
        target.row[name] = found


def _found(catalog: Catalog, place: str, name: str, entry: Mapped, zone: str) -> Step:
    """``lookup`` and ``upsert``: another record, found by some of its fields."""
    source, _, wanted = (entry.lookup or entry.upsert or "").partition(".")
    fields = catalog.fields(source)
    keys = {key: _key_part(inner, fields[key], zone) for key, inner in (entry.by or {}).items()}
    made = {key: _key_part(inner, fields[key], zone) for key, inner in (entry.set or {}).items()}
    reads = frozenset(
        path
        for inner in (*(entry.by or {}).values(), *(entry.set or {}).values())
        if inner.value is not None
        for path in inner.value.expression.reads
        if len(path) > 1
    )
    by = tuple(keys)
    path = wanted.split(".") if wanted else []

    def step(targets: Sequence[Target]) -> Mapping_:
        if reads:
            yield Expand(place, [target.row for target in targets], reads)
        asked: list[tuple[Target, Key]] = []
        for target in targets:
            key = _key(target, name, keys)
            if key is not None:
                asked.append((target, key))
        unique = list(dict.fromkeys(key for _, key in asked))
        found: dict[Key, Record] = (yield Match(source, by, tuple(unique))) if unique else {}
        if entry.upsert is not None:
            yield from _make_missing(name, source, by, made, asked, found)
        if len(path) > 1:
            yield Expand(source, list(found.values()), frozenset({tuple(path)}))
        for target, key in asked:
            record = found.get(key)
            if record is None and entry.upsert is not None:
                continue  # it could not be made, and that has been complained about
            if record is None:
                shown = ", ".join(f"{part} {_shown(value)}" for part, value in zip(by, key, strict=True))
                target.complain(name, "LOOKUP_UNKNOWN", f"there is no {source} with {shown}", to=source)
            else:
                target.row[name] = _along(record, path) if path else record
                if entry.upsert is not None:
                    target.arrival.upserted.add(record["id"])

    return step


Part = Callable[[Target], Any]


def _key_part(inner: Mapped, known: Field, zone: str) -> Part:
    """A function from a target to the value of one field that another record is found by, or made with."""
    if inner.value is not None:
        expression = inner.value.expression
        return lambda target: expression(target.row, target.arrival.names)
    take = plain(inner, known, zone)
    return lambda target: take(target.raw)


def _key(target: Target, name: str, keys: Mapping[str, Part]) -> Key | None:
    """The values to look for; None when one is missing (the field stays null) or wrong (it is complained about)."""
    try:
        key = tuple(part(target) for part in keys.values())
    except (ValueFault, ExpressionError) as fault:
        target.complain(name, getattr(fault, "code", "CANNOT_COMPUTE"), fault.message)
        return None
    return None if None in key else tuple(value["id"] if isinstance(value, dict) else value for value in key)


def _make_missing(
    name: str,
    source: str,
    by: Sequence[str],
    made: Mapping[str, Part],
    asked: Sequence[tuple[Target, Key]],
    found: dict[Key, Record],
) -> Mapping_:
    """Makes the records that no look-up has found, each once, from the first target that has nothing wrong.

    Whoever drives this throws in the refusal of a record that cannot be made: it is the arrival's own fault."""
    for target, key in asked:
        if key in found or target.arrival.complaints or not target.arrival.makes:
            continue
        try:
            values = {**dict(zip(by, key, strict=True)), **{name: part(target) for name, part in made.items()}}
        except (ValueFault, ExpressionError) as fault:
            target.complain(name, getattr(fault, "code", "CANNOT_COMPUTE"), f"{source}: {fault.message}")
            continue
        try:
            found[key] = yield Create(source, values, tuple(by))
        except RequestError as error:
            for problem in error.complaints or (Complaint("", error.code, error.message),):
                target.complain(f"{name}.{problem.at}".rstrip("."), problem.code, problem.message, **problem.values)


def _along(record: Record, path: Sequence[str]) -> Any:
    value: Any = record
    for part in path:
        if value is None:
            return None
        value = value[part]
    return value


def _shown(value: Any) -> str:
    return repr(str(value)[:60])


def _upserts(entries: Iterable[Mapped]) -> bool:
    return any(entry.upsert is not None or _upserts((entry.map or {}).values()) for entry in entries)


def _columns(entries: Any) -> tuple[str, ...]:
    """The columns that a map over a table reads: the first names of its paths, ``rows`` looked into."""
    found: dict[str, None] = {}
    for entry in entries:
        for text in (entry.from_, entry.alias):
            if entry.default is None:
                found.update(dict.fromkeys(_first_name(text)))
        for inner in (entry.map, entry.by, entry.set):
            found.update(dict.fromkeys(_columns((inner or {}).values())))
    return tuple(found)


def _first_name(path: str | None) -> tuple[str, ...]:
    first = parse_path(path)[:1] if path is not None else ()
    return tuple(part for part in first if isinstance(part, str) and part != ROWS)

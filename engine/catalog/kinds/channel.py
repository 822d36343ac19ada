"""``channel``: how records come in from outside, and ``message``: how news goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal

from engine.catalog.kind import Definition
from engine.catalog.kinds.rules import Rule
from engine.errors import Label
from engine.source.shape import Formula, Located, Name, option
from engine.steps.step import Step


@dataclass(frozen=True, kw_only=True)
class Secret(Located):
    """A name to look up in the environment, then in the secrets file. Never the value."""

    secret: str


@dataclass(frozen=True, kw_only=True)
class Auth(Located):
    """How the sender proves who it is. Without `auth`, a channel takes API tokens with the `intake` scope."""

    hmac_sha256: Secret | None = option(None, help="`X-Signature`: the hex HMAC-SHA256 of the body")
    bearer: Secret | None = option(None, help="`Authorization: Bearer …`")


@dataclass(frozen=True, kw_only=True)
class Intake(Located):
    """The form of what arrives."""

    format: Literal["json", "csv", "xlsx"] | tuple[Literal["json", "csv", "xlsx"], ...] = option("json", help="One, or those it may arrive in; told apart by content type, file name and first bytes")
    each: str | None = option(None, help="JSON: the path of the records, such as $.records[*]; absent: the body is one")
    group: tuple[str, ...] = option((), one_or_many=True, help="CSV, XLSX: the columns that rows of one record share")
    auth: Auth | None = None
    timezone: str | None = option(None, help="For times that bring none; the app's when absent")
    encoding: tuple[str, ...] = option(("utf-8",), one_or_many=True, help="CSV: encodings to try, in this order")
    delimiter: str = ","
    sheet: str | None = option(None, help="XLSX: the sheet's name; the first when absent")


@dataclass(frozen=True, kw_only=True)
class Identity(Located):
    """What makes two arrivals the same record, and which of them is newer."""

    key: tuple[Name, ...] = option(one_or_many=True)
    version: str | None = option(None, help="A path whose later value wins; absent: the content decides")
    stale: Literal["ignore", "refuse"] = "ignore"


@dataclass(frozen=True, kw_only=True)
class Mapped(Located):
    """Where a field's value comes from: exactly one of `from const value lookup upsert alias each`."""

    __short__ = "from"

    from_: str | None = option(None, key="from", help="A path into the raw record: $.a.b, or a column's name as $.列名")
    const: Any = None
    value: Formula | None = option(None, help="An expression over the fields mapped so far")
    lookup: str | None = option(None, help="A model, or one of its fields (gb_pickup.address), found with `by`")
    upsert: str | None = option(None, help="A model whose record is found with `by`, or made with `by` and `set`")
    alias: str | None = option(None, help="A path whose value is looked up among the aliases of the link's model for this channel, then as its key")
    each: str | None = option(None, help="A path of raw rows, each mapped by `map`; `$` starts at the row")
    map: Mapping[Name, Mapped] | None = None
    by: Mapping[Name, Mapped] | None = None
    set: Mapping[Name, Mapped] | None = None
    scale: Decimal | None = option(None, help="A factor: cents to money is 0.01")
    choices: Mapping[str, Any] | None = option(None, help="What each arriving text means; others are refused")
    format: str | None = option(None, help="How a date or time is written, as in strptime; ISO 8601 when absent")
    default: Any = option(None, help="Taken when the path leads nowhere or to an empty value")

    @property
    def name(self) -> str:
        return str(self.path[-1])


@dataclass(frozen=True, kw_only=True)
class TooLate(Located):
    """What happens to a record whose moment has passed."""

    if_: Formula = option(key="if")
    do: tuple[Step, ...] = option(one_or_many=True)


@dataclass(frozen=True, kw_only=True)
class Channel(Definition):
    """A way in: format, identity, mapping, what is accepted. One file makes a new one, while the server runs."""

    kind: ClassVar[str] = "channel"
    link_order: ClassVar[int] = 40

    channel: Name
    label: Label | None = None
    for_: Name | None = option(None, key="for", help="The model that it feeds; the app's `intake` when absent")
    intake: Intake
    identity: Identity
    only: Formula | None = option(None, help="Over `raw`-mapped fields: arrivals for which this is false are skipped and said so")
    map: Mapping[Name, Mapped]
    accept: Mapping[Name, Rule] = option(default_factory=dict, help="What an arrival must meet; refused with a code, or accepted with consequences")
    too_late: TooLate | None = None
    workflow: Name | None = None
    form: Name | None = None
    submit: Name | None = option(None, help="The event fired after creation; its form's when absent")


@dataclass(frozen=True, kw_only=True)
class MessageTemplate(Definition):
    """A text with places to fill, in each language: Jinja2, sandboxed."""

    kind: ClassVar[str] = "message"

    message: Name
    label: Label | None = None
    for_: Name | None = option(None, key="for")
    by: tuple[str, ...] = option(("log",), one_or_many=True, help="`email`, `log`, or a connector that is installed")
    subject: Label | None = None
    text: Label

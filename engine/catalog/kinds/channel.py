"""``channel``: how records come in from outside."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.catalog.kind import Definition, DefinitionLinker
from engine.catalog.kinds.app import check_timezone
from engine.catalog.kinds.mapping import Mapped, check_path, link_map
from engine.catalog.kinds.rules import Rule
from engine.errors import Label
from engine.expressions.types import BOOLEAN
from engine.source.shape import Formula, Located, Name, option
from engine.steps.step import Step, link_steps


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

    format: Literal["json", "csv", "xlsx"] | tuple[Literal["json", "csv", "xlsx"], ...] = option(
        "json", help="One, or those it may arrive in; told apart by content type, file name and first bytes"
    )
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
    only: Formula | None = option(
        None, help="Over `raw`-mapped fields: arrivals for which this is false are skipped and said so"
    )
    map: Mapping[Name, Mapped]
    accept: Mapping[Name, Rule] = option(
        default_factory=dict, help="What an arrival must meet; refused with a code, or accepted with consequences"
    )
    too_late: TooLate | None = None
    workflow: Name | None = None
    form: Name | None = None
    routing: Name | None = option(None, help="What its records are routed by, in the place of their model's routing")
    submit: Name | None = option(None, help="The event fired after creation; its form's when absent")

    def model(self, linker: DefinitionLinker) -> str | None:
        """The model that it feeds: its own `for`, else the one that the application names."""
        if self.for_ is not None:
            return self.for_
        apps = [linker.get("app", name) for name in linker.known("app")]
        return next((app.intake for app in apps if app.intake is not None), None)

    def link(self, linker: DefinitionLinker) -> None:
        model = self.model(linker)
        if model is None:
            if linker.complete("app"):
                linker.report_key("E105", "which model does it feed? the app names none", self, "channel", "say `for:`")
            return
        if linker.get("model", model) is None:
            linker.reference("model", self.for_, self, "for")
            return
        self._link_parts(linker, model)
        scope = linker.scope(model)
        for at, name in enumerate(self.identity.key):
            if linker.field(model, name, self.identity, ("key", at)) is not None and name not in self.map:
                # Then the key would stay empty, and nothing that comes twice would be noticed.
                linker.report(
                    "E405", f"'{name}' is part of the key, but the map gives it no value", self.identity, ("key", at)
                )
        check_path(linker, self.identity.version, self.identity, "version")
        linker.compile(self.only, scope, BOOLEAN)
        link_map(linker, self.map, model)
        for rule in self.accept.values():
            rule.link(linker, model, scope)
        if self.too_late is not None:
            linker.compile(self.too_late.if_, scope, BOOLEAN)
            link_steps(self.too_late.do, linker, model, scope)

    def _link_parts(self, linker: DefinitionLinker, model: str) -> None:
        """Checks the workflow, the form, the routing and the event that it names, and its time zone."""
        for kind, name in (("workflow", self.workflow), ("form", self.form), ("routing", self.routing)):
            found = linker.reference(kind, name, self, kind)
            if found is not None and found.for_ != model:
                linker.report(
                    "E405", f"the {kind} {name} is for {found.for_}, and this channel feeds {model}", self, kind
                )
        if self.submit is not None:
            linker.event(model, self.submit, self, "submit")
        if self.intake.timezone is not None:
            check_timezone(linker, self.intake, self.intake.timezone)
        check_path(linker, self.intake.each, self.intake, "each", many=True)
        self._link_table(linker)
        formats = (self.intake.format,) if isinstance(self.intake.format, str) else self.intake.format
        if self.intake.group and "json" in formats:
            linker.report(
                "E110", "`group` joins lines of a table; for JSON the rows are mapped by `each`", self.intake, "group"
            )

    def _link_table(self, linker: DefinitionLinker) -> None:
        """Checks how a table is written."""
        for at, encoding in enumerate(self.intake.encoding):
            try:
                codecs.lookup(encoding)
            except LookupError:
                linker.report("E107", f"there is no encoding {encoding!r}", self.intake, ("encoding", at))
        if len(self.intake.delimiter) != 1 or self.intake.delimiter in '"\r\n ':
            linker.report(
                "E107", "a delimiter is one character, and no quote, blank or line end", self.intake, "delimiter"
            )

"""``GET /api/{model}``: what the parameters of a list mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from engine.errors import AccessDenied, BadRequest
from engine.registry import did_you_mean
from engine.store.query import Page
from engine.store.transaction import Transaction
from engine.web.call import Call
from engine.web.reply import Reply

PARAMETERS = ("where", "sort", "limit", "after", "expand", "fields", "count", "group", "measure")
DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of one list, read."""

    where: str | None
    equal: Mapping[str, str]
    sort: tuple[str, ...]
    limit: int
    after: str | None
    expand: tuple[str, ...]
    fields: tuple[str, ...]
    count: str | None
    group: tuple[str, ...]
    measure: tuple[str, ...]

    @classmethod
    def of(cls, call: Call) -> Asked:
        """What the address asks for. BadRequest for what it cannot mean."""
        columns = {name: field for name, field in call.catalog.fields(call.model).items() if field.stored}
        given = call.parameters(PARAMETERS, columns)
        limit = given.get("limit", str(DEFAULT_LIMIT))
        if not limit.isascii() or not limit.isdecimal() or len(limit) > 9:
            raise BadRequest("limit is a whole number", code="BAD_LIMIT")
        asked = cls(
            where=given.get("where"),
            equal={name: value for name, value in given.items() if name not in PARAMETERS},
            sort=_names(given, "sort"),
            limit=int(limit),
            after=given.get("after"),
            expand=_names(given, "expand"),
            fields=chosen_fields(call, given),
            count=given.get("count"),
            group=_names(given, "group"),
            measure=_names(given, "measure"),
        )
        if asked.group or asked.measure:
            others = [name for name in ("after", "expand", "fields", "count") if name in given]
            if others:
                raise BadRequest(f"{others[0]} does not go with groups", code="BAD_PARAMETER")
        return asked


async def records(call: Call) -> Reply:
    """A page of records, or of groups: ``{"items": […], "next": CURSOR}`` and ``count`` when asked for."""
    if not call.service.rights.rows(call.actor, call.model, "read"):
        raise AccessDenied(f"no role of {call.actor.login} grants reading {call.model}")
    asked = Asked.of(call)
    if asked.group or asked.measure:
        return Reply.of({"items": await call.read(lambda tx: _groups(call, tx, asked))})
    return await call.read(lambda tx: _page(call, tx, asked))


def _page(call: Call, tx: Transaction, asked: Asked) -> Reply:
    page = call.reading.page(
        tx,
        call.actor,
        call.model,
        where=asked.where,
        equal=asked.equal,
        sort=asked.sort,
        limit=asked.limit,
        after=asked.after,
        expand=asked.expand,
        count=asked.count,
    )
    wire = call.reading.wiring(call.actor, call.model, asked.expand)
    items = [wire(record) for record in page.records]
    if asked.fields:
        items = [only(item, asked.fields) for item in items]
    answer: dict[str, Any] = {"items": items, "next": page.next}
    if page.count is not None:
        answer |= {"count": page.count, "exact": page.exact}
    return Reply.of(answer, headers=_link(call, page))


def _link(call: Call, page: Page) -> dict[str, str]:
    """The address of the next page, for programs that follow links (RFC 8288)."""
    if page.next is None:
        return {}
    query = [(name, value) for name, value in call.request.query_params.multi_items() if name != "after"]
    return {"Link": f'<{call.request.scope["path"]}?{urlencode([*query, ("after", page.next)])}>; rel="next"'}


def _groups(call: Call, tx: Transaction, asked: Asked) -> list[dict[str, Any]]:
    """A group by a link has the linked record's id as its key."""
    found = call.reading.aggregate(
        tx,
        call.actor,
        call.model,
        group=asked.group,
        measure={text: text for text in asked.measure},
        where=asked.where,
        equal=asked.equal,
        sort=asked.sort,
        limit=asked.limit,
    )
    return [
        {name: value["id"] if isinstance(value, Mapping) else value for name, value in group.items()} for group in found
    ]


def chosen_fields(call: Call, given: Mapping[str, str]) -> tuple[str, ...]:
    """The fields that ``fields`` names; none: all. BadRequest for one that the model does not have."""
    known = call.catalog.fields(call.model)
    names = _names(given, "fields")
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise BadRequest(
                f"{call.model} has no field {name[:100]!r}" + (f"; {hint}" if hint else ""), code="BAD_FIELDS"
            )
    return names


def expanded(given: Mapping[str, str]) -> tuple[str, ...]:
    """The links and rows that ``expand`` names."""
    return _names(given, "expand")


def only(item: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The item with these fields, and what tells it apart."""
    return {name: value for name, value in item.items() if name in fields or name in ("id", "version")}


def _names(given: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The parts of a parameter between commas; those inside brackets and quotes belong to expressions."""
    parts, depth, quote, start = [], 0, "", 0
    text = given.get(name, "")
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return tuple(part.strip() for part in parts if part.strip())

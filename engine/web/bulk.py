"""``POST /api/{model}/bulk``: many records in one transaction, all of them or each for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from engine.errors import BadRequest, Complaint, InvalidValues, Refused, RequestError, TooLarge
from engine.fields.field import ValueFault
from engine.ports import Record
from engine.registry import did_you_mean
from engine.store.transaction import Transaction
from engine.web.call import Call
from engine.web.problems import problem
from engine.web.reply import Reply

MOST_RECORDS = 1_000
MEMBERS = ("items", "mode", "upsert")


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, read: ``each`` lets one record fail alone; ``upsert`` is the field by which records are found."""

    items: Sequence[Any]
    each: bool
    upsert: str | None

    @classmethod
    def of(cls, call: Call, body: Mapping[str, Any]) -> Asked:
        """BadRequest for another shape than ``{"items": […], "mode": "all" | "each", "upsert": FIELD | true}``."""
        for name in body:
            if name not in MEMBERS:
                hint = did_you_mean(name, MEMBERS)
                raise BadRequest(f"unknown name {name[:100]!r}" + (f"; {hint}" if hint else ""), code="BAD_BULK")
        items, mode = body.get("items"), body.get("mode", "all")
        if not isinstance(items, list) or mode not in ("all", "each"):
            raise BadRequest('send {"items": a list of records, "mode": "all" or "each"}', code="BAD_BULK")
        if len(items) > MOST_RECORDS:
            raise TooLarge(f"{len(items)} records, and {MOST_RECORDS} are the most")
        return cls(items, mode == "each", _key_field(call, body.get("upsert")))


def _key_field(call: Call, said: Any) -> str | None:
    """The unique field that ``upsert`` names; true stands for the model's key."""
    if said is None or said is False:
        return None
    model = call.catalog.models[call.model]
    name = model.key if said is True else said
    fields = call.catalog.fields(call.model)
    unique = isinstance(name, str) and name in fields and (fields[name].unique or (name,) in model.unique)
    if not unique or not isinstance(name, str):
        raise BadRequest("`upsert` names a unique field, or is true where the model has a key", code="BAD_BULK")
    return name


async def bulk(call: Call) -> Response:
    """The outcomes of the records in their order: ``{"items": [{"status", "id", "version"} | {"status", "problem"}]}``.

    With ``mode`` ``all`` (the default) one wrong record refuses the request, and the answer says all that is wrong.
    """
    call.parameters(())
    call.actor, call.model  # noqa: B018 - refuses before a large body is read
    asked = Asked.of(call, await call.json())

    def work(tx: Transaction) -> Reply:
        outcomes: list[dict[str, Any]] = []
        failed: list[tuple[int, RequestError]] = []
        for index, values in enumerate(asked.items):
            try:
                with tx.savepoint():
                    status, record = _save(call, tx, asked.upsert, values)
            except RequestError as error:
                failed.append((index, error))
                outcomes.append({"status": error.status, "problem": problem(error, call.language)})
            else:
                outcomes.append({"status": status, "id": record["id"], "version": record["version"]})
        if failed and not asked.each:
            raise _together(failed)
        return Reply.of({"items": outcomes})

    return await call.act(work)


def _save(call: Call, tx: Transaction, upsert: str | None, values: Any) -> tuple[int, Record]:
    """201 and the new record, or 200 and the one that was there."""
    if not isinstance(values, Mapping):
        raise InvalidValues(complaints=[Complaint("", "VALUE_TYPE", "expected an object", {"expected": "object"})])
    service, actor, model = call.service, call.actor, call.model
    if upsert is not None:
        found = _present(call, tx, upsert, values)
        if found is not None:
            return 200, service.update(tx, actor, model, found, values)
    return 201, service.create(tx, actor, model, values)


def _present(call: Call, tx: Transaction, upsert: str, values: Mapping[str, Any]) -> str | None:
    """The id of the record with that value in the field."""
    raw = values.get(upsert)
    if raw is None:
        raise InvalidValues(complaints=[Complaint(upsert, "VALUE_REQUIRED", "`upsert` finds records by this field")])
    try:
        value = call.catalog.fields(call.model)[upsert].parse(raw)
    except ValueFault as fault:
        raise InvalidValues(complaints=[Complaint(upsert, fault.code, fault.message, fault.values)]) from None
    found = call.service.store.query.equal(tx, call.model, {upsert: value}, limit=1)
    return found[0]["id"] if found else None


def _together(failed: Sequence[tuple[int, RequestError]]) -> RequestError:
    """One error with the complaints of all: 422 where values are wrong, else the first one's own."""
    complaints = [
        Complaint(_join(index, complaint.at), complaint.code, complaint.message, complaint.values)
        for index, error in failed
        for complaint in error.complaints or (Complaint("", error.code, error.message),)
    ]
    message = f"{len(failed)} of the records are refused, so none was saved"
    first = failed[0][1]
    values = any(isinstance(error, InvalidValues) for _, error in failed)
    kind: type[RequestError] = InvalidValues if values else Refused
    if all(type(error) is type(first) for _, error in failed):
        kind = type(first)
    return kind(message, complaints=complaints)


def _join(index: int, at: str) -> str:
    return f"items[{index}].{at}" if at else f"items[{index}]"

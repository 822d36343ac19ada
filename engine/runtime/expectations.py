"""What a test expects, held against what has become: values of a record, numbers of records, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from engine.catalog.kinds.example import Count, Refusal
from engine.errors import RequestError
from engine.expressions.faults import ExpressionProblems
from engine.expressions.functions.lists import LISTS
from engine.expressions.language import Expression
from engine.expressions.types import BOOLEAN, RecordType
from engine.ports import Record
from engine.runtime.effects import MOST_FOUND
from engine.runtime.play import Player, Unplayable
from engine.runtime.service import SYSTEM
from engine.store.transaction import Transaction


class Disappointment(Exception):
    """An expectation that is not met. ``key`` is the place of it, where one can be told."""

    def __init__(self, message: str, key: str | None = None) -> None:
        self.key = key
        super().__init__(message)


class Judge:
    """Holds expectations against the records that a player's acts have left."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._catalog = player.catalog
        self._store = player.service.store
        self._zone = ZoneInfo(player.catalog.app.timezone)

    def refusal(self, expected: Refusal) -> None:
        """Performs the act, which must be refused as expected. Raises Disappointment."""
        try:
            self._player.perform(expected.refused)
        except RequestError as refused:
            codes = [refused.code, *(complaint.code for complaint in refused.complaints)]
            places = [complaint.at for complaint in refused.complaints]
            if expected.code is not None and expected.code not in codes:
                raise Disappointment(f"refused, but with {', '.join(dict.fromkeys(codes))}", "code") from refused
            if expected.at is not None and expected.at not in places:
                raise Disappointment(f"refused, but at {', '.join(places) or 'no place'}: {refused}", "at") from refused
            return
        raise Disappointment("this was not refused", "refused")

    def count(self, expected: Count) -> None:
        """Raises Disappointment unless there are as many records as expected."""
        found = self._find(expected.count, expected.where)
        if len(found) != expected.is_:
            raise Disappointment(f"there are {len(found)}", "is")

    def values(self, expected: Mapping[str, Any]) -> None:
        """Raises Disappointment at the first value that is not what is expected: of the record that ``of`` names, or of
        the one record of the model ``of`` that holds ``where``."""
        model, record = self._record(str(expected["of"]), expected.get("where"))
        for key, value in expected.items():
            if key not in ("of", "where"):
                actual = self._value(model, record, key)
                if not self._agree(value, actual):
                    raise Disappointment(f"{key} is {self._show(actual)}", key)

    # Reading --------------------------------------------------------------------------------------------------------

    def _record(self, name: str, where: str | None) -> tuple[str, str]:
        if where is None:
            return self._player.find(name)
        found = self._find(name, where)
        if len(found) != 1:
            raise Disappointment(f"{len(found)} records of {name} hold this condition", "where")
        return name, found[0]["id"]

    def _find(self, model: str, where: str | None) -> list[Record]:
        if model not in self._catalog.models:
            raise Unplayable(f"there is no model {model!r}")
        condition = self._compile(model, where, BOOLEAN) if where is not None else None
        names = {"user": SYSTEM.facts, **self._now()}
        find = self._store.query.find
        return self._player.read(lambda tx: find(tx, model, where=condition, names=names, limit=MOST_FOUND))

    def _value(self, model: str, key: str, text: str) -> Any:
        """What the expression is on the record; of another record its key, or its id where it has none."""
        expression = self._compile(model, text)
        if isinstance(expression.type, RecordType):
            expression = self._compile(model, f"({text}).{expression.type.shape.key or 'id'}")
        reads, now = frozenset(expression.reads), self._now()

        def work(tx: Transaction) -> Any:
            # Within the transaction: not everything that may be named is read ahead.
            [record] = self._store.records.load(tx, model, [key], reads)
            return expression(record, {"user": SYSTEM.facts, "record": record, model: record, **now})

        return self._player.read(work)

    def _compile(self, model: str, text: str, expects: Any = None) -> Expression:
        try:
            return self._catalog.compile(text, self._catalog.scope(model), expects)
        except ExpressionProblems as problems:
            raise Unplayable(f"{text}: {problems}") from problems

    def _now(self) -> dict[str, Any]:
        now = self._player.clock.now()
        return {
            "now": now,
            "today": now.astimezone(self._zone).date(),
            "timezone": str(self._zone),
            "_calendar": self._catalog.working_time,
            LISTS: self._store.lists.at(now),
        }

    # Comparing ------------------------------------------------------------------------------------------------------

    def _agree(self, expected: Any, actual: Any) -> bool:
        """Whether a value is what the document says: numbers by their size, moments by the instant."""
        if isinstance(expected, list):
            if not isinstance(actual, list) or len(expected) != len(actual):
                return False
            return all(self._agree(*pair) for pair in zip(expected, actual, strict=True))
        if actual is None or expected is None or isinstance(actual, bool) or isinstance(expected, bool):
            return expected is actual
        if isinstance(actual, Decimal | int):
            return _number(expected) == actual
        if isinstance(actual, datetime):
            return self._moment(expected) == actual
        if isinstance(actual, date | time):
            return str(expected) == actual.isoformat()
        if isinstance(actual, str):
            return str(expected) == actual
        return bool(expected == actual)

    def _moment(self, text: Any) -> datetime | None:
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            return None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)

    def _show(self, actual: Any) -> str:
        if isinstance(actual, datetime):
            return actual.astimezone(self._zone).isoformat()
        if isinstance(actual, list):
            return f"[{', '.join(map(self._show, actual))}]"
        return "null" if actual is None else str(actual).lower() if isinstance(actual, bool) else str(actual)


def _number(text: Any) -> Decimal | None:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return None

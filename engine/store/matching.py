"""Finding many records at once by what others call them: by some of their fields, or by a channel's names for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, or_

from engine.fields.link import LinkField
from engine.ports import Record
from engine.store.arrays import VALUES, among, array
from engine.store.loading import Loader
from engine.store.records import Records
from engine.store.statement import Statement
from engine.store.tables import Tables
from engine.store.transaction import Transaction

ALIAS = "alias"
Key = tuple[Any, ...]


class Matching:
    """Answers for a whole chunk of records with one statement for each question."""

    def __init__(self, tables: Tables, loader: Loader, records: Records) -> None:
        self._tables = tables
        self._loader = loader
        self._records = records
        table = tables[ALIAS]
        named = (
            loader.selection(ALIAS)
            .select()
            .where(
                among(table.c["text"], loader.dialect),
                table.c["model"] == bindparam("model_"),
                table.c["deleted_at"].is_(None),
                or_(table.c["channel"] == bindparam("channel_"), table.c["channel"].is_(None)),
            )
        )
        self._named = Statement(named, loader.dialect, (VALUES, "model_", "channel_"), raw=True)

    def by_fields(self, tx: Transaction, model: str, by: Sequence[str], keys: Sequence[Key]) -> dict[Key, Record]:
        """The records whose fields ``by`` have the values of one of the keys, by key. Of several the oldest counts.

        The field with most different values is asked of the database, the others are compared here: an index over one
        of them is enough.
        """
        fields = self._tables.level(model).fields
        widest = max(range(len(by)), key=lambda at: len({key[at] for key in keys}))
        rows = self._loader.by_column(tx, model, by[widest], {key[widest] for key in keys}, trashed=False)
        wanted = set(keys)
        found: dict[Key, Record] = {}
        for record in sorted(self._loader.records(tx, model, rows), key=lambda record: str(record["id"])):
            key = tuple(_plain(record[name], isinstance(fields[name], LinkField)) for name in by)
            if key in wanted:
                found.setdefault(key, record)
        return found

    def by_alias(self, tx: Transaction, model: str, channel: str | None, texts: Sequence[str]) -> dict[str, Record]:
        """The records that the texts mean, by text: what the channel calls them, what all channels do, their key, their
        id, in this order."""
        if not texts:
            return {}
        found: dict[str, Record] = {}
        if channel is not None:
            found = self._aliased(tx, model, channel, texts)
        rest = [text for text in texts if text not in found]
        return {**self._records.lookup(tx, model, rest), **found} if rest else found

    def _aliased(self, tx: Transaction, model: str, channel: str, texts: Sequence[str]) -> dict[str, Record]:
        through = self._records.resolve(tx, "channel", [channel]).get(channel)
        if through is None:
            return {}
        dialect = self._loader.dialect
        given = array(texts, self._tables[ALIAS].c["text"], dialect)
        aliases = self._loader.records(tx, ALIAS, tx.rows(self._named, (given, model, through)))
        aliases.sort(key=lambda alias: alias["channel"] is not None)  # the channel's own comes last and wins
        targets: Mapping[str, str] = {alias["text"]: alias["target"] for alias in aliases}
        records = self._records.lookup(tx, model, set(targets.values()))
        return {text: records[key] for text, key in targets.items() if key in records}


def _plain(value: Any, is_link: bool) -> Any:
    return value["id"] if is_link and value is not None else value

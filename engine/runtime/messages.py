"""Texts of messages: templates filled with a record as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError

from engine.catalog.catalog import Catalog
from engine.catalog.kinds.message import MessageTemplate
from engine.catalog.templates import template_environment
from engine.errors import EngineError, Label
from engine.fields.field import Field, say
from engine.fields.link import LinkField, LookupField
from engine.fields.rows import RowsField
from engine.ports import Record


class Unwritable(EngineError):
    """A message whose template cannot be filled with this record."""


class Shown:
    """A record as a template sees it: members by name and nothing else, personal data masked where it is to be."""

    def __init__(self, catalog: Catalog, place: str, record: Record, *, masked: bool) -> None:
        self._catalog = catalog
        self._place = place
        self._record = record
        self._masked = masked

    def __getitem__(self, name: str) -> Any:
        # Read through the record, which fetches what is not in memory yet, and raises KeyError for what does not exist.
        value = self._record[name]
        if value is None:
            return None
        model, *rows = self._place.split(".")
        field = self._catalog.row_fields(model, rows).get(name)
        if field is None:
            back = None if rows else self._catalog.back_links(model).get(name)
            return [self._show(back.model, record) for record in value] if back is not None else value
        return self._member(field, name, value)

    def __str__(self) -> str:
        return str(self._record["id"])

    def _member(self, field: Field, name: str, value: Any) -> Any:
        source = field.source if isinstance(field, LookupField) else field
        if isinstance(source, RowsField):
            return [self._show(f"{self._place}.{name}", row) for row in value]
        if self._masked and field.private:
            return source.mask(value)
        return self._show(source.target, value) if isinstance(source, LinkField) else value

    def _show(self, place: str, record: Record) -> Shown:
        return Shown(self._catalog, place, record, masked=self._masked)


class Writer:
    """Writes the messages of one catalogue. Templates are compiled when first used."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._environment = template_environment()

    def write(self, message: MessageTemplate, language: str, names: Mapping[str, Any]) -> tuple[str, str]:
        """The subject and the text in the language, or in one that there is. A message without a subject has its label
        for one. Raises Unwritable."""
        subject = self._fill(message, message.subject, language, names)
        text = self._fill(message, message.text, language, names)
        # A subject is one line, whatever the record holds: what follows a line break would be read as a header.
        return " ".join((subject or say(message.label, language, message.message)).split()), text

    def _fill(self, message: MessageTemplate, label: Label | None, language: str, names: Mapping[str, Any]) -> str:
        text = say(label, language)
        try:
            template = self._catalog.memo(("template", text), lambda: self._environment.from_string(text))
            return template.render(names)
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            # Also what goes wrong in a filter, such as `money` of a text.
            raise Unwritable(f"the message {message.message} cannot be written: {error}") from error

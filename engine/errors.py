"""Where something is wrong, what is wrong, and the exceptions that carry it.

Two families leave the engine. A :class:`Problem` is an author's mistake in a definition file: it has a stable
code (``E104``), a place and, where one can be guessed, a fix; a run collects all of them in one
:class:`DefinitionError`. A :class:`RequestError` is a caller's mistake: it has an HTTP status, a stable code
(``VALUE_REQUIRED``) and a list of :class:`Complaint`, one for each wrong place of the request.

A bug is not an EngineError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Severity = Literal["error", "warning"]

#: A text for people: plain, or one for each language (``{"zh": …, "en": …}``).
Label = str | Mapping[str, str]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file: 1-based lines and columns, the end exclusive. Columns count characters, as editors do."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


#: What each problem code means, for the table in the docs. Codes never change their meaning.
#: E1xx: the text and its shape. E2xx: expressions. E3xx: names and references. E4xx: what definitions say together.
PROBLEM_CODES: Mapping[str, str] = {
    "E100": "the file cannot be read: missing rights, wrong encoding, a link that leaves the folder, too large",
    "E101": "the text is not YAML",
    "E102": "a key stands twice in one map",
    "E103": "aliases unfold to too much data, or nest too deep",
    "E104": "an unknown key",
    "E105": "a required key is missing",
    "E106": "a value of the wrong type",
    "E107": "a value that is not among the allowed ones, or out of its range",
    "E108": "the first key of a document names no kind",
    "E109": "a name that is not a name: lower case letters, digits and underscores, starting with a letter",
    "E110": "keys that exclude each other, or one that needs another",
    "E201": "the expression does not parse",
    "E202": "a part of the language of Python that expressions do not have",
    "E203": "an unknown name in an expression",
    "E204": "an unknown field in a path",
    "E205": "operands or arguments of the wrong type",
    "E206": "an unknown function, or a wrong number of arguments",
    "E207": "the expression is too long, too deep or has too many nested loops",
    "E208": "the expression cannot be translated for this place (SQL, browser)",
    "E301": "two objects of one name",
    "E302": "a reference to an object that does not exist",
    "E303": "a reference to a field that does not exist",
    "E304": "a name that hides another or is reserved",
    "E401": "computed fields that need each other",
    "E402": "a choice of a value that the field does not have",
    "E403": "a workflow with a state that cannot be reached, or left",
    "E404": "a constraint over fields that cannot carry it",
    "E405": "definitions that contradict each other",
    "E406": "a decision table that leaves a case undecided, or decides one twice",
    "E407": "a row of a decision table that never holds, or an output that it never gives",
    "E408": "a decision table that is too large to be proven to the end",
    "E409": "a test inside a definition that does not come out",
    "E410": "a row of a decision table with more or fewer cells than its heading",
    "E411": "a state that is gone while open cases stand in it, and nothing says where they belong",
    "E412": "a field that is gone while open cases of an older version of a workflow read it",
}


#: What the codes of answers mean, besides those that belong to a class below. Definitions bring codes of their own.
REQUEST_CODES: Mapping[str, str] = {
    "ALREADY_ANSWERED": "409: the caller has decided this task before",
    "ALREADY_DECIDED": "409: somebody else has decided the task; the message names them",
    "ALREADY_RELEASED": "409: the hold has been released before",
    "AMBIGUOUS_DECISION": "409: rows of a decision table contradict each other for these values",
    "ASKED_ALREADY": "409: the person has a part in the task already",
    "BAD_BULK": "400: the body of a bulk request has another shape",
    "BAD_COUNT": "400: `count` is neither `exact` nor `capped`",
    "BAD_CURSOR": "400: `after` is not the `next` of a page of this list",
    "BAD_EXPAND": "400: `expand` names what is neither link nor rows",
    "BAD_EXPRESSION": "400: an expression of the request cannot be read; `errors` point into it",
    "BAD_FIELDS": "400: `fields` names a field that the model does not have",
    "BAD_FORM": "400: a log-in without a login or a password",
    "BAD_IF_MATCH": "400: `If-Match` is not one ETag of a record",
    "BAD_KEY": "400: an `Idempotency-Key` that is empty, too long or not printable ASCII",
    "BAD_LIMIT": "400: `limit` is no number, or out of its range",
    "BAD_MEASURE": "400: `measure` is not a function of a group's values",
    "BAD_MEDIA_TYPE": "400: the body is not announced as JSON",
    "BAD_PARAMETER": "400: a parameter that does not go with the others, or with a NUL in it",
    "BAD_REASON": "400: the release of a hold without a text for `why`",
    "BAD_SEARCH": "400: a search in a field that holds no text",
    "BAD_SIGNATURE": "401: the sender of a channel has not proved who it is",
    "BAD_SORT": "400: `sort` names what a list cannot be sorted by",
    "CANNOT_COMPUTE": "422: a computed field cannot be worked out from these values",
    "CANNOT_RETURN": "409: a task cannot be sent back to where the caller wants it",
    "CANNOT_WITHDRAW": "409: an answer cannot be taken back, or not any more",
    "CELL_TOO_LONG": "a cell of a table is longer than any field takes",
    "CHECK_FAILED": "422: a check of the model does not hold, and names no code of its own",
    "CHANGED_MEANWHILE": "a field that a proposal would change has been changed since",
    "COLUMN_TWICE": "two columns of a table have the same heading",
    "COVER_CIRCLE": "people who would be away on one day, and cover for each other in a circle",
    "CROSS_SITE": "403: a browser was made to send this by another site",
    "DUPLICATE_KEY": "two rows of a record have the same key",
    "FILE_COUNT": "422: more files at once than are taken",
    "FILE_EMPTY": "422: a file without content",
    "FILE_SIZE": "422: a file larger than is taken",
    "FILE_TYPE": "422: a file of a media type that is not taken",
    "GUARD_REFUSED": "409: the condition of an event does not hold",
    "IMPORTED_BEFORE": "409: this very file has been imported",
    "INTERNAL_ERROR": "500: a mistake of ours; the log has it under the number",
    "KEY_REUSED": "409: the `Idempotency-Key` belongs to another request",
    "LINK_UNKNOWN": "a link to a record that does not exist, or is not the caller's to read",
    "LOGIN_FAILED": "401: the login or the password is wrong",
    "LOOKUP_UNKNOWN": "a look-up of a channel's map finds nothing",
    "MANAGER_CIRCLE": "409: managers, or teams, that lead back to each other",
    "MISSING_COLUMNS": "a table lacks columns that the channel needs",
    "NAME_TWICE": "400: a name stands twice in one JSON object",
    "NOBODY_TO_ASK": "409: an approval finds nobody to ask, nor anybody instead",
    "NOT_ASKED": "403: the task is not the caller's to decide",
    "NOT_FORESEEN": "409: the definition of a step does not let people do this (`may`)",
    "NOT_JSON": "400: the body is not JSON",
    "NOT_YOUR_TURN": "409: somebody else is to decide the task first",
    "NOTHING_PENDING": "409: nothing is proposed of the record that could be applied or dropped",
    "NOTHING_PROPOSED": "422: what is proposed is what the record is already",
    "NO_DECISION": "409: no row of a decision table holds for these values, or none of its versions on that day",
    "NO_PRICE": "409: no list of a pricing has a price for this",
    "NO_RECORDS": "400: nothing is where a channel looks for its records",
    "NO_SHEET": "400: the workbook has no such sheet",
    "OUT_OF_RANGE": "409: a decision table is given a value that it does not expect",
    "OWN_REQUEST": "409: nobody decides about their own",
    "PARAMETER_TWICE": "400: a parameter is given twice",
    "PRICE_BELOW_FLOOR": "409: the price is below the floor of a pricing that refuses that",
    "PRIVATE_FIELD": "400: a filter, a group or a sequence by a field that is masked or hidden from the caller",
    "PROPOSAL_CONFLICT": "409: the record has changed since in what a proposal would change; `errors` say where",
    "PROPOSAL_PENDING": "409: somebody has proposed a change of the record already; the message names them",
    "READ_ONLY": "a field that the engine works out by itself",
    "REQUIREMENT_FAILED": "a `require` of the definitions does not hold, and names no code of its own",
    "RULE_FAILED": "a rule does not hold, and names no code of its own",
    "SCOPE_MISSING": "403: the token is not made for this",
    "STALE_ARRIVAL": "a channel brings an older version than the one that is there",
    "TASK_OVER": "409: the task was called off, or belongs to an earlier round",
    "TOO_DEEP": "400: the JSON nests too deep",
    "TOO_LATE_TO_CHANGE": "a channel brings a change of a record that has gone on",
    "TOO_MANY_CELLS": "400: a heat map has more cells than can be shown; its rows or columns are too fine",
    "TOO_MANY_HOPS": "409: a workflow goes on and on without coming to rest",
    "TOO_MANY_RECORDS": "409: a step finds more records than one step may handle",
    "TOO_MANY_ROWS": "a record with more rows than any may have",
    "TRANSITION_REFUSED": "409: the record's state does not know the event",
    "UNKNOWN_FIELD": "a field that the model does not have",
    "UNKNOWN_PARAMETER": "400: a parameter that the address does not take",
    "UNKNOWN_ROW": "an id of a row that the record does not have",
    "URGED_ALREADY": "429: the caller has asked for haste within the last hour; the message says when they may again",
    "USER_TOO_FAR": "400: an expression follows more links from `user` than any definition does",
    "VALUE_REQUIRED": "a required value is missing",
    "VALUE_TAKEN": "409: another record has the same unique value",
    "VERSION_CONFLICT": "another content under the same key and version",
    "WRONG_CELLS": "a row of a table with more or fewer cells than it has columns, or with a formula",
    "WRONG_ENCODING": "400: the text is in none of the encodings that the channel takes",
    "WRONG_FORMAT": "400: a file of another format than expected",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """An author's mistake: what (``code``, ``message``), where (``span``), and the likely fix (``hint``)."""

    code: str
    message: str
    span: Span | None = None
    hint: str | None = None
    severity: Severity = "error"

    def __post_init__(self) -> None:
        if self.code not in PROBLEM_CODES:
            raise ValueError(f"problem code {self.code} is not in the table")

    def __str__(self) -> str:
        place = f"{self.span}: " if self.span else ""
        return f"{place}{self.code} {self.message}" + (f"; {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One wrong place of a request: ``at`` is a path such as ``lines[2].quantity``, empty for the whole.

    ``message`` is English unless a definition brought its own label; ``values`` lets a page say it in another language.
    """

    at: str
    code: str
    message: Label
    values: Mapping[str, Any] = field(default_factory=dict)


class EngineError(Exception):
    """The root of everything that the engine raises on purpose."""


class DefinitionError(EngineError):
    """An author's mistakes, all that one run found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class ExpressionError(EngineError):
    """An expression that could not be worked out on these values (a division by zero, a number out of range)."""

    def __init__(self, message: str, span: Span | None = None) -> None:
        self.message = message
        self.span = span
        super().__init__(f"{span}: {message}" if span else message)


class RequestError(EngineError):
    """A caller's mistake. ``status`` is HTTP's; ``code`` is stable; ``complaints`` say where; ``reasons`` say why.

    Rendered as RFC 9457 ``application/problem+json``.
    """

    status: ClassVar[int] = 400
    default_code: ClassVar[str] = "BAD_REQUEST"
    title: ClassVar[str] = "The request cannot be understood"

    def __init__(
        self,
        message: Label | None = None,
        *,
        code: str | None = None,
        complaints: Sequence[Complaint] = (),
        reasons: Sequence[Any] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code or self.default_code
        self.message: Label = message if message is not None else self.title
        self.complaints = tuple(complaints)
        self.reasons = tuple(reasons)
        self.headers = dict(headers or {})
        places = "".join(f"; {complaint.at}: {complaint.message}" for complaint in self.complaints)
        super().__init__(f"{self.status} {self.code}: {self.message}{places}")


class BadRequest(RequestError):
    """The body is no JSON, or a parameter cannot be read."""


class NotLoggedIn(RequestError):
    status = 401
    default_code = "NOT_LOGGED_IN"
    title = "Log in, or send a valid token"


class AccessDenied(RequestError):
    status = 403
    default_code = "ACCESS_DENIED"
    title = "No right to do this"


class NotFound(RequestError):
    status = 404
    default_code = "NOT_FOUND"
    title = "There is no such thing here"


class MethodNotAllowed(RequestError):
    """The address is there, and takes other methods."""

    status = 405
    default_code = "METHOD_NOT_ALLOWED"
    title = "This address does not take that method"


class Refused(RequestError):
    """A state, a guard, a hold or a limit says no; also a key that is taken, and a replayed key with another body."""

    status = 409
    default_code = "REFUSED"
    title = "This is not possible now"


class StaleVersion(RequestError):
    status = 412
    default_code = "STALE_VERSION"
    title = "Somebody else has changed the record since you read it"


class TooLarge(RequestError):
    status = 413
    default_code = "TOO_LARGE"
    title = "The request is too large"


class InvalidValues(RequestError):
    status = 422
    default_code = "INVALID_VALUES"
    title = "Some values are wrong"


class TooOften(RequestError):
    status = 429
    default_code = "TOO_OFTEN"
    title = "Too many requests; try again later"


class ConnectorError(EngineError):
    """An outside system did not do what was asked."""


class Retryable(ConnectorError):
    """Worth another attempt later (a timeout, a 503)."""


class Permanent(ConnectorError):
    """No attempt will help (a 400, an unknown address)."""

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
}


#: What the codes of answers mean, besides those that belong to a class below. Definitions bring codes of their own.
REQUEST_CODES: Mapping[str, str] = {
    "REQUIREMENT_FAILED": "a `require` of the definitions does not hold, and names no code of its own",
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
        super().__init__(f"{self.status} {self.code}: {self.message}" + "".join(f"; {c.at}: {c.message}" for c in self.complaints))


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

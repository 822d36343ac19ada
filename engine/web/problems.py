"""What goes wrong, as the caller reads it: RFC 9457 ``application/problem+json`` with stable codes and places."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from engine.errors import Label, RequestError
from engine.fields.field import say
from engine.ports import Reason
from engine.web.output import to_json

#: Where the codes are explained.
CODES = "/docs/codes#"


def problem_response(error: RequestError, language: str, instance: str = "") -> Response:
    """The answer to a request that was refused."""
    return Response(
        to_json(problem(error, language, instance)),
        error.status,
        media_type="application/problem+json",
        headers=error.headers,
    )


def problem(error: RequestError, language: str, instance: str = "") -> dict[str, Any]:
    """The members of the problem: ``type title status detail code errors reasons``."""
    members: dict[str, Any] = {
        "type": CODES + error.code,
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": say(error.message, language),
        "errors": [
            {"at": complaint.at, "code": complaint.code, "message": say(complaint.message, language)}
            for complaint in error.complaints
        ],
    }
    if instance:
        members["instance"] = instance
    if error.reasons:
        members["reasons"] = [plain_reason(reason, language) for reason in error.reasons]
    return members


def plain_reason(reason: Reason, language: str) -> dict[str, Any]:
    """A reason with what it rests on: ``rule outcome message at parts``."""
    plain: dict[str, Any] = {"rule": reason.rule, "outcome": reason.outcome}
    message: Label | None = reason.message
    if message:
        plain["message"] = say(message, language)
    if reason.span is not None:
        plain["at"] = str(reason.span)
    if reason.parts:
        plain["parts"] = [plain_reason(part, language) for part in reason.parts]
    return plain

"""What is answered when something goes wrong: problems in JSON for programs, pages for people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from engine.errors import NotLoggedIn, RequestError
from engine.web.gate import PROGRAMS
from engine.web.output import to_json
from engine.web.pages.faults import crash_page, fault_page
from engine.web.pages.visit import Site, Visit
from engine.web.pages.words import negotiate
from engine.web.problems import problem_response


class Faults:
    """Makes the answers. ``site`` draws the pages."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def refuse(self, request: Request, error: RequestError) -> Response:
        """The answer to a request that was refused."""
        path: str = request.scope["path"]
        if not path.startswith(PROGRAMS):
            return fault_page(Visit(self._site, request), error)
        if isinstance(error, NotLoggedIn):
            error.headers.setdefault("WWW-Authenticate", "Bearer")
        return problem_response(error, negotiate(request.headers.get("accept-language", "")), path)

    def crash(self, request: Request, number: str) -> Response:
        """The answer to a mistake of ours: nothing of it but the number under which the log tells more."""
        if not request.scope["path"].startswith(PROGRAMS):
            return crash_page(Visit(self._site, request), number)
        members = {
            "type": "about:blank",
            "title": "Something went wrong here",
            "status": 500,
            "code": "INTERNAL_ERROR",
            "detail": f"The mistake is ours. The log has it under the number {number}.",
            "number": number,
            "errors": [],
        }
        return Response(to_json(members), 500, media_type="application/problem+json")

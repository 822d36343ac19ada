"""The pages for what cannot be shown: no right, no such thing, not now, a mistake of ours."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from engine.errors import NotLoggedIn, RequestError
from engine.web.pages.visit import Visit

#: Statuses with a title and a text of their own.
KNOWN = {403: "lock", 404: "search"}


@dataclass(frozen=True, slots=True)
class FaultView:
    """What ``fault.html`` draws. ``number`` is what an administrator finds the fault by."""

    icon: str
    why: str
    details: tuple[str, ...]
    number: str


def fault_page(visit: Visit, error: RequestError) -> Response:
    """The page for a request that was refused; without a session the log-in page, and from there back."""
    if isinstance(error, NotLoggedIn):
        request = visit.request
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query = urlencode({"next": target}) if request.method == "GET" and target != "/" else ""
        return RedirectResponse("/login" + (f"?{query}" if query else ""), status_code=303)
    if error.status in KNOWN:
        title, why = visit.words(f"fault_{error.status}"), visit.words(f"fault_{error.status}_why")
    elif error.status == 409:
        title, why = visit.words("fault_409"), visit.words.problem(error)
    else:
        title, why = visit.words("fault_other"), visit.words.problem(error)
    details = tuple(visit.words.complaint(complaint) for complaint in error.complaints)
    response = _page(visit, FaultView(KNOWN.get(error.status, "x"), why, details, ""), title, error.status)
    response.headers.update(error.headers)
    return response


def crash_page(visit: Visit, number: str) -> Response:
    """The page for a mistake of ours. ``number`` is the log's."""
    return _page(visit, FaultView("x", visit.words("fault_500_why"), (), number), visit.words("fault_500"), 500)


def _page(visit: Visit, view: FaultView, title: str, status: int) -> Response:
    # Always a whole page: a fault in the place of a part of one would look like its content.
    visit.whole = True
    return visit.page("fault.html", view, title=title, status=status)

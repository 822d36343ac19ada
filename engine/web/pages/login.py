"""The log-in page. Checking the password and starting the session is the business of ``engine/web/auth.py``."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from engine.errors import RequestError
from engine.web.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class LoginView:
    """What ``login.html`` draws."""

    login: str
    next: str
    fault: str
    note: str


async def show(visit: Visit) -> Response:
    """``GET /login?next=``; who is logged in already goes on to the start page."""
    if visit.known:
        return visit.go(local_path(visit.request.query_params.get("next", "")))
    return login_page(visit)


def login_page(
    visit: Visit, *, login: str = "", target: str | None = None, refused: RequestError | None = None
) -> Response:
    """The page, after a refusal with the name that was typed and what was wrong, and the refusal's status."""
    params = visit.request.query_params
    view = LoginView(
        login=login,
        next=local_path(params.get("next", "") if target is None else target),
        fault=visit.words.problem(refused) if refused is not None else "",
        note=visit.words("logged_out") if "out" in params else "",
    )
    return visit.page(
        "login.html", view, title=visit.words("log_in"), status=refused.status if refused is not None else 200
    )


def local_path(target: str) -> str:
    """The path, if it is one of this site: a log-in that leads elsewhere is a trap."""
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if local else "/"

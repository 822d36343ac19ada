"""The browser backend: the table of cases in a real browser, under a policy that makes no code out of text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from engine.expressions.browser import FUNCTIONS as IN_BROWSER
from engine.expressions.browser import RUNTIME, module, to_javascript
from engine.expressions.builtins import BUILTINS
from engine.expressions.faults import ExpressionProblems
from engine.expressions.functions.function import Form, Function, functions
from engine.expressions.functions.lists import LIST_FUNCTIONS
from engine.expressions.functions.working_time import WORKING_TIME
from engine.expressions.language import Expression, compile_expression
from engine.expressions.types import DECIMAL, INTEGER, TEXT, ListType, RecordType, Type
from tests.expressions.table import CASES, SCOPE, SERVER_CASES, Case

FUNCTIONS = functions(BUILTINS)
ORIGIN = "http://pages.test"
RUNTIME_TEXT = (files("engine") / "web" / "static" / "expressions.js").read_text(encoding="utf-8")

#: What a live form has: an own script, and no right to make code out of text.
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"
RUNNER = """
import * as expressions from "/expressions.mjs";
const inputs = await (await fetch("/inputs.json")).json();
const answers = inputs.map(([name, r, s]) => {
  try {
    return { value: expressions[name](r, s) };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
});
const node = document.createElement("pre");
node.id = "answers";
node.textContent = JSON.stringify(answers);
document.body.append(node);
"""


def wire(value: Any) -> Any:
    """The value as the API sends it: decimals as text, moments as ISO text with some offset."""
    match value:
        case dict():
            return {name: wire(member) for name, member in value.items()}
        case list():
            return [wire(item) for item in value]
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(timezone(timedelta(hours=8))).isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return value


def read(type_: Type, value: Any) -> Any:
    """What the browser answered, as a value."""
    if value is None:
        return None
    if isinstance(type_, ListType):
        return [read(type_.item, item) for item in value]
    if isinstance(type_, RecordType):
        return value["id"]
    readers = {
        "decimal": Decimal,
        "date": date.fromisoformat,
        "datetime": datetime.fromisoformat,
        "time": time.fromisoformat,
    }
    if type_ == INTEGER:
        return int(value)  # text where JavaScript's own numbers would round it
    if type_ == DECIMAL:
        assert isinstance(value, str), "decimals are text in JSON"
    return readers.get(type_.name, lambda same: same)(value)


def run(page: Page, inputs: list[tuple[Expression, Mapping[str, Any], Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """What the browser answers for each expression on a record and a scope: ``{value: …}`` or ``{error: …}``."""
    names = {expression.text: f"e.{number}" for number, (expression, _, _) in enumerate(inputs)}
    script = module({names[expression.text]: expression for expression, _, _ in inputs})
    values = [[names[expression.text], wire(r), wire(s)] for expression, r, s in inputs]
    served = {
        "/": ("text/html", '<!doctype html><body><script type="module" src="/runner.mjs"></script></body>'),
        "/runner.mjs": ("text/javascript", RUNNER),
        "/expressions.mjs": ("text/javascript", script),
        "/inputs.json": ("application/json", json.dumps(values)),
        RUNTIME: ("text/javascript", RUNTIME_TEXT),
    }

    def answer(route: Route) -> None:
        kind, text = served[route.request.url.removeprefix(ORIGIN)]
        route.fulfill(
            status=200, content_type=f"{kind}; charset=utf-8", body=text, headers={"content-security-policy": POLICY}
        )

    page.unroute("**/*")
    page.route("**/*", answer)
    page.goto(f"{ORIGIN}/")
    answers: list[dict[str, Any]] = json.loads(page.locator("#answers").text_content(timeout=10_000) or "")
    return answers


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def answers(blank: Page) -> dict[str, dict[str, Any]]:
    """The browser's answer to every case, by the case's name: all in one page."""
    inputs = [(compile_expression(case.text, SCOPE, functions=FUNCTIONS), case.record, case.scope) for case in CASES]
    return dict(zip([case.name for case in CASES], run(blank, inputs), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, answers: dict[str, dict[str, Any]]) -> None:
    answer = answers[case.name]
    expression = compile_expression(case.text, SCOPE, functions=FUNCTIONS)
    if case.fails:
        assert answer.get("error", "").startswith(f"RangeError: {case.fails}")
        return
    expected = case.answer(expression.type)
    if isinstance(expression.type, RecordType) and expected is not None:
        expected = expected["id"]
    value = read(expression.type, answer["value"])
    assert value == expected
    assert type(value) is type(expected)


def test_every_function_has_a_counterpart() -> None:
    exported = set(re.findall(r"export (?:const|function) (\w+)", RUNTIME_TEXT)) | set(
        re.findall(r", (\w+) = (?:strict|kleene|duration)\(", RUNTIME_TEXT)
    )
    on_server = {function.name for function in (*WORKING_TIME, *LIST_FUNCTIONS)}
    special = {"coalesce", "date", "year", "month", "day", "weekday", "week"}
    assert set(IN_BROWSER) | special == {function.name for function in BUILTINS} - on_server
    for function in BUILTINS:
        if function.name not in special | on_server:
            assert len(IN_BROWSER[function.name]) == len(function.forms), function.name
            assert set(IN_BROWSER[function.name]) <= exported


@pytest.mark.parametrize("case", SERVER_CASES, ids=lambda case: case.name)
def test_working_time_is_left_to_the_server(case: Case) -> None:
    with pytest.raises(ExpressionProblems) as raised:
        to_javascript(compile_expression(case.text, SCOPE, functions=FUNCTIONS))
    assert {fault.code for fault in raised.value.faults} == {"E208"}


def test_unknown_functions_are_left_to_the_server() -> None:
    mine = Function("soundex", (Form(takes=(TEXT,), gives=TEXT, run=str),), "soundex(name)")
    expression = compile_expression("len(soundex(name)) > 3", SCOPE, functions=functions([*BUILTINS, mine]))
    with pytest.raises(ExpressionProblems) as raised:
        to_javascript(expression)
    fault = raised.value.faults[0]
    assert (fault.code, expression.text[fault.start : fault.end]) == ("E208", "soundex(name)")


def test_numbers_as_people_type_them(blank: Page) -> None:
    texts = {
        ".5": "0.5",
        "-.25": "-0.25",
        "7.": "7",
        "+3": "3",
        "1e3": "1000",
        "12.300": "12.300",
        "": None,
        "1,5": None,
    }
    expression = compile_expression("a", SCOPE, functions=FUNCTIONS)
    found = run(blank, [(expression, {"a": text}, {}) for text in texts])
    assert [answer.get("value") for answer in found] == list(texts.values())
    assert [answer.get("error", "").startswith("RangeError: not a number") for answer in found[-2:]] == [True, True]

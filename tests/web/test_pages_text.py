"""The texts of the pages: both languages, the same places to fill, and every key that a page asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from engine.errors import Complaint
from engine.fields.field import VALUE_CODES
from engine.web.pages.words import LANGUAGES, Words, negotiate

WEB = Path(__file__).parents[2] / "engine" / "web"
FILES = ["pages.yaml", "codes.yaml"]


@pytest.mark.parametrize("file", FILES)
def test_every_entry_has_both_languages_with_the_same_places(file: str) -> None:
    entries = yaml.safe_load((WEB / "text" / file).read_text("utf-8"))
    for key, entry in entries.items():
        assert sorted(entry) == sorted(LANGUAGES), key
        places = {frozenset(re.findall(r"\{(\w+)\}", text)) for text in entry.values()}
        assert len(places) == 1, key


@pytest.mark.parametrize("file", FILES)
def test_no_entry_stands_twice(file: str) -> None:
    keys = re.findall(r"^([A-Za-z_0-9.]+):", (WEB / "text" / file).read_text("utf-8"), re.MULTILINE)
    assert sorted(keys) == sorted(set(keys))


def test_templates_and_pages_ask_for_texts_that_exist_and_all_are_asked_for() -> None:
    asked: set[str] = set()
    for path in (WEB / "templates").glob("*.html"):
        asked |= set(re.findall(r"""\bt\(['"](\w+)['"]""", path.read_text("utf-8")))
    code = "\n".join(path.read_text("utf-8") for path in WEB.rglob("*.py"))
    asked |= set(re.findall(r"""\bwords\(\s*['"](\w+)['"]""", code))
    known = set(yaml.safe_load((WEB / "text" / "pages.yaml").read_text("utf-8")))
    assert asked - known == set()
    # These are put together from a status, a theme, an act; the others must be used somewhere.
    made_up = re.compile(r"fault_|theme_|act_|ahead_")
    loose = {key for key in known if not made_up.match(key) and not re.search(rf"['\"]{key}['\"]", code)}
    assert loose - asked == set()


def test_every_code_of_a_refused_value_is_translated() -> None:
    codes = yaml.safe_load((WEB / "text" / "codes.yaml").read_text("utf-8"))
    assert set(VALUE_CODES) - set(codes) == set()


def test_a_complaint_takes_the_text_that_fits_its_values() -> None:
    zh, en = Words("zh"), Words("en")
    above = Complaint("lines[0].quantity", "VALUE_RANGE", "must be more than 0", {"bound": "above", "limit": 0})
    assert zh.complaint(above) == "必须大于 0"
    assert en.complaint(above) == "Must be more than 0"
    assert en.complaint(Complaint("a", "VALUE_LENGTH", "…", {"length": 9, "max": 4})) == "At most 4 characters"
    assert zh.complaint(Complaint("a", "VALUE_FORMAT", "is no number", {"expected": "number"})) == "请输入数字"
    assert zh.complaint(Complaint("a", "VALUE_FORMAT", "does not match", {"pattern": "x"})) == "格式不对"


def test_an_authors_message_is_shown_as_written() -> None:
    own = Complaint("a", "VALUE_REQUIRED", {"zh": "请填写", "en": "Do fill this in"})
    assert Words("zh").complaint(own) == "请填写"
    assert Words("en").complaint(Complaint("a", "TOO_FEW", "两行以上")) == "两行以上"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,en", "en"), ("fr,zh-TW", "zh"), ("fr", "en"), ("", "en"), ("*", "en")],
)
def test_the_first_offered_language_that_the_browser_accepts(accepted: str, language: str) -> None:
    assert negotiate(accepted) == language

"""What the reader makes of texts and folders, good and bad."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.source import compose
from engine.source.document import Document
from engine.source.problems import Problems
from engine.source.reader import LARGEST_FILE, LONGEST_LINE, read_folder, read_text


def read(text: str) -> Document:
    """The only document of a text that has no problems."""
    problems = Problems()
    documents = read_text(text, "a.yaml", problems)
    assert not list(problems)
    (document,) = documents
    return document


def refused(text: str) -> list[str]:
    """The problems of a text, as ``line:column code``."""
    problems = Problems()
    read_text(text, "a.yaml", problems)
    return [f"{p.span.line}:{p.span.column} {p.code}" for p in problems if p.span]


def hint_of(text: str) -> str | None:
    problems = Problems()
    read_text(text, "a.yaml", problems)
    (problem,) = problems
    return problem.hint


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("True", "True"),
        ("NULL", "NULL"),
        ("12:30", "12:30"),
        ("017", "017"),
        ("-017", "-017"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T10:00:00+08:00", "2026-11-20T10:00:00+08:00"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("9" * 200, "9" * 200),
        ("1e9999", "1e9999"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("12345678901234567890", 12345678901234567890),
        ("0.10", Decimal("0.10")),
        ("-0.5", Decimal("-0.5")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal("1e3")),
        ('"1"', "1"),
        ("'true'", "true"),
        ("!!str 017", "017"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("!!int 1", 1),
        ("!!float 1.5", Decimal("1.5")),
        ("!!null ''", None),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(spelled: str, value: object) -> None:
    found = read(f"thing: a\nvalue: {spelled}\n").data["value"]
    assert found == value
    assert type(found) is type(value)
    assert str(found) == str(value)  # 0.10 keeps its digits


def test_keys_are_always_text() -> None:
    assert read("thing: a\nof: {1: x, true: y, 0.5: z, no: w}\n").data["of"] == {
        "1": "x",
        "true": "y",
        "0.5": "z",
        "no": "w",
    }


def test_a_file_may_hold_several_documents() -> None:
    problems = Problems()
    documents = read_text(
        "# heading\n---\nmodel: a\n---\n---\n# nothing\n---\nform: 017\nfor: a\n...\n", "a.yaml", problems
    )
    assert [(d.kind, d.name) for d in documents] == [("model", "a"), ("form", "017")]
    assert str(documents[1].first_key_span) == "a.yaml:8:1"
    assert not list(problems)


def test_the_name_of_a_document_is_its_spelling() -> None:
    assert read("test: 1.50\n").name == "1.50"


def test_text_without_any_document() -> None:
    assert read_text("", "a.yaml", Problems()) == []
    assert read_text("# only a comment\n", "a.yaml", Problems()) == []


def test_a_problem_spoils_only_its_own_document() -> None:
    problems = Problems()
    documents = read_text("model: a\nx: 1\nx: 2\n---\nmodel: b\n", "a.yaml", problems)
    assert [d.name for d in documents] == ["b"]
    assert [p.code for p in problems] == ["E102"]


def test_byte_order_mark_and_line_ends_shift_no_column() -> None:
    document = read("\ufeffmodel: a\r\nlabel: 订单\r\nlist:\r\n  - x\r\n")
    assert document.data == {"model": "a", "label": "订单", "list": ["x"]}
    assert str(document.key_span(("model",))) == "a.yaml:1:1"
    span = document.span(("label",))
    assert (span.line, span.column, span.end_column) == (2, 8, 10)
    assert str(document.span(("list", 0))) == "a.yaml:4:5"


def test_columns_count_characters() -> None:
    document = read("model: a\nlabel: {zh: 社区团购😀, en: b}\n")
    span = document.span(("label", "en"))
    assert (span.line, span.column, span.end_column) == (2, 24, 25)


def test_anchors_stand_for_what_they_name() -> None:
    document = read("model: a\none: &x {y: [1, &t two]}\nsecond: *x\nkey: {*t : 3}\n")
    assert document.data["second"] == {"y": [1, "two"]}
    assert document.data["key"] == {"two": 3}
    assert str(document.span(("second", "y", 0))) == "a.yaml:2:14"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a: b\na: c\n", ["2:1 E102"]),
        ("a: b\nc: {b: 1, c: 2, b: 3}\n", ["2:17 E102"]),
        ("a: b\nc:\n  d: 1\n  d: 2\n  d: 3\n", ["4:3 E102", "5:3 E102"]),
        ("a: b\n<<: {c: d}\n", ["2:1 E104"]),
        ("a: !thing b\n", ["1:4 E101"]),
        ("a: b\nc: !!set {d}\n", ["2:4 E101"]),
        ("a: b\nc: !!binary aGVsbG8=\n", ["2:4 E101"]),
        ("a: b\nc: !!python/object/apply:os.system [x]\n", ["2:4 E101"]),
        ("a: b\nc: !!int x\n", ["2:4 E106"]),
        ("a: b\nc: *nowhere\n", ["2:4 E101"]),
        ("a: b\n{x: y}: c\n", ["2:1 E101"]),
        ("a: b\nc: {{ d }}\n", ["2:5 E101"]),
        ("a: b\n? [x]\n: c\n? [x]\n: d\n", ["2:3 E101", "4:3 E101"]),
        ("- a\n", ["1:1 E106"]),
        ("hello\n", ["1:1 E106"]),
        ("{}\n", ["1:1 E106"]),
        ("model:\n", ["1:1 E106"]),
        ("model: {a: b}\n", ["1:1 E106"]),
        ("model: a\n\tb: c\n", ["2:1 E101"]),
        ("model: 'a\n", ["2:1 E101"]),
        ("model: a\nb: [1, 2\nc: d\n", ["3:2 E101"]),
        ("model: a\nb: c: d\n", ["2:5 E101"]),
        ("model: a\nb: @c\n", ["2:4 E101"]),
        ('model: a\nb: "\\q"\n', ["2:5 E101"]),
        ("model: a\n  b: c\n", ["2:4 E101"]),
        ("model: a\nb: \x00\n", ["2:4 E101"]),
        ("model: a\nb: c\u2028d\n", ["2:5 E101"]),
        ("model: a\nb: c\ufeffd\n", ["2:5 E101"]),
        ("model: a\nb: \ud800\n", ["2:4 E101"]),
        ("model: a\nb: " + "x" * LONGEST_LINE + "\n", ["2:1 E100"]),
    ],
)
def test_what_is_refused_and_where(text: str, problems: list[str]) -> None:
    assert refused(text) == problems


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("a: b\nc: [\n\t1]\n\td: 1\n", "spaces"),
        ("a: b\nc: d: e\n", "quote a text that holds ': '"),
        ("a: b\nc: %d\n", "quote"),
        ("a: b\nc: [d\n", "bracket"),
        ("a: b\na: c\n", "first on line 1"),
        ("a: 'b\n", "not closed"),
    ],
)
def test_the_likely_fix_is_said(text: str, fix: str) -> None:
    assert fix in (hint_of(text) or "")


def test_an_alias_bomb_costs_nothing() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    assert [code.split()[1] for code in refused("bomb: x\nl0: &l0 [x, x]\n" + levels)] == ["E103"]


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [*x]\n",
        "a: &x {b: {c: *x}}\n",
        "a: b\nc: " + "[" * 65 + "]" * 65 + "\n",
        "[" * 1_000_000,
        "{a: " * 4_000,
        "- " * 8_000,
        "? " * 8_000,
        "a: b\n" + "".join(" " * n + "k:\n" for n in range(80)),
        "a: b\nx: &x " + "[" * 40 + "]" * 40 + "\ny: " + "[" * 40 + "*x" + "]" * 40 + "\n",
    ],
)
def test_what_nests_without_end_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.source.reader.LONGEST_LINE", 2_000_000)
    codes = [code.split()[1] for code in refused(text)]
    assert codes[-1] == "E103"
    assert len(codes) <= 2  # `? ? ?` says as well that a key must be a text


def test_the_deepest_nesting_is_allowed() -> None:
    read("a: b\nc: " + "[" * (compose.DEEPEST - 1) + "]" * (compose.DEEPEST - 1) + "\n")


def test_the_python_loader_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "model: 订单\na: [1, 0.5, {b: 'c'}]\nd: |\n  two\n  lines\ne: &x y\nf: *x\n"
    fast = read(text)
    monkeypatch.setattr(compose, "LOADER", compose.yaml.SafeLoader)
    slow = read(text)
    assert slow.data == fast.data
    assert slow.marks == fast.marks
    assert refused("a: b\na: c\n---\nb: [\n") == ["2:1 E102", "5:1 E101"]


@given(st.text(max_size=200))
def test_junk_never_crashes_the_reader(text: str) -> None:
    problems = Problems()
    for document in read_text(text, "a.yaml", problems):
        assert document.span().file == "a.yaml"
    for problem in problems:
        assert problem.span is not None


@given(st.text(alphabet="ab:-[]{},&*!|>'\"%@`#? \n\t1.~<订", max_size=60))
def test_junk_that_looks_like_yaml_never_crashes_the_reader(text: str) -> None:
    problems = Problems()
    for document in read_text("model: a\nx: " + text, "a.yaml", problems):
        for path in paths(document.data):
            document.span(path)
            document.key_span(path)
            document.within(path, 0, 3)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every value in the data."""
    below: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        below = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    return [path, *(found for key, item in below for found in paths(item, (*path, key)))]


# ---- folders


def write(root: Path, name: str, text: str | bytes) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_folders_are_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name in (
        "d/b.yaml",
        "d/a.yml",
        "d/z/a.yaml",
        "e/a.yaml",
        "d/.hidden.yaml",
        "d/.git/x.yaml",
        "d/notes.txt",
        "f/a.yaml",
    ):
        write(tmp_path, name, f"model: {name.replace('/', '_').replace('.', '_')}\n")
    problems = Problems()
    sources = read_folder(tmp_path, ["d", "e", "missing"], problems)
    assert [d.file for d in sources.documents] == ["d/a.yml", "d/b.yaml", "d/z/a.yaml", "e/a.yaml"]
    assert list(sources.texts) == ["d/a.yml", "d/b.yaml", "d/z/a.yaml", "e/a.yaml"]
    assert not list(problems)


def problems_of(root: Path) -> list[str]:
    problems = Problems()
    documents = read_folder(root, ["d"], problems).documents
    assert [d.name for d in documents] == ["good"]  # the other files go on
    return [str(problem) for problem in problems]


def test_unreadable_files_are_problems_and_the_others_go_on(tmp_path: Path) -> None:
    write(tmp_path, "d/z.yaml", "model: good\n")
    write(tmp_path, "d/gbk.yaml", "model: a\nlabel: 订单\n".encode("gbk"))
    write(tmp_path, "d/large.yaml", b"#" * (LARGEST_FILE + 1))
    write(tmp_path, "d/line.yaml", "model: b\nx: " + "y" * (LARGEST_FILE - 100))
    (tmp_path / "d/folder.yaml").mkdir()
    (tmp_path / "d/gone.yaml").symlink_to(tmp_path / "d/nowhere.yaml")
    os.mkfifo(tmp_path / "d/pipe.yaml")
    said = problems_of(tmp_path)
    assert [text.split()[0] for text in said] == [
        "d/gbk.yaml:2:8:",
        "d/gone.yaml:1:1:",
        "d/large.yaml:1:1:",
        "d/line.yaml:2:1:",
        "d/pipe.yaml:1:1:",
    ]
    assert all("E100" in text for text in said)


def test_links_may_not_leave_the_root(tmp_path: Path) -> None:
    root = tmp_path / "app"
    write(root, "d/z.yaml", "model: good\n")
    secret = write(tmp_path, "secret.yaml", "model: secret\n")
    write(tmp_path, "outside/x.yaml", "model: outside\n")
    (root / "d/a.yaml").symlink_to(secret)
    (root / "d/b").symlink_to(tmp_path / "outside")
    (root / "d/c.yaml").symlink_to("../../secret.yaml")
    said = problems_of(root)
    assert [text.split(":")[0] for text in said] == ["d/a.yaml", "d/b", "d/c.yaml"]
    assert all("leads out" in text for text in said)


def test_links_inside_the_root_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path, "d/z.yaml", "model: good\n")
    (tmp_path / "d/loop").symlink_to(tmp_path / "d")
    assert problems_of(tmp_path) == []


def test_a_file_without_rights_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "d/z.yaml", "model: good\n")
    write(tmp_path, "d/a.yaml", "model: a\n")
    real = Path.open

    def denied(self: Path, *args: Any, **named: Any) -> Any:
        if self.name == "a.yaml":
            raise PermissionError(13, "Permission denied")  # what a user gets; root, as in containers, may read all
        return real(self, *args, **named)

    monkeypatch.setattr(Path, "open", denied)
    assert problems_of(tmp_path) == ["d/a.yaml:1:1: E100 the file cannot be read: Permission denied"]

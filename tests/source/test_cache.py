"""The cache of read documents gives back what was put in, and is harmless whatever its file holds."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.source import cache as module
from engine.source.cache import FileCache
from engine.source.document import Document
from engine.source.problems import Problems
from engine.source.reader import read_folder, read_text
from engine.source.text import SourceText

TEXT = """\
model: a
rate: 0.080
list: [1, {x: .5, y: true}, null, "1.5"]
body: |
  订单 +
  two
---
form: b
big: 123456789012345678901234567890
"""


def read(text: str) -> tuple[SourceText, list[Document]]:
    problems = Problems()
    documents = read_text(text, "a.yaml", problems)
    assert not list(problems)
    return SourceText("a.yaml", text), documents


def saved(path: Path, text: str = TEXT) -> SourceText:
    """The source of a text whose documents the cache file holds."""
    source, documents = read(text)
    cache = FileCache(path)
    cache.put(source, documents)
    cache.save()
    return source


def test_documents_come_back_as_they_were(tmp_path: Path) -> None:
    source = saved(tmp_path / "cache")
    _, originals = read(TEXT)
    restored = FileCache(tmp_path / "cache").get(source)
    assert restored is not None
    for original, document in zip(originals, restored, strict=True):
        assert (document.kind, document.name, document.file) == (original.kind, original.name, original.file)
        assert repr(document.data) == repr(original.data)
    first = restored[0]
    assert first.data["rate"] == Decimal("0.080")
    assert first.data["list"][3] == "1.5"
    assert first.span(("list", 1, "x")) == originals[0].span(("list", 1, "x"))
    assert first.span(("list",)) == originals[0].span(("list",))
    assert first.key_span(("body",)) == originals[0].key_span(("body",))
    assert first.within(("body",), 5, 8) == originals[0].within(("body",), 5, 8)


def test_the_same_text_in_another_file_has_that_files_name(tmp_path: Path) -> None:
    saved(tmp_path / "cache")
    restored = FileCache(tmp_path / "cache").get(SourceText("b.yaml", TEXT))
    assert restored is not None
    assert restored[0].file == "b.yaml"
    assert str(restored[0].span(("rate",))) == "b.yaml:2:7"


def test_another_text_is_not_known(tmp_path: Path) -> None:
    saved(tmp_path / "cache")
    assert FileCache(tmp_path / "cache").get(SourceText("a.yaml", TEXT + " ")) is None


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"documents 0\nx y z\n", b"not a cache", b"\0" * 100])
def test_a_foreign_file_is_ignored(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "cache"
    source = saved(path)
    path.write_bytes(raw)
    assert FileCache(path).get(source) is None


@given(st.integers(0, 2_000), st.binary(min_size=1, max_size=3))
def test_a_damaged_file_gives_the_right_documents_or_none(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("cache") / "cache"
    source = saved(path)
    raw = path.read_bytes()
    at %= len(raw)
    path.write_bytes(raw[:at] + junk + raw[at + len(junk) :])
    restored = FileCache(path).get(source)
    assert restored is None or [repr(d.data) for d in restored] == [repr(d.data) for d in read(TEXT)[1]]
    path.write_bytes(raw[:at])
    cut = FileCache(path).get(source)
    assert cut is None or len(cut) == 2


def test_another_version_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = saved(tmp_path / "cache")
    monkeypatch.setattr(module, "FORMAT", "documents next")
    assert FileCache(tmp_path / "cache").get(source) is None


def test_what_is_no_longer_asked_for_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cache"
    saved(path)
    other, documents = read("model: other\n")
    cache = FileCache(path)
    cache.put(other, documents)
    cache.save()
    assert FileCache(path).get(SourceText("a.yaml", TEXT)) is None
    assert FileCache(path).get(other) is not None
    assert [file.name for file in path.parent.iterdir()] == ["cache"]  # no temporary file is left


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cache"
    source = saved(path)
    cache = FileCache(path)
    cache.put(*read("model: other\n"))

    def full(path: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        cache.save()
    assert FileCache(path).get(source) is not None
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/good.yaml").write_text("model: good\nx: 0.5\n")
    (tmp_path / "d/bad.yaml").write_text("model: bad\nx: 1\nx: 2\n")
    cache = FileCache(tmp_path / "cache")
    cold = Problems()
    assert [d.name for d in read_folder(tmp_path, ["d"], cold, cache).documents] == ["good"]
    cache.save()

    def composed(source: SourceText, problems: Problems) -> None:
        raise AssertionError(f"{source.file} was read again")

    # What has problems is read each time; what has none is not.
    warm = Problems()
    (tmp_path / "d/bad.yaml").unlink()
    monkeypatch.setattr("engine.source.reader.Composer", composed)
    sources = read_folder(tmp_path, ["d"], warm, FileCache(tmp_path / "cache"))
    assert [d.data for d in sources.documents] == [{"model": "good", "x": Decimal("0.5")}]
    assert sources.texts["d/good.yaml"].line(2) == "x: 0.5"
    assert [problem.code for problem in cold] == ["E102"]
    assert not list(warm)

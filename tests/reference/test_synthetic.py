"""The synthetic file is what its generator writes: nobody has changed the one without the other."""

from __future__ import annotations

from tests.data.synthetic import FILE, text


def test_the_kept_file_is_what_the_generator_writes() -> None:
    assert FILE.read_bytes().decode() == text()

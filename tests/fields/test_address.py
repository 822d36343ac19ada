"""Postal addresses: their parts, how they are read and shown."""

from __future__ import annotations

import pytest

from engine.fields.field import ValueFault
from tests.fields.making import make

HOME = {"street": "世纪大道100号", "district": "浦东新区", "city": "上海市", "postcode": "200120", "country": "中国"}


def test_an_address_has_parts() -> None:
    field = make("address")
    assert field.parse(HOME | {"region": None}) == HOME
    assert field.display(HOME, "zh") == "中国 上海市 浦东新区 世纪大道100号 200120"
    assert field.display(HOME, "en") == "世纪大道100号, 浦东新区, 上海市, 200120, 中国"
    assert field.parse_text("1 High Street") == {"street": "1 High Street"}
    assert field.mask(HOME) == "中国 上海市 ***"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("street", "VALUE_TYPE"),
        ({"city": "x"}, "VALUE_FORMAT"),
        ({"street": "x", "planet": "y"}, "VALUE_FORMAT"),
        ({"street": 1}, "VALUE_TYPE"),
        ({"street": "a\nb"}, "VALUE_CHARACTERS"),
        ({"street": "a" * 201}, "VALUE_LENGTH"),
        ({1: "a"}, "VALUE_FORMAT"),
    ],
)
def test_what_is_no_address(raw: object, expected: str) -> None:
    with pytest.raises(ValueFault) as caught:
        make("address").parse(raw)
    assert caught.value.code == expected

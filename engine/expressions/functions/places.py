"""Places on earth: how far it is from one to another."""

from __future__ import annotations

from decimal import Decimal
from math import asin, cos, radians, sin, sqrt

from engine.expressions.decimals import Number
from engine.expressions.functions.function import NUMBER, Form, Function
from engine.expressions.types import DECIMAL

#: The mean radius of the earth in kilometres (IUGG, R1).
EARTH = 6371.0088
#: The greatest latitude and longitude.
NORTH, EAST = 90, 180


def distance(latitude: Number, longitude: Number, to_latitude: Number, to_longitude: Number) -> Decimal | None:
    """The kilometres of the great circle between two places given in degrees, to the metre (the haversine formula).
    None where there is no such place."""
    if not (-NORTH <= latitude <= NORTH and -NORTH <= to_latitude <= NORTH):
        return None
    if not (-EAST <= longitude <= EAST and -EAST <= to_longitude <= EAST):
        return None
    north, other_north = radians(latitude), radians(to_latitude)
    up, aside = (other_north - north) / 2, radians(to_longitude - longitude) / 2
    square = sin(up) ** 2 + cos(north) * cos(other_north) * sin(aside) ** 2
    return Decimal(f"{2 * EARTH * asin(min(1.0, sqrt(square))):.3f}")


PLACES = (
    Function(
        "distance",
        (Form(takes=(NUMBER, NUMBER, NUMBER, NUMBER), gives=DECIMAL, run=distance, gives_null="always"),),
        "distance(latitude, longitude, to_latitude, to_longitude): kilometres as the crow flies",
    ),
)

"""The functions that every expression has. One entry here and one in its family's file make a new one."""

from __future__ import annotations

from engine.expressions.functions.choices import CHOICES
from engine.expressions.functions.collections import COLLECTIONS
from engine.expressions.functions.dates import DATES
from engine.expressions.functions.function import Function
from engine.expressions.functions.lists import LIST_FUNCTIONS
from engine.expressions.functions.numbers import NUMBERS
from engine.expressions.functions.places import PLACES
from engine.expressions.functions.texts import TEXTS
from engine.expressions.functions.working_time import WORKING_TIME

BUILTINS: tuple[Function, ...] = (
    *NUMBERS,
    *COLLECTIONS,
    *CHOICES,
    *TEXTS,
    *DATES,
    *WORKING_TIME,
    *LIST_FUNCTIONS,
    *PLACES,
)

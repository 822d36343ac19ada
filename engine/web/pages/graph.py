"""Where the boxes of a drawing stand and how its arrows run: boxes in layers from the start, few crossings.

Pure and deterministic: the same boxes and arrows in the same sequence give the same drawing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[int, int]
Size = tuple[int, int]

#: Pixels between boxes of one layer, between layers, and around everything.
GAP, LAYER_GAP, MARGIN = 28, 56, 22
#: What an arrow that passes a layer takes of it.
PASSING: Size = (10, 10)
#: How often the layers are sorted by their neighbours, and the boxes moved towards them.
SORTED, MOVED = 12, 40


@dataclass(frozen=True, slots=True)
class Box:
    """A box by its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A drawing. ``paths`` are the points of each arrow, the boxes' edges included; ``back`` the arrows against the
    direction of reading."""

    boxes: Mapping[str, Box]
    paths: Mapping[tuple[str, str], tuple[Point, ...]]
    back: frozenset[tuple[str, str]]
    width: int
    height: int


def layout(sizes: Mapping[str, Size], arrows: Sequence[tuple[str, str]], *, down: bool = False) -> Layout:
    """The drawing of boxes of these sizes, the first of which begins; from left to right, or from the top ``down``.
    What leads from a box to itself is not drawn."""
    known = [arrow for arrow in dict.fromkeys(arrows) if arrow[0] != arrow[1] and set(arrow) <= set(sizes)]
    back = _backward(list(sizes), known)
    onward = [(to, from_) if (from_, to) in back else (from_, to) for from_, to in known]
    layers = _layers(list(sizes), onward)
    # From here on everything is laid out from left to right; a drawing downwards is turned at both ends.
    all_sizes = {name: size[::-1] if down else size for name, size in sizes.items()}
    chains = []
    for number, (from_, to) in enumerate(onward):
        passing = [f" {number}.{layer}" for layer in range(layers[from_] + 1, layers[to])]
        for layer, name in enumerate(passing, layers[from_] + 1):
            layers[name], all_sizes[name] = layer, PASSING
        chains.append([from_, *passing, to])
    rows = _sorted(layers, chains)
    at = _centres(rows, chains, all_sizes)
    paths = {}
    for arrow, chain in zip(known, chains, strict=True):
        points = [at[name] for name in chain[1:-1]]
        first, last = chain[0], chain[-1]
        if arrow in back:
            points = [*reversed(points)]
            first, last = last, first
            ends = (_below(at[first], all_sizes[first]), _below(at[last], all_sizes[last]))
        else:
            ends = (_right(at[first], all_sizes[first], 1), _right(at[last], all_sizes[last], -1))
        paths[arrow] = tuple(point[::-1] if down else point for point in (ends[0], *points, ends[1]))
    boxes = {}
    for name, size in sizes.items():
        x, y = at[name][::-1] if down else at[name]
        boxes[name] = Box(x - size[0] // 2, y - size[1] // 2, *size)
    every = [
        *((box.x + box.width, box.y + box.height) for box in boxes.values()),
        *(p for ps in paths.values() for p in ps),
    ]
    width, height = (max((point[axis] for point in every), default=0) + MARGIN for axis in (0, 1))
    return Layout(boxes, paths, frozenset(back), width, height)


def _right(at: Point, size: Size, side: int) -> Point:
    return at[0] + side * ((size[0] + 1) // 2), at[1]


def _below(at: Point, size: Size) -> Point:
    return at[0], at[1] + (size[1] + 1) // 2


def _backward(names: Sequence[str], arrows: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """The arrows that lead back to a box from which one has come: without them there are no loops."""
    out: dict[str, list[str]] = {name: [] for name in names}
    for from_, to in arrows:
        out[from_].append(to)
    found: set[tuple[str, str]] = set()
    done: set[str] = set()
    for start in names:
        under_way, path = {start: iter(out[start])}, [start]
        while path:
            name = path[-1]
            following = next(under_way[name], None)
            if following is None:
                done.add(path.pop())
                del under_way[name]
            elif following in under_way:
                found.add((name, following))
            elif following not in done:
                under_way[following] = iter(out[following])
                path.append(following)
    return found


def _layers(names: Sequence[str], arrows: Sequence[tuple[str, str]]) -> dict[str, int]:
    """How far each box is from the beginning, along the longest way."""
    before: dict[str, list[str]] = {name: [] for name in names}
    after: dict[str, list[str]] = {name: [] for name in names}
    for from_, to in arrows:
        before[to].append(from_)
        after[from_].append(to)
    open_ = {name: len(before[name]) for name in names}
    ready = [name for name in names if not open_[name]]
    layers: dict[str, int] = {}
    for name in ready:
        layers[name] = 1 + max((layers[one] for one in before[name]), default=-1)
        for to in after[name]:
            open_[to] -= 1
            if not open_[to]:
                ready.append(to)
    return layers


def _sorted(layers: Mapping[str, int], chains: Sequence[Sequence[str]]) -> list[list[str]]:
    """The layers, sorted so that few arrows cross: each by where its neighbours stand, to and fro."""
    rows: list[list[str]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for name, layer in layers.items():
        rows[layer].append(name)
    up, down = _neighbours(layers, chains)
    best, fewest = [list(row) for row in rows], _crossings(rows, down)
    for turn in range(SORTED):
        forth = turn % 2 == 0
        near = up if forth else down
        for layer in range(1, len(rows)) if forth else range(len(rows) - 2, -1, -1):
            place = {name: index for index, name in enumerate(rows[layer - 1 if forth else layer + 1])}
            own = {name: float(index) for index, name in enumerate(rows[layer])}
            for name in rows[layer]:
                if near[name]:
                    own[name] = sum(place[one] for one in near[name]) / len(near[name])
            rows[layer].sort(key=own.__getitem__)
        crossings = _crossings(rows, down)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _neighbours(
    names: Mapping[str, int], chains: Sequence[Sequence[str]]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    up: dict[str, list[str]] = {name: [] for name in names}
    down: dict[str, list[str]] = {name: [] for name in names}
    for chain in chains:
        for one, other in pairwise(chain):
            down[one].append(other)
            up[other].append(one)
    return up, down


def _crossings(rows: Sequence[Sequence[str]], down: Mapping[str, Sequence[str]]) -> int:
    count = 0
    for row, following in pairwise(rows):
        place = {name: index for index, name in enumerate(following)}
        ends = [place[to] for name in row for to in sorted(down[name], key=place.__getitem__)]
        seen: list[int] = []
        for end in ends:
            place_of_end = bisect_right(seen, end)
            count += len(seen) - place_of_end
            seen.insert(place_of_end, end)
    return count


def _centres(
    rows: Sequence[Sequence[str]], chains: Sequence[Sequence[str]], sizes: Mapping[str, Size]
) -> dict[str, Point]:
    """The middle of everything: in its layer as near to its neighbours as those beside it allow."""
    up, down = _neighbours({name: 0 for row in rows for name in row}, chains)
    at: dict[str, float] = {}
    for row in rows:
        position = 0.0
        for name in row:
            at[name] = position + sizes[name][1] / 2
            position += sizes[name][1] + GAP
    for turn in range(MOVED):
        forth = turn % 2 == 0
        for row in rows if forth else reversed(rows):
            wanted = {}
            for name in row:
                near = (up[name] or down[name]) if forth else (down[name] or up[name])
                if turn > MOVED - MOVED // 3:
                    near = [*up[name], *down[name]]
                wanted[name] = _middle([at[one] for one in near], at[name])
            _place(row, wanted, at, lambda name: sizes[name][1])
    for row in rows:  # whole pixels, and never nearer than the gap
        end: float | None = None
        for name in row:
            half = sizes[name][1] / 2
            at[name] = at[name] if end is None else max(at[name], end + GAP + half)
            end = at[name] + half
    least = min((at[name] - sizes[name][1] / 2 for name in at), default=0.0)
    found: dict[str, Point] = {}
    left = MARGIN
    for row in rows:
        width = max(sizes[name][0] for name in row)
        for name in row:
            found[name] = (left + (width + 1) // 2, round(at[name] - least) + MARGIN)
        left += width + LAYER_GAP
    return found


def _middle(places: Sequence[float], otherwise: float) -> float:
    if not places:
        return otherwise
    ordered = sorted(places)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _place(row: Sequence[str], wanted: Mapping[str, float], at: dict[str, float], size: Callable[[str], int]) -> None:
    """Moves the boxes of a layer to where they are wanted, their sequence kept: between what pushes from either end."""
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    for previous, name in zip([None, *row], row, strict=False):
        room = 0.0 if previous is None else (size(previous) + size(name)) / 2 + GAP
        low[name] = wanted[name] if previous is None else max(wanted[name], low[previous] + room)
    for following, name in zip([None, *reversed(row)], reversed(row), strict=False):
        room = 0.0 if following is None else (size(following) + size(name)) / 2 + GAP
        high[name] = wanted[name] if following is None else min(wanted[name], high[following] - room)
    for name in row:
        at[name] = (low[name] + high[name]) / 2

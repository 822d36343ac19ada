"""Things that do not fit the sample grammar, and what is to be said of them."""

from __future__ import annotations

#: What follows ``thing: a`` in a file → the beginnings of all problems, as ``line:column code message; hint``.
BROKEN: list[tuple[str, list[str]]] = [
    ("cout: 3", ["2:1: E104 unknown key 'cout'; did you mean 'count'?"]),
    ("parts: {a: {type: text, typ: 1}}", ["2:25: E104 unknown key 'typ'; did you mean 'type'?"]),
    ("by: {zzz: 1}", ["2:6: E104 unknown key 'zzz'; the keys here are roles, level"]),
    (
        "values: {a: sum(x, y) + 1}",
        [
            "2:20: E109 'y) + 1' is no name; quote a text that holds , [ ] { } inside a map in braces",
        ],
    ),
    (
        "next: {a: {to: b, if: f(x, y)}}",
        ["2:28: E104 unknown key 'y)'; quote a text that holds , [ ] { } inside a map in braces"],
    ),
    ("count: x", ["2:8: E106 expected a whole number, found a text"]),
    ("count: 017", ["2:8: E106 expected a whole number, found a text; leave the quotes and leading zeros out"]),
    ("count: 1.5", ["2:8: E106 expected a whole number, found a decimal number"]),
    ("count: true", ["2:8: E106 expected a whole number, found a yes or no (true, false)"]),
    ("count:", ["2:1: E106 expected a whole number, found nothing"]),
    ("open: yes", ["2:7: E106 expected true or false, found a text; write true or false"]),
    ("label: 5", ['2:8: E106 expected a text or a map, found a whole number; quote it: "5"']),
    ("label: {zh: 5}", ['2:13: E106 expected a text, found a whole number; quote it: "5"']),
    ("mode: al", ["2:7: E107 expected one of `any`, `all`, `1`, found 'al'; did you mean 'all'?"]),
    ("lock: versoin", ["2:7: E106 expected `version` or true or false, found 'versoin'; did you mean 'version'?"]),
    ("value: [a]", ["2:1: E106 expected an expression, found a list; quote an expression that begins with '[' or '{'"]),
    (
        "due: 5 minutes",
        [
            "2:6: E107 expected a duration such as `30 min`, `8 work_hours`, `3 work_days` or `7 d`, found "
            "'5 minutes'; units are s, min, h, d, w, work_hours, work_days"
        ],
    ),
    (
        "rate: 0/s",
        [
            "2:7: E107 expected a rate such as `20/s` or `600/min`, found '0/s'; a whole number above 0, `/`, "
            "and one of s, min, h, d, w"
        ],
    ),
    (
        "week: {mon: [[9:00, 12:00]]}",
        [
            "2:15: E107 expected a time of day from `00:00` to `24:00`, found '9:00'; write "
            "hours and minutes with two digits each"
        ],
    ),
    (
        "week: {mon: [[09:00]]}",
        [
            "2:14: E106 expected a list of 2: a time of day from `00:00` to `24:00`, a time of day "
            "from `00:00` to `24:00`; found 1"
        ],
    ),
    ("week: {mondy: []}", ["2:8: E104 unknown key 'mondy': expected one of `mon`, `tue`"]),
    ("parts: [a]", ["2:1: E106 expected a map, found a list"]),
    ("parts:", ["2:1: E106 expected a map, found nothing; write {} for an empty map"]),
    ("parts: {A B: text}", ["2:9: E109 'A B' is no name; write 'a_b'"]),
    (
        "parts: {数: text}",
        ["2:9: E109 '数' is no name; use lower case letters, digits and underscores, a letter first"],
    ),
    ("parts: {a: txet}", ["2:12: E107 'txet' is none of the part types; did you mean 'text'?"]),
    ("parts: {a: 5}", ["2:12: E106 expected a map, or a type, found a whole number"]),
    ("parts: {a: {type: 5}}", ["2:19: E106 expected a type, found a whole number"]),
    ("parts: {a: {label: x}}", ["2:9: E105 the key 'type' is missing; the part types are link, option, text"]),
    ("parts: {a: link}", ["2:9: E105 the key 'to' is missing"]),
    ("acts: [{sya: hi}]", ["2:9: E104 'sya' is none of the acts; did you mean 'say'?"]),
    ("acts: [{}]", ["2:8: E105 expected one of the acts, found a map without keys"]),
    ("acts: [hi]", ["2:8: E106 expected a map, found a text"]),
    ("acts: [say]", ["2:8: E106 expected a map, found a text; write {say: …}"]),
    ("acts: hi", ["2:7: E106 expected a map, found a text"]),
    ("next: {go: {if: x}}", ["2:8: E105 the key 'to' is missing"]),
    ("next: {go: [x]}", ["2:8: E106 expected a map, found a list"]),
    (
        "layout: [{row: []}]",
        ["2:11: E104 unknown key 'row'; did you mean 'rows'?", "2:11: E105 the key 'rows' is missing"],
    ),
    (
        "map: {$.a: {from: x, const: y}}",
        ["2:22: E110 'from' and 'const' exclude each other; keep one of 'from', 'const'"],
    ),
    ("map: {$.a: {scale: 1}}", ["2:7: E110 one of 'from', 'const' is missing"]),
    (
        "map: {$.a: {from: x, format: y, scale: 1}}",
        ["2:33: E110 'format' and 'scale' exclude each other; keep one of 'scale', 'format', 'choices'"],
    ),
    (
        "count: x\nopen: 1\nparts: {a: {type: text, max: y}, b: zzz}\n",
        ["2:8: E106", "3:7: E106", "4:30: E106", "4:37: E107"],
    ),
]

"""The phases of a build: what stops a document, and that others go on without being blamed."""

from __future__ import annotations

import pytest

from engine.catalog.builder import build_texts, fingerprint
from engine.catalog.builtins import BUILTINS
from engine.catalog.kinds.model import Model
from engine.catalog.vocabulary import Vocabulary
from engine.errors import DefinitionError
from engine.fields.text import TextField
from engine.source.text import SourceText
from tests.catalog.sample import PARCELS, parcels, problems

CODES = lambda found: [line.split()[1] for line in found]  # noqa: E731 - only what the assertions look at


def test_all_kinds_are_found_by_name() -> None:
    catalog = parcels()
    assert {"client", "product", "parcel"} <= catalog.models.keys()
    assert [name for name, flow in catalog.workflows.items() if flow.for_ not in catalog.system_models] == [
        "parcel_life"
    ]
    assert (list(catalog.forms), list(catalog.access), list(catalog.actions)) == (
        ["parcel_entry"],
        ["clerk"],
        ["settle"],
    )
    assert catalog.app.timezone == "Asia/Shanghai"
    assert list(catalog.sources) == ["base.yaml"]


def test_an_application_without_an_app_document_has_the_plain_one() -> None:
    assert build_texts({}).app.timezone == "UTC"


def test_one_run_reports_every_file() -> None:
    texts = {
        "a.yaml": "model: a\nfields: {x: txt}\n",
        "b.yaml": "model: b\nfields: {y: {type: link, to: c}}\n",
        "c.yaml": "a: [\n",
    }
    with pytest.raises(DefinitionError) as caught:
        build_texts(texts)
    assert [(p.span.file, p.code) for p in caught.value.problems if p.span] == [
        ("a.yaml", "E107"),
        ("b.yaml", "E302"),
        ("c.yaml", "E101"),
    ]


def test_problems_come_in_the_order_of_files_and_lines_whatever_the_order_of_texts() -> None:
    texts = {"b.yaml": "modl: b\n", "a.yaml": "model: a\nfields: {x: txt, y: tet}\n"}
    runs = []
    for given in (texts, dict(reversed(texts.items()))):
        with pytest.raises(DefinitionError) as caught:
            build_texts(given)
        runs.append([str(problem) for problem in caught.value.problems])
    assert runs[0] == runs[1]
    assert [line.split(":")[0] for line in runs[0]] == ["a.yaml", "a.yaml", "b.yaml"]


@pytest.mark.parametrize(
    "broken",
    [
        "model: crate\nkey: code\nfields: {code: {type: text, unique: true}, weight: decimall}\n",  # its shape fails
        "model: crate\nkey: code\nfields: {code: {type: text, unique: true}, weight: decimal\n",  # it is not YAML
    ],
)
def test_what_refers_to_a_broken_model_is_not_blamed(broken: str) -> None:
    found = problems(
        broken
        + """---
form: crate_form
for: crate
layout: [{rows: [[code, colour]]}]
---
view: crates
for: crate
columns: [code]
where: colour == "red"
---
extend: parcel
fields:
  crate: {type: link, to: crate, back: parcels}
  heavy: {type: boolean, value: crate.weight > 3 and crate.anything == 1}
---
action: pack
steps: [{create: crate, values: {label: "'x'"}, into: made}, {let: {label: made.label}}]
---
message: packed
for: crate
text: "{{ crate.label }}"
---
access: packer
scopes: {mine: keeper == user}
can: {crate: {read: mine, events: [seal]}}
"""
        if "decimall" in broken
        else broken
    )
    assert len(found) == 1


def test_a_file_that_is_not_yaml_is_the_only_one_blamed() -> None:
    with pytest.raises(DefinitionError) as caught:
        build_texts(
            {
                "base.yaml": PARCELS,
                "bad.yaml": "model: crate\nfields: {code: text\n",
                "good.yaml": "extend: parcel\nfields:\n  crate: {type: link, to: crate}\n"
                "  code: {type: text, value: crate.code}\n",
            }
        )
    assert {problem.span.file for problem in caught.value.problems if problem.span} == {"bad.yaml"}


def test_a_model_is_not_blamed_for_what_a_broken_extension_would_have_brought() -> None:
    found = problems(
        "extend: parcel\nfields: {colour: texxt}\n---\n"
        "view: red\nfor: parcel\ncolumns: [colour]\nwhere: colour == 'red'\n"
    )
    assert CODES(found) == ["E107"]


def test_extensions_add_fields_checks_and_constraints() -> None:
    catalog = parcels(
        "extend: parcel\nfields: {colour: text}\nunique: [[client, colour]]\nindex: [[colour]]\n"
        "checks: {painted: colour != null}\n"
    )
    model = catalog.models["parcel"]
    assert "colour" in model.fields
    assert model.unique == (("client", "colour"),)
    assert model.index == (("colour",),)
    assert model.checks["painted"].require.expression({"colour": None}, {}) is False
    assert catalog.fields("parcel")["colour"].document.file == "more.yaml"


def test_the_order_of_files_makes_no_difference() -> None:
    more = "extend: parcel\nfields: {colour: text}\n"
    one = build_texts({"a.yaml": PARCELS, "b.yaml": more})
    other = build_texts({"b.yaml": PARCELS, "a.yaml": more})
    assert list(one.fields("parcel")) == list(other.fields("parcel"))
    assert one.computations("parcel")[0].name == other.computations("parcel")[0].name


def test_the_fingerprint_is_that_of_names_and_contents() -> None:
    def of(**texts: str) -> str:
        return fingerprint({name: SourceText(name, text) for name, text in texts.items()})

    assert of(a="1", b="2") == of(b="2", a="1")
    assert len({of(a="1"), of(a="2"), of(b="1"), of(a="1", b=""), of()}) == 5
    assert (
        parcels().fingerprint == parcels().fingerprint != parcels("view: v\nfor: parcel\ncolumns: [note]\n").fingerprint
    )


def test_a_vocabulary_is_what_it_is_given() -> None:
    small = Vocabulary.of(
        kinds=(*BUILTINS.kinds.values(),),
        fields=(*BUILTINS.fields.values(),),
        known_functions=(function for name, function in BUILTINS.functions.items() if name != "upper"),
        steps=(*BUILTINS.steps.values(),),
    )
    assert build_texts({"a.yaml": "model: a\nfields: {x: text}\n"}, small).models["a"].fields["x"].type_name == "text"
    with pytest.raises(DefinitionError, match="E206"):
        build_texts({"a.yaml": "model: a\nfields: {x: text, y: {type: text, value: upper(x)}}\n"}, small)
    with pytest.raises(ValueError, match="two entries named 'text'"):
        Vocabulary.of(kinds=(Model,), fields=(TextField, TextField), known_functions=(), steps=())


def test_tests_are_read_but_not_linked() -> None:
    catalog = parcels("test: a big parcel waits\nfor: parcel\ndo: [{create: anything}]\n")
    assert list(catalog.tests) == ["a big parcel waits"]


def test_every_problem_is_told_once_though_a_patch_repeats_it() -> None:
    flow = "workflow: {name}\nfor: parcel\n{more}\n"
    base = "workflow: one\nfor: parcel\nstart: a\nstates: {a: {events: {go: {to: b, require: wrong > 1}}}, b: {}}\n"
    patches = "".join(f"---\n{flow.format(name=name, more='extends: one')}" for name in ("two", "three"))
    assert CODES(problems(base + patches)) == ["E203"]

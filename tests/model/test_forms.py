"""Forms: what a schema allows is what is taken, and nothing else (C5)."""

from typing import Any

import pytest

from quarterdeck.model.forms import FieldKind, FormProblem, checked, fields_of, parsed


def one(told: dict[str, Any], *, required: bool = False) -> Any:
    schema = {"type": "object", "properties": {"f": told}, "required": ["f"] if required else []}
    return fields_of(schema)[0]


@pytest.mark.parametrize(
    ("told", "good", "bad"),
    [
        ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "abc"], ["a", "abcd", 3]),
        ({"type": "string", "format": "email"}, ["a@b.c"], ["a", "@b", "a b@c"]),
        ({"type": "string", "format": "date"}, ["2026-11-21"], ["21.11.2026", "tomorrow"]),
        ({"type": "string", "format": "uri"}, ["https://a.b"], ["no address"]),
        ({"type": "string", "enum": ["a", "b"]}, ["a"], ["c", 1, ""]),
        ({"type": "string", "oneOf": [{"const": "x", "title": "The x"}]}, ["x"], ["y"]),
        ({"type": "integer", "minimum": 1, "maximum": 9}, [1, 9.0], [0, 10, 1.5, True, "1"]),
        ({"type": "number", "maximum": 1}, [0.5, -3], [1.5, float("nan"), float("inf"), "x"]),
        ({"type": "boolean"}, [True, False], [1, "yes"]),
        (
            {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "maxItems": 1},
            [["a"], []],
            [["a", "b"], ["c"], "a", [1]],
        ),
    ],
)
def test_a_value_is_taken_exactly_if_the_schema_allows_it(told, good, bad):
    field = one(told)
    for value in good:
        assert checked((field,), {"f": value}) == {"f": value}
    for value in bad:
        with pytest.raises(FormProblem):
            checked((field,), {"f": value})


def test_what_is_typed_is_read_as_its_field_means_it():
    assert parsed(one({"type": "integer"}), " 7 ") == 7
    assert parsed(one({"type": "boolean"}), "Yes") is True
    assert parsed(one({"type": "string"}), " as is ") == " as is "
    assert parsed(one({"type": "number"}), "  ") is None
    choice = one({"type": "string", "oneOf": [{"const": "x", "title": "The x"}]})
    assert parsed(choice, "The x") == "x"
    several = one({"type": "array", "items": {"anyOf": [{"const": "a"}, {"const": "b"}]}})
    assert (several.kind, parsed(several, "b, a")) == (FieldKind.CHOICES, ["b", "a"])
    with pytest.raises(FormProblem):
        parsed(one({"type": "boolean"}), "perhaps")


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {"properties": []},
        {"properties": {"a": {"type": "object"}}},
        {"properties": {"a": {"type": "array"}}},
        {"properties": {"a": {"type": "string", "enum": [1]}}},
        {"properties": {"a": {"type": "string", "enum": ["x"] * 3 + [None]}}},
        {"properties": {"a": "text"}},
        {"properties": {}, "required": ["a"]},
        {"properties": {f"f{n}": {"type": "string"} for n in range(51)}},
    ],
)
def test_a_form_that_cannot_be_shown_is_refused(schema):
    with pytest.raises(FormProblem):
        fields_of(schema)


def test_a_default_that_would_be_no_answer_is_left_out():
    assert one({"type": "integer", "default": 5, "maximum": 3}).default is None
    assert one({"type": "integer", "default": 2, "maximum": 3}).default == 2


def test_an_expression_of_the_agent_is_shown_and_never_run():
    field = one({"type": "string", "pattern": "(a+)+$"})
    assert "like (a+)+$" in field.told
    assert checked((field,), {"f": "a" * 60 + "!"}) == {"f": "a" * 60 + "!"}


def test_the_order_of_the_fields_outlives_sorted_keys():
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
    assert [field.name for field in fields_of(schema, ["b", "a"])] == ["b", "a"]
    assert [field.name for field in fields_of(schema, ["b", "no such"])] == ["b", "a"]

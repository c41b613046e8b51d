from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from memory.errors import CorruptionError, InvalidPayload, UnknownEventType, UpcastError
from memory.events import Payload, build, decode, encode, knows, payload_type, register, registry, upcasters
from memory.events.codec import JsonData


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.knows("")  # every family is loaded before the registry is copied
    monkeypatch.setattr(registry, "_PAYLOAD_TYPES", dict(registry._PAYLOAD_TYPES))
    monkeypatch.setattr(upcasters, "_UPCASTERS", dict(upcasters._UPCASTERS))


def third_version() -> type[Payload]:
    @register
    class Measured(Payload):
        event_type: ClassVar[str] = "measured"
        schema_version: ClassVar[int] = 3
        quantity: str
        value: JsonData

    return Measured


def test_the_families_are_found_without_being_imported_first() -> None:
    assert knows("coupled_modification")
    assert payload_type("observation").event_type == "observation"


def test_an_unknown_event_type_is_said_to_be_unknown() -> None:
    assert not knows("nonsense")
    with pytest.raises(UnknownEventType, match="nonsense"):
        decode("nonsense", 1, "{}")


def test_a_newer_schema_version_is_unknown_too() -> None:
    with pytest.raises(UnknownEventType, match="version 2"):
        decode("observation", 2, "{}")


def test_an_old_payload_is_lifted_step_by_step_with_its_tags_untouched() -> None:
    cls = third_version()

    @upcasters.upcaster("measured", 1)
    def second(fields: dict[str, Any]) -> dict[str, Any]:
        return {"name": fields["metric"], "value": fields["value"]}

    @upcasters.upcaster("measured", 2)
    def third(fields: dict[str, Any]) -> dict[str, Any]:
        return {"quantity": fields["name"], "value": [fields["value"]]}

    lifted = decode("measured", 1, '{"metric":"loss","value":{"$float":"Infinity"}}')
    assert lifted == build(cls, quantity="loss", value=[float("inf")])


def test_a_missing_or_failing_upcaster_says_which_version() -> None:
    third_version()
    with pytest.raises(UpcastError, match="no upcaster from version 1"):
        decode("measured", 1, "{}")

    @upcasters.upcaster("measured", 2)
    def broken(fields: dict[str, Any]) -> dict[str, Any]:
        return {"quantity": fields["absent"]}

    with pytest.raises(UpcastError, match="KeyError"):
        decode("measured", 2, "{}")


def test_two_upcasters_for_one_version_are_refused() -> None:
    upcasters.upcaster("measured", 1)(lambda fields: fields)
    with pytest.raises(ValueError, match="already has an upcaster"):
        upcasters.upcaster("measured", 1)(lambda fields: fields)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"category":1}', '{"obs_type":"discovery","category":"c","x":1}'])
def test_text_that_is_no_such_payload_is_corruption(text: str) -> None:
    with pytest.raises(CorruptionError, match="observation"):
        decode("observation", 1, text)


def test_two_classes_cannot_have_one_event_type() -> None:
    with pytest.raises(ValueError, match="already belongs"):

        @register
        class Other(Payload):
            event_type: ClassVar[str] = "observation"


@pytest.mark.parametrize("name", ["", "Observed", "two words", "_x", "x_"])
def test_an_event_type_that_is_not_snake_case_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="snake_case"):
        register(type("Bad", (Payload,), {"event_type": name, "__annotations__": {"event_type": ClassVar[str]}}))


def test_a_non_finite_number_hidden_in_a_nested_part_is_refused_not_turned_into_null() -> None:
    class Part(BaseModel):
        value: float

    @register
    class Carrier(Payload):
        event_type: ClassVar[str] = "carrier"
        part: Part

    with pytest.raises(InvalidPayload, match=r"carrier\.part\.value"):
        encode(Carrier(part=Part(value=float("nan"))))

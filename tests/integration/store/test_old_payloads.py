"""A log of old payloads under classes that have moved on: readers see what is new, and what is stored stays."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from memory import MemorySystem
from memory.errors import CorruptionError, KeyConflict, ProjectionError, UnknownEventType, UpcastError
from memory.events import NewEvent, Payload, build, encode, registry, upcasters
from memory.events.observations import Observation
from memory.store import EventStore

SCHEMAS = Path(__file__).resolve().parents[2] / "frozen" / "schemas"
FROZEN = [
    pytest.param(revision.name, *event[4:], id=f"{revision.name}-{event[0]}-{event[4]}")
    for revision in sorted(SCHEMAS.iterdir())
    for event in json.loads((revision / "sqlite.json").read_text())["events"]
]


class Second(Observation):
    """What an observation might become: it says where it came from."""

    schema_version: ClassVar[int] = 2

    source: str


class Third(Observation):
    """And then: how sure one is, between 0 and 1, where `importance` was from 0 to 1."""

    schema_version: ClassVar[int] = 3

    source: str
    certainty: float


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.knows("")  # every family is loaded before the registry is copied
    monkeypatch.setattr(registry, "_PAYLOAD_TYPES", dict(registry._PAYLOAD_TYPES))
    monkeypatch.setattr(upcasters, "_UPCASTERS", dict(upcasters._UPCASTERS))


def become(cls: type[Payload]) -> None:
    """Let a class be what its event type is from now on."""
    registry._PAYLOAD_TYPES[cls.event_type] = cls


def say_where(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "source": "unknown", "description": f"lifted: {fields['description']}"}


def say_how_sure(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "certainty": fields["importance"] / 2}


@pytest.fixture
def lifted_twice() -> None:
    """Observations are at their third version."""
    upcasters.upcaster("observation", 1)(say_where)
    upcasters.upcaster("observation", 2)(say_how_sure)
    become(Third)


@pytest.fixture
def held(bare_url: str, schemas: ModuleType) -> dict[str, Any]:
    """A log of revision 0001: six observations of version 1, each appended by itself."""
    return dict(schemas.thaw(bare_url, "0001"))


@pytest.mark.parametrize(("revision", "event_type", "schema_version", "text"), FROZEN)
def test_every_payload_ever_frozen_is_read_today(
    revision: str, event_type: str, schema_version: int, text: str
) -> None:
    payload = registry.decode(event_type, schema_version, text)
    if schema_version == type(payload).schema_version:
        assert encode(payload) == text


@pytest.mark.usefixtures("lifted_twice")
def test_readers_see_the_newest_version_and_what_is_stored_stays(bare_url: str, held: dict[str, Any]) -> None:
    with EventStore.open(bare_url) as store:
        read = list(store.read())
        followed = list(store.subscribe(idle=0.05))
        assert read == followed
        assert {(type(each.payload), each.payload.source, each.payload.certainty) for each in read} == {
            (Third, "unknown", 0.25)
        }
        assert read[0].payload.description == "lifted: ç, 中"
        stored = [[each.position, each.event_id, each.schema_version, each.text] for each in read]
        assert stored == [[event[0], event[1], 1, event[6]] for event in held["events"]]
        report = store.verify()
        assert (report.ok, report.digest) == (True, held["digest"])


def test_a_chain_of_versions_is_lifted_from_wherever_each_event_stands(bare_url: str, held: dict[str, Any]) -> None:
    upcasters.upcaster("observation", 1)(say_where)
    become(Second)
    with EventStore.open(bare_url) as store:
        store.append([NewEvent(build(Second, obs_type="behavior", category="c", source="probe"))])
        upcasters.upcaster("observation", 2)(say_how_sure)
        become(Third)
        store.append([NewEvent(build(Third, obs_type="behavior", category="c", source="human", certainty=1.0))])
        read = list(store.read(types="observation"))
        assert [each.schema_version for each in read] == [1] * 6 + [2, 3]
        assert [each.payload.source for each in read] == ["unknown"] * 6 + ["probe", "human"]
        assert [each.payload.certainty for each in read] == [0.25] * 7 + [1.0]
        assert store.verify().ok


@pytest.mark.usefixtures("lifted_twice", "held")
def test_a_call_made_again_after_the_schema_moved_on_is_known_by_its_key(bare_url: str) -> None:
    said = {"obs_type": "behavior", "category": "c", "source": "unknown", "certainty": 0.25}
    with EventStore.open(bare_url) as store:
        again = build(Third, description="lifted: ç, 中", data={"n": 0}, **said)
        assert store.append([NewEvent(again, key="memory 0")])[0] == store.append([NewEvent(again, key="memory 0")])[0]
        assert store.head().position == 6
        for other in (
            NewEvent(build(Third, description="lifted: ç, 中", data={"n": 1}, **said), key="memory 0"),
            NewEvent(again, key="memory 0", stream="model-m"),
        ):
            with pytest.raises(KeyConflict):
                store.append([other])
        assert store.verify().ok


@pytest.mark.usefixtures("lifted_twice", "held")
def test_projections_fold_what_is_lifted_and_the_same_when_rebuilt(bare_url: str) -> None:
    with MemorySystem(bare_url) as memory:
        memory.consolidate()
        live = memory.query_sql("SELECT * FROM observations ORDER BY position")
        assert {row["description"] for row in live} == {"lifted: ç, 中"}
        assert len(live) == 6
        memory.rebuild()
        assert memory.query_sql("SELECT * FROM observations ORDER BY position") == live


def broken(fields: dict[str, Any]) -> dict[str, Any]:
    if fields["data"]["n"] == 1:
        raise KeyError("absent")
    return say_where(fields)


def no_payload(fields: dict[str, Any]) -> dict[str, Any]:
    return say_where(fields) if fields["data"]["n"] != 1 else {**say_where(fields), "importance": "much"}


def no_json(fields: dict[str, Any]) -> dict[str, Any]:
    return say_where(fields) if fields["data"]["n"] != 1 else {**say_where(fields), "data": {1, 2}}


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(
    ("step", "words"),
    [(broken, "KeyError: 'absent'"), (no_payload, "importance"), (no_json, "no payload of version 2"), (None, "no up")],
)
def test_an_upcaster_that_fails_is_named_with_type_version_and_position_and_harms_nobody_else(
    bare_url: str, step: Callable[[dict[str, Any]], dict[str, Any]] | None, words: str
) -> None:
    if step is not None:
        upcasters.upcaster("observation", 1)(step)
    become(Second)
    first = 3 if step is not None else 1
    with MemorySystem(bare_url) as memory:
        events = {event.position: event for event in memory.store.read()}
        with pytest.raises(UpcastError, match=words) as caught:
            _ = events[first].payload
        error = caught.value
        assert (error.event_type, error.schema_version, error.position) == ("observation", 1, first)
        assert f"schema version 1 of 'observation' at position {first}" in error.message
        assert error.remedy
        with pytest.raises(UpcastError, match=f"position {first}"):
            _ = events[first].fields
        # Whoever does not ask for this payload is not bothered by it.
        assert json.loads(events[first].text)["category"] == "c"
        assert [event.position for event in memory.store.subscribe(idle=0.05)] == list(events)
        assert memory.store.verify().ok
        memory.record_metrics({"loss": 1.0})
        with pytest.raises(ProjectionError, match=f"stopped at position {first} .*cannot be lifted"):
            memory.consolidate()
        assert [row["position"] for row in memory.query_sql("SELECT position FROM observations")] == list(
            range(1, first)
        )
        assert memory.query_sql("SELECT position FROM metrics") == [{"position": 7}]


def test_a_stored_text_that_is_no_payload_is_corruption_at_its_position(
    bare_url: str, held: dict[str, Any], behind_our_back: Callable[..., None]
) -> None:
    with EventStore.open(bare_url) as store:
        behind_our_back(store, "UPDATE ledger SET payload = '{\"category\":1}' WHERE position = 4")
        event = next(store.read(after=3))
        with pytest.raises(CorruptionError, match="position 4") as caught:
            _ = event.payload
        assert caught.value.position == 4
        assert isinstance(caught.value.__cause__.__cause__, ValidationError)  # type: ignore[union-attr]


class Dream(Payload):
    """An event of another program."""

    event_type: ClassVar[str] = "dream"

    of: str


@pytest.fixture
def dreamt(bare_url: str) -> Iterator[MemorySystem]:
    """A memory whose log holds events of a type that is not known any more: at 2, and in a batch at 4."""
    with MemorySystem(bare_url) as memory:
        become(Dream)
        memory.record_observation("behavior", "one")
        memory.store.append([NewEvent(Dream(of="sheep"), key="dreamt", act_id="night")])
        note = build(Observation, obs_type="behavior", category="two")
        memory.store.append([NewEvent(note), NewEvent(Dream(of="more sheep")), NewEvent(note)])
        del registry._PAYLOAD_TYPES["dream"]
        yield memory


def test_an_unknown_event_type_is_read_followed_and_verified_with_the_others(dreamt: MemorySystem) -> None:
    store = dreamt.store
    read = list(store.read())
    assert [event.event_type for event in read] == ["observation", "dream", "observation", "dream", "observation"]
    assert (read[1].text, read[1].act_id) == ('{"of":"sheep"}', "night")
    with pytest.raises(UnknownEventType, match="dream"):
        _ = read[1].payload
    assert [event.position for event in store.subscribe(types="dream", idle=0.05)] == [2, 4]
    assert [event.position for event in store.read(types={"dream"}, newest_first=True)] == [4, 2]
    assert dreamt.verify().ok
    rows = dreamt.query_sql("SELECT position, payload FROM events WHERE event_type = 'dream' ORDER BY position")
    found = [json.loads(row["payload"]) if isinstance(row["payload"], str) else row["payload"] for row in rows]
    assert found == [{"of": "sheep"}, {"of": "more sheep"}]


def test_an_unknown_event_type_is_passed_over_with_a_warning_and_folded_once_it_is_known(
    dreamt: MemorySystem, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        dreamt.consolidate()
    warned = [record.getMessage() for record in caplog.records if "passed over" in record.getMessage()]
    assert [words.split(" is ")[0] for words in sorted(warned)] == ["position 2", "position 4"]
    assert all("'dream'" in words for words in warned)
    rows = dreamt.query_sql("SELECT position FROM observations ORDER BY position")
    assert [row["position"] for row in rows] == [1, 3, 5]
    become(Dream)
    assert [event.payload.of for event in dreamt.store.read(types="dream")] == ["sheep", "more sheep"]
    assert dreamt.store.append([NewEvent(Dream(of="sheep"), key="dreamt")])[0].replayed
    dreamt.rebuild()
    assert dreamt.query_sql("SELECT position FROM observations ORDER BY position") == rows

"""Which name viewed which storage: through ties, cuts, merges, renames and a round trip through JSON."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import orjson

from memory.projections.registry import RegistryChange, StorageRegistry


def replay(history: Any) -> tuple[StorageRegistry, list[RegistryChange | None]]:
    registry = StorageRegistry()
    return registry, [registry.apply(event.position, payload) for event, payload in history.stored()]


def ids(registry: StorageRegistry, *names: str) -> list[int | None]:
    found = [registry.find("m", name) for name in names]
    return [None if storage is None else storage.storage_id for storage in found]


def test_tied_names_are_one_storage_under_its_first_name(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("abc", "bc"))
    registry, (change,) = replay(history)
    assert ids(registry, "a", "b", "c") == [1, 2, 2]
    assert registry.find("m", "c").key == "b"  # type: ignore[union-attr]
    assert [storage.names for storage in registry.tied("m")] == [("b", "c")]
    assert change is not None
    assert change.before == ()
    assert len(change.after) == 2


def test_after_a_cut_known_by_maps_the_part_with_the_first_name_goes_on(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("abc", "abc"))
    history.change(histories.sharing("abc", "bc"))
    registry, changes = replay(history)
    assert ids(registry, "a", "b", "c") == [1, 2, 2]
    assert changes[1] is not None
    assert [storage.storage_id for storage in changes[1].before] == [1]


def test_after_a_cut_the_part_that_kept_the_bytes_goes_on_where_that_is_known(
    histories: ModuleType, history: Any
) -> None:
    history.attach(histories.sharing("abc", "abc"))
    history.change(histories.sharing("abc", "bc"), kept={"b": "a"})
    registry, _ = replay(history)
    assert ids(registry, "a", "b", "c") == [2, 1, 1]
    storage = registry.find("m", "b")
    assert storage is not None
    assert (storage.key, storage.key_since) == ("b", 2)
    assert storage.names_since == {"b": 1, "c": 1}


def test_two_storages_cannot_both_go_on_as_one(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("ab"))
    history.change(histories.sharing("ab", "ab"))
    registry, changes = replay(history)
    assert ids(registry, "a", "b") == [1, 1]
    assert registry.by_id(2) is None
    assert changes[1] is not None
    assert [storage.storage_id for storage in changes[1].before] == [1, 2]
    storage = registry.by_id(1)
    assert storage is not None
    assert storage.names_since == {"a": 1, "b": 2}


def test_claiming_one_old_storage_twice_gives_it_to_the_first_key_only(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("abc", "abc"))
    history.change(histories.sharing("abc"), kept={"b": "a", "c": "a"})
    assert ids(replay(history)[0], "a", "b", "c") == [2, 1, 3]


def test_a_new_first_name_changes_the_key_and_keeps_the_identity(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("b"))
    history.change(histories.sharing("ab", "ab"), kept={"a": "b"})
    registry, _ = replay(history)
    storage = registry.by_id(1)
    assert storage is not None
    assert (storage.key, storage.key_since) == ("a", 2)


def test_a_cut_tied_again_gets_new_dates(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("ab", "ab"))
    history.change(histories.sharing("ab"))
    history.change(histories.sharing("ab", "ab"))
    registry, _ = replay(history)
    storage = registry.find("m", "b")
    assert storage is not None
    assert storage.names_since == {"a": 1, "b": 3}


def test_attaching_the_same_map_again_changes_nothing(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("abc", "bc"))
    history.attach(histories.sharing("abc", "bc"))
    registry, changes = replay(history)
    assert changes[1] == RegistryChange(before=(), after=())
    assert ids(registry, "a", "b", "c") == [1, 2, 2]


def test_models_do_not_share_storages(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("a"))
    history.attach(histories.sharing("a"), model="other")
    registry, _ = replay(history)
    other = registry.find("other", "a")
    assert ids(registry, "a") == [1]
    assert other is not None
    assert other.storage_id == 2


def test_a_derived_name_is_known_and_views_no_storage(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing(["g", "v"], derived={"weight": ["g", "v"]}))
    registry, _ = replay(history)
    assert registry.find("m", "weight") is None
    assert registry.derived("m", "weight")
    assert not registry.derived("m", "ghost")


def test_a_round_trip_through_json_changes_neither_answers_nor_text(histories: ModuleType, history: Any) -> None:
    history.attach(histories.sharing("abcd", "bc"), model="z")
    history.attach(histories.sharing("abcd", "ab", partial=[("c", "d")]), model="m")
    history.change(histories.sharing("abcd", "cd"), model="m")
    registry, _ = replay(history)
    text = orjson.dumps(registry.to_state())
    again = StorageRegistry.from_state(orjson.loads(text))
    assert again == registry
    assert orjson.dumps(again.to_state()) == text
    assert again.find("m", "d") == registry.find("m", "d")
    assert again.tied("z") == registry.tied("z")

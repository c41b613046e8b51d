"""What is looked for is found, the same on both engines, whatever it is called and whatever became of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import InvalidArgument, UnknownName, UnknownObservation
from memory.query import modifications, observations

TIED = ["lm_head.weight", "model.embed_tokens.weight"]
LAYERS = [f"model.layers.{number}.mlp.down_proj.weight" for number in range(3)]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def told(memory: MemorySystem) -> dict[str, Any]:
    """Record what is looked for; give what was recorded by a name of its own."""
    memory.attach(SharingMap.from_relations(names=[*TIED, *LAYERS], same=[TIED]), name="sim")
    recorded: dict[str, Any] = {}

    def see(name: str, obs_type: str, category: str, description: str, **rest: Any) -> None:
        recorded[name] = memory.record_observation(obs_type, category, description, **rest)

    see("drift", "behavior", "drift", "the norm of down_proj grew", tags=["night", "run-1"], importance=0.9)
    see("drift2", "behavior", "drift", "the norm shrank", tags=["night"], occurred_at=NOON)
    see("idea", "hypothesis", "tying", "are head and embeddings one?", data={"layer": LAYERS[1], "deep": ["Straße"]})
    see("later", "discovery", "tying", "they are", tags=["run-1", "day"], occurred_at=NOON + timedelta(hours=2))
    see("wrong", "performance", "loss", "loss fell", data={"why": "aardvark"}, tags=["day"])
    see("gone", "performance", "loss", "loss fell to nothing", data={"why": "zebra"}, importance=0.95)
    memory.correct(recorded["wrong"].position, data={"why": "badger"}, reason="misread")
    memory.retract(recorded["gone"].position, reason="never happened")
    for number, (layer, method) in enumerate([(LAYERS[0], "scale"), (LAYERS[1], "rank_one"), (TIED[0], "scale")]):
        act = f"act-{number}"
        recorded[act] = memory.record_modification(layer, {"step": number}, method=method, act=act, reason="to see")
    memory.record_metrics({"loss": float("nan")})  # which safety raises an alert of
    recorded["belief"] = memory.assert_belief("a gentle edit helps", credence=0.8, tags=["soft", "own"])
    memory.assert_belief("Übung macht den Meister", credence=0.5)
    return recorded


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A memory of each engine with everything told in it, and what was recorded."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    url = server.create() if server is not None else f"sqlite:///{tmp_path_factory.mktemp('finding') / 'found.db'}"
    with MemorySystem(url, seed=1) as memory:
        yield memory, told(memory)
    if server is not None:
        server.drop(url)


def names(asked: Any, rows: Any) -> list[str]:
    by_position = {recorded.position: name for name, recorded in asked[1].items() if hasattr(recorded, "position")}
    return [by_position.get(row.position, f"position {row.position}") for row in rows]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["wrong", "later", "idea", "drift2", "drift"]),
        ({"obs_type": "behavior"}, ["drift2", "drift"]),
        ({"category": "tying"}, ["later", "idea"]),
        ({"obs_type": "discovery", "category": "tying"}, ["later"]),
        ({"tags": ["night", "run-1"]}, ["drift"]),
        ({"tags": ["night", "day"], "tags_match": "any"}, ["wrong", "later", "drift2", "drift"]),
        ({"tags": ["night", "day"], "tags_match": "any", "limit": 2, "offset": 1}, ["later", "drift2"]),
        ({"tags": "run-1", "obs_type": "discovery"}, ["later"]),
        ({"min_importance": 0.8}, ["drift"]),
        ({"min_importance": 0.8, "include_obsolete": True}, ["gone", "drift"]),
        ({"min_importance": 0.3, "category": "drift"}, ["drift2", "drift"]),
        ({"end_time": NOON + timedelta(hours=3)}, ["later", "drift2"]),
        ({"start_time": NOON, "end_time": "2026-01-01T13:00:00+00:00"}, ["drift2"]),
        ({"end_time": NOON + timedelta(hours=3), "tags": ["night"]}, ["drift2"]),
        ({"text": "norm"}, ["drift2", "drift"]),
        ({"text": "norm", "tags": ["run-1"]}, ["drift"]),
        ({"text": "norm", "obs_type": "behavior", "limit": 1}, ["drift2"]),
        ({"text": "fell", "include_obsolete": True}, ["gone", "wrong"]),
        ({"model": "sim", "limit": 1}, ["wrong"]),
        ({"model": "other"}, []),
    ],
    ids=str,
)
def test_observations_are_given_by_what_they_are_newest_first(asked: Any, filters: Any, found: list[str]) -> None:
    assert names(asked, asked[0].query_observations(**filters)) == found


@pytest.mark.parametrize("filters", [{}, {"tags": ["night", "day"], "tags_match": "any"}, {"end_time": "2100-01-01"}])
def test_pages_put_together_are_the_whole(asked: Any, filters: Any) -> None:
    memory = asked[0]
    whole = memory.query(**filters)
    pages: list[Any] = []
    while page := memory.query(**filters, limit=2, before=pages[-1].position if pages else None):
        pages += page
    assert pages == whole
    assert memory.query(**filters, limit=2, offset=2) == whole[2:4]


def test_one_observation_is_given_whatever_became_of_it(asked: Any) -> None:
    memory, recorded = asked
    assert memory.get(recorded["gone"].position).status == "obsolete"
    assert memory.get(recorded["wrong"].position).data == {"why": "badger"}
    with pytest.raises(UnknownObservation):
        memory.get(recorded["act-0"].position)


def test_statistics_count_what_is_there_as_it_is_now(asked: Any) -> None:
    counted = asked[0].get_statistics()
    assert counted["by_status"] == {"active": 4, "obsolete": 1, "superseded": 1}
    assert counted["by_type"] == {"behavior": 2, "discovery": 1, "hypothesis": 1, "performance": 2}
    assert counted["total"] == 6
    assert asked[0].get_statistics("beliefs")["by_status"]["active"] >= 5


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["act-2", "act-1", "act-0"]),
        ({"layer": LAYERS[1]}, ["act-1"]),
        ({"layer": TIED[1]}, ["act-2"]),
        ({"layer": "model.layers"}, ["act-1", "act-0"]),
        ({"layer": "model", "limit": 2}, ["act-2", "act-1"]),
        ({"layer": "model.layers", "method": "scale"}, ["act-0"]),
        ({"method": "scale"}, ["act-2", "act-0"]),
        ({"act": "act-1"}, ["act-1"]),
        ({"coupled": True}, ["act-2"]),
        ({"coupled": False, "model": "sim"}, ["act-1", "act-0"]),
    ],
    ids=str,
)
def test_writes_are_given_by_what_they_reached_and_how(asked: Any, filters: Any, found: list[str]) -> None:
    assert names(asked, asked[0].query_modifications(**filters)) == found


def test_writes_since_a_position_are_those_after_it(asked: Any) -> None:
    memory, recorded = asked
    assert names(asked, memory.query_modifications(since=recorded["act-0"].position)) == ["act-2", "act-1"]
    assert names(asked, memory.query_modifications(before=recorded["act-1"].position)) == ["act-0"]


def test_a_layer_nobody_knows_is_no_empty_answer(asked: Any) -> None:
    with pytest.raises(UnknownName) as raised:
        asked[0].query_modifications("model.layer.0.mlp.down_proj.weight")
    assert LAYERS[0] in raised.value.nearest
    with pytest.raises(UnknownName):
        asked[0].query_modifications("MODEL.layers")


def test_a_page_asks_for_no_more_rows_than_it_gives_however_many_names_or_tags_have_some(asked: Any) -> None:
    tags = ("night", "day")
    with asked[0].store.database.reading() as connection:
        for page in (
            modifications.statement(connection, modifications.WantedWrites(layer="model.layers", limit=1)),
            observations.statement(connection, observations.Wanted(tags=tags, tags_match="any", limit=1)),
        ):
            (asked_for,) = [each for each in page.compile().params.values() if isinstance(each, list)]
            assert len(asked_for) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("norm grew", ["drift"]),
        ('"norm grew"', []),
        ('"the norm"', ["drift", "drift2"]),
        ("norm -grew", ["drift2"]),
        ("down_proj", ["drift", "idea"]),
        ("layers.1", ["idea"]),
        ("STRASSE", []),
        ("straße", ["idea"]),
        ("shr*", ["drift2"]),
        ("tying", ["idea", "later"]),
        ("night", ["drift", "drift2"]),
        ("badger", ["wrong"]),
        ("aardvark", []),
        ("zebra", []),
        ("kind:observation", []),
        ("obs*", []),
        ("k*", []),
        ("norm -k*", ["drift", "drift2"]),
    ],
)
def test_words_find_the_same_on_both_engines(asked: Any, text: str, found: list[str]) -> None:
    assert sorted(names(asked, asked[0].search_text(text, kinds=["observation"]))) == sorted(found)


def test_what_was_retracted_is_found_by_who_asks_and_says_so(asked: Any) -> None:
    (found,) = asked[0].search_text("zebra", include_obsolete=True)
    assert (found.status, found.identity) == ("obsolete", str(asked[1]["gone"].position))
    (corrected,) = asked[0].search_text("badger")
    assert corrected.status == "superseded"


def test_writes_beliefs_and_facts_are_found_with_observations(asked: Any) -> None:
    memory = asked[0]
    assert {each.kind for each in memory.search_text("lm_head")} == {"modification", "belief", "fact"}
    assert [each.text for each in memory.search_text("gentle", kinds="belief")] == ["a gentle edit helps"]
    assert len(memory.search_text("gent", kinds="belief")) == 0
    assert len(memory.search_text("lm_head", model="other")) == 0
    assert len(memory.search_text("weight", limit=2)) == 2


def test_alerts_are_found_by_what_they_say(asked: Any) -> None:
    (alert,) = asked[0].search_text("nan loss", kinds=["alert"])
    assert (alert.kind, alert.model) == ("alert", "sim")


def test_the_answers_are_ranked_what_tells_most_first(asked: Any) -> None:
    found = asked[0].search_text("down_proj", kinds=["observation"])
    assert names(asked, found) == ["drift", "idea"]
    assert found[0].score > found[1].score
    assert found[0].snippet == "the norm of [down]_[proj] grew"


@pytest.mark.parametrize("text", ["'", "a'b", "norm:*", "NEAR(a b)", "a AND OR", "\\", "x & | !", "^a", "{words}: a"])
def test_no_sign_is_a_mistake_of_syntax(asked: Any, text: str) -> None:
    try:
        asked[0].search_text(text)
    except InvalidArgument:
        assert not any(sign.isalnum() for sign in text)


def test_beliefs_are_asked_for_by_their_columns_and_tags(asked: Any) -> None:
    memory = asked[0]
    (belief,) = memory.query_beliefs(tags=["soft", "own"], min_credence=0.7, status=None)
    assert belief.statement == "a gentle edit helps"
    assert memory.query_beliefs(tags=["soft", "other"]) == []
    assert memory.query_beliefs("heuristic", contains="GENTLE", source="asserted") == [belief]
    (later,) = memory.query_beliefs(since=belief.last_position)
    assert later.statement == "Übung macht den Meister"
    assert memory.query_beliefs(contains="übung") == memory.query_beliefs(contains="Übung macht") == [later]
    assert memory.query_patterns("effect", min_support=1) == []
    assert memory.query_theories(source="proposed") == []


@pytest.mark.parametrize(
    "question",
    [
        lambda memory: memory.query(obs_type="dream"),
        lambda memory: memory.query(tags_match="none"),
        lambda memory: memory.query(min_importance=2),
        lambda memory: memory.query(limit=0),
        lambda memory: memory.query(offset=-1),
        lambda memory: memory.query(start_time="yesterday"),
        lambda memory: memory.query(start_time=datetime(2026, 1, 1)),
        lambda memory: memory.query(tags=[7]),
        lambda memory: memory.search_text("x", kinds=["dream"]),
        lambda memory: memory.query_beliefs(colour="blue"),
        lambda memory: memory.query_beliefs(min_credence=2),
        lambda memory: memory.query_patterns(status="new"),
        lambda memory: memory.get_statistics("dreams"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked: Any, question: Any) -> None:
    with pytest.raises(InvalidArgument):
        question(asked[0])


def test_rebuilt_tables_find_what_live_ones_found(asked: Any) -> None:
    memory = asked[0]

    def found() -> Any:
        return memory.search_text("loss*", include_obsolete=True), memory.get_statistics(), memory.query(tags=["night"])

    before = found()
    memory.rebuild()
    assert found() == before
    assert len(before[0]) >= 2


def test_as_of_then_finds_what_was_said_then(asked: Any) -> None:
    memory, recorded = asked
    with memory.query.as_of(recorded["gone"].position) as then:
        assert [each.identity for each in then.search_text("zebra")] == [str(recorded["gone"].position)]
        assert then(category="loss")[0].status == "active"


def test_a_text_that_no_index_holds_breaks_nothing(database_url: str, tmp_path: Path) -> None:
    with MemorySystem(database_url) as memory:
        long = memory.record_observation(
            "behavior", "long", "needle " + "hay " * 100_000, tags=["t" * 5000, "t" * 5001]
        )
        memory.record_observation("behavior", "long", "x" * 300_000, data={"a" * 9000: "needle"})
        assert [each.position for each in memory.search_text("needle hay")] == [long.position]
        assert len(memory.query(tags=["t" * 5000])) == 1
        assert memory.consolidate().position == 2

"""What a notebook shows of each answer: well-formed HTML that no name can break out of, in whatever colours it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from introspection import SharingMap
from introspection.html import card_html, escape, list_html, table_html
from memory import MemorySystem
from memory.query.results import QueryResult
from memory.recording.checkpoint_comparison import CheckpointComparison

HOSTILE = "</td></table><script>alert('\"1\"')</script>&lt;\u202egnp.\x1b[2J"
TAGS = {
    *("div", "style", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "span", "details", "summary"),
    *("ul", "li"),
}


class Parsed(HTMLParser):
    """Reads HTML strictly: every tag that opens closes, in order, and is one of those that show and do nothing."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.style = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= {"class", "scope", "open"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] == "style":
            self.style += data
        else:
            self.texts.append((self.open[-1], data))

    def of(self, tag: str) -> list[str]:
        return [text for where, text in self.texts if where == tag]

    @property
    def words(self) -> str:
        return "\n".join(text for _, text in self.texts)


def shown(value: Any) -> Parsed:
    return Parsed(value if isinstance(value, str) else value._repr_html_())


# Tables and cards


def test_a_table_has_a_caption_names_its_columns_and_sets_numbers_to_the_right() -> None:
    html = table_html([{"layer": "head", "writes": 3}, {"layer": "norm", "writes": None}], caption="writes by layer")
    table = shown(html)
    assert table.of("caption") == ["writes by layer"]
    assert table.of("th") == ["layer", "writes"]
    assert table.of("td") == ["head", "3", "norm"]
    assert '<td class="number">3</td>' in html
    assert '<td class="number">head' not in html


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    table = shown(table_html([{"row": number} for number in range(25)], limit=10))
    assert table.of("td") == [str(number) for number in range(10)]
    assert table.of("p") == ["… and 15 more of 25"]


def test_a_table_without_rows_says_so() -> None:
    assert shown(table_html([], caption="beliefs", empty="none yet")).words == "beliefs\n: none yet"


@pytest.mark.parametrize("place", ["value", "column", "caption", "nested"])
def test_no_text_breaks_out_of_its_place(place: str) -> None:
    row: dict[str, Any] = {
        "value": {"column": HOSTILE},
        "column": {HOSTILE: 1},
        "caption": {"column": 1},
        "nested": {"column": {HOSTILE: [HOSTILE]}},
    }[place]
    table = shown(table_html([row], caption=HOSTILE if place == "caption" else None))
    assert "<script>alert(" in table.words
    assert not {"\x1b", "\u202e"} & set(table.words)


def test_what_cannot_be_seen_is_written_out_and_what_is_too_long_is_cut() -> None:
    assert escape("a\x00b\u202ec\ud800") == "a\\u0000b\\u202ec\\ud800"
    assert len(escape("x" * 1000)) == 400
    assert escape("x" * 1000).endswith("…")


def test_a_card_leaves_out_what_is_not_known_and_a_list_that_is_long_is_folded() -> None:
    html = card_html("Thing", {"known": 1.23456, "unknown": None}, list_html("names", range(30), limit=3))
    card = shown(html)
    assert (card.of("th"), card.of("td")) == (["known"], ["1.235"])
    assert card.of("summary") == ["names (30)"]
    assert card.of("li") == ["0", "1", "2", "… and 27 more"]
    assert "<details open>" not in html
    assert "<details open>" in list_html("names", range(3))


def test_no_colour_is_fixed_so_that_light_and_dark_pages_are_both_readable() -> None:
    style = shown(table_html([{"a": 1}])).style
    assert "currentColor" in style
    assert not re.search(r"#[0-9a-f]{3}|rgba?\(|hsl|\b(black|white|gr[ae]y)\b(?!-)", style)


# What has one


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemorySystem]:
    """A memory of a small live model, with a stop, two checkpoints, and a hostile description."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(8, 4), torch.nn.Linear(4, 8, bias=False))
    model[1].weight = model[0].weight
    with MemorySystem(tmp_path_factory.mktemp("notebook") / "research.db") as memory:
        memory.attach(model, name="tied")
        memory.define_metric("loss", better="lower")
        memory.checkpoint(HOSTILE, benchmarks={"loss": 2.5})
        with memory.edit("1.weight", method="scale") as weight:
            weight.mul_(1.01)
        memory.checkpoint("after", benchmarks={"loss": 2.25})
        memory.record_modification("0.weight", description=HOSTILE)
        memory.safety.emergency_stop(HOSTILE)
        yield memory


def test_a_sharing_map_tells_what_is_one_tensor_what_overlaps_and_what_is_derived() -> None:
    sharing = SharingMap.from_relations(
        names=["a", "b", "c", HOSTILE], same=[["a", "b"]], partial=[("b", "c")], derived={"d": ["c"]}
    )
    map_shown = shown(sharing)
    assert map_shown.of("li") == ["a = b", "d from c"]
    assert "a, c" in map_shown.of("td")
    assert "partial" in map_shown.of("td")
    assert "no two names share bytes" in shown(SharingMap.from_relations(names=["a"])).words
    other = SharingMap.from_relations(names=["a", "b", "c", "e"])
    assert "a and b" in shown(sharing.diff(other)).of("li")
    assert "nothing" in shown(sharing.diff(sharing)).words


def test_an_answer_shows_its_rows_and_what_was_asked() -> None:
    answer = QueryResult([{"layer": HOSTILE, "writes": 1}], metadata={"question": "writes", "model": None})
    assert shown(answer).of("caption") == ["1 row, question: writes"]
    assert shown(answer).of("th") == ["layer", "writes"]
    assert "0 rows" in shown(QueryResult()).words


def test_the_memory_tells_what_it_holds_and_that_it_is_stopped(memory: MemorySystem, tmp_path: Path) -> None:
    card = shown(memory)
    assert card.of("caption") == ["Palimpsest memory"]
    assert {"tied", str(memory.store.head().position)} <= set(card.of("td"))
    assert card.of("summary") == ["EMERGENCY STOPS (1)"]
    with MemorySystem(tmp_path / "empty.db") as other:
        assert "none attached yet" in shown(other).words
    assert "was closed" in shown(other).words


def test_reports_tell_what_changed_and_what_is_wrong(memory: MemorySystem) -> None:
    report = memory.consolidate()
    assert f"new ({len(report.new)})" in shown(report).of("summary")
    assert "nothing" in shown(memory.consolidate()).words
    assert "whole" in shown(memory.verify()).of("td")


def test_checkpoints_tell_what_they_scored_and_two_of_them_what_differs(memory: MemorySystem) -> None:
    first, second = sorted(memory.checkpoints.list_checkpoints(), key=lambda each: each.position)
    assert {"loss", "2.5"} <= set(shown(first).of("td"))
    comparison = memory.checkpoints.compare_checkpoints(first.checkpoint_id, second.checkpoint_id)
    assert isinstance(comparison, CheckpointComparison)
    assert shown(comparison).of("li")[0].startswith("0.weight = 1.weight: |change|")
    assert "second" in shown(comparison).of("td")


def test_verdicts_and_alerts_tell_why(memory: MemorySystem) -> None:
    verdict = shown(memory.safety.check_modification("0.weight"))
    assert verdict.of("caption") == ["May 0.weight be written?"]
    assert "DENY" in verdict.of("td")
    assert "1.weight" in verdict.of("td")
    alert = shown(memory.safety.get_recent_alerts(level="emergency")[0])
    assert alert.of("caption")[0].startswith("emergency: ")
    assert "yes, until it is cleared" in alert.of("td")


def test_lists_of_checkpoints_and_of_alerts_are_answers_too(memory: MemorySystem) -> None:
    checkpoints = memory.checkpoints.list_checkpoints()
    assert shown(checkpoints).of("caption") == ["2 rows, question: checkpoints"]
    assert list(checkpoints.to_pandas()["checkpoint_id"]) == [each.checkpoint_id for each in checkpoints]
    alerts = memory.safety.get_recent_alerts()
    assert "emergency" in shown(alerts).of("td")
    assert memory.safety.get_recent_alerts(level="info").to_pandas().columns[0] == "level"

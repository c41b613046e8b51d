"""The demo, end to end, on small models: what it records, what it says, and how it goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from introspection.errors import PalimpsestError
from memory import MemorySystem
from memory.cli.demo import run
from memory.cli.demo.run import Settings, run_demo


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A tied Qwen2 with a vocabulary of bytes, as save_pretrained leaves it."""
    torch.manual_seed(5)
    config = Qwen2Config(
        vocab_size=256,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(config).save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def demo(capsys: pytest.CaptureFixture[str], database: str, model: Path | None, **options: object) -> dict[str, object]:
    """Run the demo and give its JSON answer."""
    chosen = {"acts": 30, "seed": 3, "placebo": False, "naive": False} | options
    run_demo(Settings(database=database, model=model, **chosen), as_json=True)  # type: ignore[arg-type]
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


def test_it_records_one_event_per_edit_of_tied_weights(
    database_url: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = demo(capsys, database_url, checkpoint, naive=True)
    with MemorySystem(database_url) as memory:
        writes = memory.query_sql(
            "SELECT act_id, count(*) AS events FROM modifications WHERE reverts IS NULL GROUP BY act_id"
        )
        coupled = memory.query_sql(
            "SELECT DISTINCT primary_layer FROM modifications WHERE event_type = 'coupled_modification'"
        )
        assert memory.verify().ok
    assert [row["events"] for row in writes] == [1] * 30
    assert {row["primary_layer"] for row in coupled} == {"lm_head.weight", "model.embed_tokens.weight"}
    assert told["events"]["metrics_recorded"] == 60  # type: ignore[index]
    assert [claim["strength"] for claim in told["naive"]][-1] == "correlation 1.000"  # type: ignore[attr-defined]


def test_it_undoes_what_it_does_not_keep(sqlite_url: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo(capsys, sqlite_url, checkpoint)
    with MemorySystem(sqlite_url) as memory:
        kept = memory.query_sql(
            "SELECT count(*) AS n FROM modifications WHERE reverts IS NULL AND changed AND act_id NOT IN "
            "(SELECT reverts FROM modifications WHERE reverts IS NOT NULL) AND abs(dose) > 0.06"
        )
    assert kept[0]["n"] == 0


def test_placebos_teach_nothing_about_writes(
    sqlite_url: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = demo(capsys, sqlite_url, checkpoint, acts=60, placebo=True)
    with MemorySystem(sqlite_url) as memory:
        asked = {row["kind"] for row in memory.query_sql("SELECT kind FROM families")}
    # What changed no byte is not even a question.
    assert not asked & {"effect", "impact"}
    # That loss and accuracy of one sample go together is true, and no doing of the placebos.
    assert {pattern["kind"] for pattern in told["patterns"]} <= {"metric_pair"}  # type: ignore[attr-defined]
    assert len(told["theories"]) == len(told["patterns"])  # type: ignore[arg-type]
    earned = [belief for belief in told["beliefs"] if belief["source"] == "earned"]  # type: ignore[attr-defined]
    assert {belief["kind"] for belief in earned} <= {"metric_pair"}
    assert [belief["source"] for belief in told["beliefs"] if belief["source"] not in ("earned", "shipped")] == [  # type: ignore[attr-defined]
        "architecture"
    ]


def test_another_run_on_the_same_database_goes_on_with_the_same_history(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "TRAINING_STEPS", 2)
    demo(capsys, sqlite_url, None, acts=20)
    told = demo(capsys, sqlite_url, None, acts=10)
    with MemorySystem(sqlite_url) as memory:
        samples = memory.query_sql("SELECT count(DISTINCT sample) AS n FROM metrics")
        attached = memory.query_sql("SELECT position FROM events WHERE event_type = 'model_attached'")
    # the weights were kept as the log last had them: equal bytes resume, and nothing has to be recorded about that
    assert [row["position"] for row in attached] == [1]
    assert "unattributed_write" not in told["events"]  # type: ignore[operator]
    assert samples[0]["n"] == 30


def test_a_model_of_ones_own_starts_again_from_its_checkpoint_and_that_is_on_record(
    sqlite_url: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo(capsys, sqlite_url, checkpoint, acts=60)
    told = demo(capsys, sqlite_url, checkpoint, acts=5)
    with MemorySystem(sqlite_url) as memory:
        attached = memory.query_sql(
            "SELECT position, payload ->> 'state_of' AS state FROM events "
            "WHERE event_type = 'model_attached' ORDER BY position"
        )
        kept = memory.query_sql(
            "SELECT min(position) AS first FROM modifications WHERE abs(dose) BETWEEN 0.01 AND 0.06"
        )
    # the first run kept some edits, so its end is another state; the checkpoint is the state before the first of them
    assert attached[0]["state"] is None
    assert 1 <= attached[1]["state"] < kept[0]["first"] < attached[1]["position"]
    assert "unattributed_write" not in told["events"]  # type: ignore[operator]


def test_it_tells_the_story_in_words(sqlite_url: str, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_demo(Settings(sqlite_url, 20, 0, checkpoint, False, True), as_json=False)
    told = capsys.readouterr().out
    for part in (
        "What was recorded",
        "one event each",
        "What was learned",
        "dropped as architecture",
        "Beliefs",
        "Try",
    ):
        assert part in told
    assert "patterns between lm_head.weight and model.embed_tokens.weight: 0" in told
    assert "one record per name" in told


def test_a_checkpoint_that_cannot_be_used_leaves_no_record_behind(tmp_path: Path) -> None:
    with pytest.raises(PalimpsestError, match=r"config\.json"):
        run_demo(Settings(str(tmp_path / "demo.db"), 5, 0, tmp_path, False, False), as_json=True)
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_makes_the_same_run_and_another_seed_another(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = []
    for number, seed in enumerate((3, 3, 4)):
        database = str(tmp_path / f"{number}.db")
        demo(capsys, database, checkpoint, acts=15, seed=seed)
        with MemorySystem(database) as memory:
            values = memory.query_sql("SELECT sample, metric, value FROM metrics ORDER BY position, metric")
            writes = memory.query_sql("SELECT act_id, primary_layer, method, dose FROM modifications ORDER BY position")
        runs.append((values, writes))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]
    assert runs[0][1] != runs[2][1]

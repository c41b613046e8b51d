"""`palimpsest checkpoints` and `export-weights`, on a small real Qwen2 whose head and embedding are one tensor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner

from memory import MemorySystem, SafetySettings
from memory.cli.app import app
from memory.errors import InvalidArgument, RestoreError

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.real_architectures import qwen2  # noqa: E402

torch.set_num_threads(1)


def palimpsest(*words: str | Path) -> Any:
    found = CliRunner().invoke(app, [str(word) for word in words])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: tensor.detach().numpy().tobytes() for name, tensor in model.state_dict().items()}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A record of three states of a model; what each of them held, and a checkpoint of the middle one."""
    path = tmp_path_factory.mktemp("record") / "research.db"
    torch.manual_seed(0)
    model = qwen2()
    # What safety warns of would have positions of its own.
    quiet = SafetySettings(ignore=("norm_ratio", "share_of_model"))
    with MemorySystem(path, durability="normal", safety=quiet) as memory:
        memory.attach(model, name="qwen", baseline="full")
        states = {1: bits(model)}
        for _ in range(2):
            with memory.edit("lm_head.weight", method="noise") as weight:
                weight[1] += torch.randn_like(weight[1])
            states[memory.store.head().position] = bits(model)
            saved = memory.checkpoints.save_checkpoint(description="after", tags=["good"], benchmarks={"loss": 2.0})
        memory.checkpoints.delete_checkpoint("after-0002", "room")
        yield {"path": path, "states": states, "checkpoint": "after-0001", "folder": memory.checkpoints.path_of(saved)}


def test_a_checkpoint_is_loaded_by_plain_transformers(record: dict[str, Any]) -> None:
    found = json.loads(palimpsest("checkpoints", "-d", record["path"], "--json").stdout)
    loaded = AutoModelForCausalLM.from_pretrained(found[0]["path"])
    assert bits(loaded) == record["states"][2]
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


def test_checkpoints_are_listed(record: dict[str, Any]) -> None:
    shown = palimpsest("checkpoints", "-d", record["path"]).stdout
    assert "after-0001" in shown
    assert "after-0002" not in shown
    assert "after-0002" in palimpsest("checkpoints", "-d", record["path"], "--all").stdout
    for words in (("--model", "other"), ("--tag", "good", "--tag", "bad")):
        assert json.loads(palimpsest("checkpoints", "-d", record["path"], "--json", *words).stdout) == []


@pytest.mark.parametrize("state", ["2", "after-0001"])
def test_an_earlier_state_is_written_from_the_record_alone(record: dict[str, Any], tmp_path: Path, state: str) -> None:
    from safetensors.torch import load_file

    out = palimpsest("export-weights", state, tmp_path / "w.safetensors", "--model", "qwen", "-d", record["path"])
    assert out.exit_code == 0
    held = record["states"][2]
    for name, tensor in load_file(tmp_path / "w.safetensors").items():
        assert name not in held or tensor.numpy().tobytes() == held[name]


def test_with_a_configuration_plain_transformers_loads_it_tied(record: dict[str, Any], tmp_path: Path) -> None:
    config = Path(record["folder"]).with_name(record["checkpoint"])
    done = palimpsest(
        *("export-weights", "1", tmp_path / "out", "--model", "qwen", "--config-from", config),
        *("-d", record["path"], "--json"),
    )
    assert json.loads(done.stdout)["path"] == str(tmp_path / "out")
    loaded, said = AutoModelForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(said.values())
    assert bits(loaded) == record["states"][1]
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


def test_a_configuration_of_another_architecture_is_refused(record: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    other = qwen2(num_hidden_layers=1)
    other.save_pretrained(tmp_path / "other")
    with pytest.raises(InvalidArgument, match="like"):
        palimpsest(
            *("export-weights", "1", tmp_path / "out", "--model", "qwen", "--config-from", tmp_path / "other"),
            *("-d", record["path"]),
        )
    assert not (tmp_path / "out").exists()


def test_what_was_never_there_is_said(record: dict[str, Any], tmp_path: Path) -> None:
    for state, model in (("nothing", "qwen"), ("1", "nobody")):
        with pytest.raises(RestoreError):
            palimpsest("export-weights", state, tmp_path / "w.safetensors", "--model", model, "-d", record["path"])
    assert list(tmp_path.iterdir()) == []


def test_verify_rereads_checkpoints(record: dict[str, Any]) -> None:
    done = json.loads(palimpsest("verify", "--weights", "-d", record["path"], "--json").stdout)
    assert (done["ok"], done["checkpoints"]) == (True, 1)
    (file,) = (path for path in Path(record["folder"]).with_name("after-0001").glob("model*"))
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        done = palimpsest("verify", "--weights", "-d", record["path"])
        assert done.exit_code == 1
        assert "checkpoint 'after-0001': tensor" in done.stdout
    finally:
        file.write_bytes(content)

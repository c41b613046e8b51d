from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from memory.cli.demo import experiment, model, text
from memory.cli.demo.experiment import PlannedEdit, Target


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def library() -> text.Text:
    return text.standard_library()


@pytest.fixture(scope="module")
def qwen() -> nn.Module:
    return model.build(0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


# --- text


def test_the_text_is_split_by_whole_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / f"module{index:02}.py").write_bytes(bytes([index]) * 20_000)
    (tmp_path / "_sysconfigdata_here.py").write_bytes(b"\xff" * 20_000)
    split = text.standard_library(folder=tmp_path)
    assert list(dict.fromkeys(split.held_out.tolist())) == [9, 19]
    assert list(dict.fromkeys(split.train.tolist())) == [*range(9), *range(10, 19)]


def test_this_machine_has_enough_text_of_bytes(library: text.Text) -> None:
    assert len(library.train) > 5 * len(library.held_out) > 0
    assert bytes(library.train[:200].tolist()).decode()


def test_without_sources_the_error_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text("pass\n")
    with pytest.raises(text.MissingText, match="5 bytes") as caught:
        text.standard_library(folder=tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_sample_is_a_function_of_the_generator_and_comes_from_the_held_out_part() -> None:
    source = text.Text(train=torch.zeros(50, dtype=torch.uint8), held_out=torch.arange(100, 200, dtype=torch.uint8))
    first = source.sample(generator(1), 4, 10)
    assert first.shape == (4, 10)
    assert first.dtype == torch.int64
    assert torch.equal(first, source.sample(generator(1), 4, 10))
    assert not torch.equal(first, source.sample(generator(2), 4, 10))
    assert torch.equal(first - first[:, :1], torch.arange(10).expand(4, 10))
    assert int(first.min()) >= 100


def test_a_window_may_be_the_whole_text_and_not_longer() -> None:
    tokens = torch.arange(7)
    assert text.windows(tokens, generator(), 1, 7).tolist() == [list(range(7))]
    with pytest.raises(ValueError, match="8 tokens"):
        text.windows(tokens, generator(), 1, 8)


# --- model


def test_the_model_is_tied_and_decided_by_its_seed_alone(qwen: nn.Module) -> None:
    before = torch.random.get_rng_state()
    again, other = model.build(0), model.build(1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in qwen.state_dict().items())
    names = dict(qwen.named_parameters(remove_duplicate=False))
    assert names["lm_head.weight"] is names["model.embed_tokens.weight"]
    assert not torch.equal(names["lm_head.weight"], dict(other.named_parameters())["model.embed_tokens.weight"])


def test_training_learns_and_repeats_itself(library: text.Text) -> None:
    losses: list[float] = []
    models = [model.build(3), model.build(3)]
    ends = [
        model.train(trained, library, 5, steps=8, progress=lambda _step, _steps, loss: losses.append(loss))
        for trained in models
    ]
    assert ends == [losses[7], losses[15]]
    assert losses[:8] == losses[8:]
    assert losses[7] < losses[0] - 0.5
    assert not models[0].training
    assert all(torch.equal(a, b) for a, b in zip(*(trained.parameters() for trained in models), strict=True))


def test_evaluation_of_an_indifferent_model_is_known_in_advance(library: text.Text) -> None:
    indifferent = model.build(0)
    with torch.no_grad():
        dict(indifferent.named_parameters())["model.embed_tokens.weight"].zero_()
    tokens = library.sample(generator(), 2, 32)
    metrics = model.evaluate(indifferent, tokens)
    assert metrics["loss"] == pytest.approx(math.log(256), abs=1e-5)
    assert metrics["entropy"] == pytest.approx(math.log(256), abs=1e-5)
    assert metrics["accuracy"] == pytest.approx(float((tokens[:, 1:] == 0).float().mean()))


def test_evaluation_agrees_with_the_models_own_loss_and_changes_nothing(qwen: nn.Module, library: text.Text) -> None:
    before = state(qwen)
    tokens = library.sample(generator(), 3, 24)
    metrics = model.evaluate(qwen, tokens)
    assert metrics == model.evaluate(qwen, tokens)
    with torch.no_grad():
        assert metrics["loss"] == pytest.approx(float(qwen(input_ids=tokens, labels=tokens).loss), abs=1e-5)
    assert all(torch.equal(before[name], tensor) for name, tensor in qwen.state_dict().items())


def test_a_saved_model_loads_as_it_was_and_is_fed_bytes(qwen: nn.Module, library: text.Text, tmp_path: Path) -> None:
    qwen.save_pretrained(tmp_path)  # type: ignore[operator]
    loaded, encode = model.load(tmp_path)
    assert encode is None
    tokens = library.sample(generator(), 1, 16)
    assert model.evaluate(loaded, tokens) == model.evaluate(qwen, tokens)


def test_a_checkpoints_own_tokenizer_is_used(qwen: nn.Module, tmp_path: Path) -> None:
    from tokenizers import pre_tokenizers
    from transformers import Qwen2Tokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate([*alphabet, "im", "port"])}
    merges = [("i", "m"), ("o", "r"), ("p", "or"), ("por", "t")]
    vocabulary |= {"or": 258, "por": 259}
    qwen.save_pretrained(tmp_path)  # type: ignore[operator]
    Qwen2Tokenizer(vocab=vocabulary, merges=merges).save_pretrained(tmp_path)
    _, encode = model.load(tmp_path)
    assert encode is not None
    assert list(encode(b"import")) == [vocabulary["im"], vocabulary["port"]]


def test_a_folder_without_a_usable_model_is_refused_with_the_reason(tmp_path: Path) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    with pytest.raises(model.UnusableCheckpoint, match="no such folder"):
        model.load(tmp_path / "nowhere")
    with pytest.raises(model.UnusableCheckpoint, match=r"no config\.json"):
        model.load(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "no-such-architecture"}')
    with pytest.raises(model.UnusableCheckpoint, match="no-such-architecture"):
        model.load(tmp_path)
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    small = Qwen2ForCausalLM(Qwen2Config(vocab_size=100, num_key_value_heads=2, **shape))
    small.save_pretrained(tmp_path / "small")
    with pytest.raises(model.UnusableCheckpoint, match="100 tokens are too few"):
        model.load(tmp_path / "small")
    (tmp_path / "small" / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(model.UnusableCheckpoint, match="transformers says"):
        model.load(tmp_path / "small")


# --- experiment


def test_the_targets_are_both_embeddings_and_parts_of_every_depth(qwen: nn.Module) -> None:
    targets = {target.name: target for target in experiment.choose_targets(qwen)}
    assert len(targets) == experiment.MOST_TARGETS
    assert {"lm_head.weight", "model.embed_tokens.weight", "model.norm.weight"} <= set(targets)
    for layer in range(model.LAYERS):
        assert targets[f"model.layers.{layer}.self_attn.o_proj.weight"].heads == model.HEADS
    assert targets["model.norm.weight"].heads == 0


def test_another_architecture_has_targets_by_its_own_names() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=16, n_layer=3, n_head=2))
    names = [target.name for target in experiment.choose_targets(gpt2)]
    assert names[:3] == ["lm_head.weight", "transformer.wte.weight", "transformer.ln_f.weight"]
    assert "transformer.h.2.mlp.c_proj.weight" in names
    assert all(target.heads == 0 for target in experiment.choose_targets(gpt2))


def test_where_no_name_is_known_the_largest_matrices_are_chosen() -> None:
    strange = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(9, 9), "c": nn.Linear(5, 5)})
    assert [target.name for target in experiment.choose_targets(strange, most=2)] == ["b.weight", "c.weight"]


def test_every_round_of_the_plan_aims_at_every_target_once(qwen: nn.Module) -> None:
    targets = experiment.choose_targets(qwen)
    edits = list(experiment.plan(0, targets, 450))
    for start in range(0, len(edits), len(targets)):
        assert {edit.name for edit in edits[start : start + len(targets)]} == {target.name for target in targets}
    assert len(edits) == 450
    methods = Counter(edit.method for edit in edits)
    assert methods["scale"] > 350
    assert set(methods) == {"scale", "noise", "rank_one", "zero_head", "placebo"}


def test_a_longer_plan_begins_with_the_shorter_and_another_seed_differs(qwen: nn.Module) -> None:
    targets = experiment.choose_targets(qwen)
    assert list(experiment.plan(7, targets, 40)) == list(experiment.plan(7, targets, 90))[:40]
    assert list(experiment.plan(7, targets, 40)) != list(experiment.plan(8, targets, 40))


def test_only_small_scalings_are_kept(qwen: nn.Module) -> None:
    kept = [edit for edit in experiment.plan(1, experiment.choose_targets(qwen), 450) if edit.keep]
    assert len(kept) > 5
    assert {(edit.method, edit.dose) for edit in kept} == {("scale", experiment.KEPT_DOSE)}


def test_a_placebo_plan_aims_alike_and_changes_no_byte(qwen: nn.Module) -> None:
    targets = experiment.choose_targets(qwen)
    placebos = list(experiment.plan(2, targets, 60, placebo_only=True))
    assert [edit.name for edit in placebos] == [edit.name for edit in experiment.plan(2, targets, 60)]
    before, parameters = state(qwen), dict(qwen.named_parameters(remove_duplicate=False))
    for number, edit in enumerate(placebos):
        assert (edit.method, edit.dose, edit.keep) == ("placebo", 0.0, False)
        experiment.apply(parameters[edit.name], edit, -1, experiment.act_generator(2, number))
    assert all(torch.equal(before[name], tensor) for name, tensor in qwen.state_dict().items())


def test_a_plan_without_targets_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one target"):
        next(experiment.plan(0, (), 1))


def test_each_act_has_its_own_randomness_and_repeats_it() -> None:
    draws = [torch.randn(3, generator=experiment.act_generator(*pair)).tolist() for pair in [(0, 1), (0, 2), (1, 1)]]
    assert draws[0] == torch.randn(3, generator=experiment.act_generator(0, 1)).tolist()
    assert draws[0] != draws[1] != draws[2] != draws[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scaling_multiplies_by_the_reference_dose_and_the_coin(dtype: torch.dtype) -> None:
    for sign in (1, -1):
        weight = torch.full((4, 4), 2.0, dtype=dtype)
        experiment.apply(weight, PlannedEdit("w", "scale", 1.0, keep=False), sign, generator())
        assert torch.equal(weight, torch.full_like(weight, 2.0 * (1 + sign * experiment.SCALE)))


@pytest.mark.parametrize("method", ["noise", "rank_one"])
def test_a_fresh_direction_has_its_size_and_turns_round_with_the_coin(method: experiment.Method) -> None:
    original = torch.randn(40, 30, generator=generator(9))
    changes = []
    for sign in (1, -1):
        weight = nn.Parameter(original.clone())
        experiment.apply(weight, PlannedEdit("w", method, 1.0, keep=False), sign, generator(4))
        changes.append(weight.detach() - original)
    assert torch.allclose(changes[0], -changes[1], atol=1e-5)
    assert float(changes[0].norm() / original.norm()) == pytest.approx(0.5, rel=0.1)
    assert (int(torch.linalg.matrix_rank(changes[0], rtol=1e-3)) == 1) == (method == "rank_one")


def test_zeroing_a_head_zeroes_its_columns_and_no_other() -> None:
    targets = [Target("w", (6, 8), head_width=2)]
    edit = next(edit for edit in experiment.plan(0, targets, 500) if edit.method == "zero_head")
    weight = torch.ones(6, 8)
    experiment.apply(weight, edit, 1, generator())
    assert edit.columns is not None
    zeroed = [column for column in range(8) if not weight[:, column].any()]
    assert zeroed == list(range(*edit.columns))
    assert edit.columns[0] % 2 == 0
    assert float(weight.sum()) == 36


def test_an_edit_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    weight = torch.ones(3)
    scale = PlannedEdit("w", "scale", 1.0, keep=False)
    with pytest.raises(ValueError, match="a coin is"):
        experiment.apply(weight, scale, 0, generator())
    with pytest.raises(ValueError, match="needs a matrix"):
        experiment.apply(weight, PlannedEdit("w", "rank_one", 1.0, keep=False), 1, generator())
    with pytest.raises(ValueError, match="no columns"):
        experiment.apply(
            torch.ones(3, 3), PlannedEdit("w", "zero_head", 1.0, keep=False, columns=(2, 4)), 1, generator()
        )
    assert torch.equal(weight, torch.ones(3))

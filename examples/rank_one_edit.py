"""Rewrite a fact in a model's weights with a rank-one edit, see what else it changed, and take it back.

A small tied Qwen2 learns 48 made-up facts: who lives where, who works as what, and which city is in which country. Then
one of them is rewritten, in two ways:

1. In the `down_proj` that holds it, the way ROME does. Causal tracing finds the layer: the subject is blurred, and the
   MLP whose output brings the fact back holds it. Its input at the subject's last token is the key k, a new value v is
   optimised for the new object, and the weight becomes W + (v - Wk)(C⁻¹k)ᵀ / (kᵀC⁻¹k), C being the second moment of all
   keys: the smallest change, as those keys see it, that maps k to v.
2. In the `lm_head`, by the same closed form with the final state as the key. That weight is tied: its rows are the
   embedding, so the rewrite changes how the model *reads* the two cities too. The record says so: the event is a
   `coupled_modification` that names `model.embed_tokens.weight`, and facts that begin with a city show it.

Each rewrite is one act with an evaluation before and after it, and is undone bit for bit.

Run: python examples/rank_one_edit.py [--quick] (seconds on one core; writes rank_one_edit.db where it is run)

Source: Meng et al. 2022, "Locating and Editing Factual Associations in GPT" (ROME, arXiv 2202.05262); Meng et al. 2023,
"Mass-Editing Memory in a Transformer" (MEMIT, arXiv 2210.07229), which spreads the same least squares over many facts.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from memory import MemorySystem

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
FIRST, LAST, CITIES, JOBS, COUNTRIES, FILLERS = 5, 4, 8, 8, 4, 10
LIVES_IN, WORKS_AS, IS_IN, BEGIN = range(4)
_FIRST_CITY = 4 + FIRST + LAST
_FIRST_JOB = _FIRST_CITY + CITIES
_FIRST_COUNTRY = _FIRST_JOB + JOBS
_FIRST_FILLER = _FIRST_COUNTRY + COUNTRIES
VOCABULARY = _FIRST_FILLER + FILLERS
SUBJECT_END, ANSWER = 3, 4
"""Places in a prompt: begin, filler, subject, subject, relation."""


class Fact(NamedTuple):
    """A subject of two tokens, a relation and what it leads to."""

    subject: tuple[int, int]
    relation: int
    leads_to: int


def made_up_facts() -> list[Fact]:
    """Make up who lives where, who works as what, and where the cities are."""
    draw = torch.Generator().manual_seed(3)

    def one_of(number: int) -> int:
        return int(torch.randint(number, (), generator=draw))

    people = [(4 + first, 4 + FIRST + last) for first, last in itertools.product(range(FIRST), range(LAST))]
    facts = [Fact(person, LIVES_IN, _FIRST_CITY + one_of(CITIES)) for person in people]
    facts += [Fact(person, WORKS_AS, _FIRST_JOB + one_of(JOBS)) for person in people]
    cities = range(_FIRST_CITY, _FIRST_CITY + CITIES)
    return facts + [Fact((city, city), IS_IN, _FIRST_COUNTRY + one_of(COUNTRIES)) for city in cities]


def prompts(facts: list[Fact], fillers: Tensor) -> Tensor:
    """Write facts as token ids, the answer left out."""
    rows = [[BEGIN, int(filler), *fact.subject, fact.relation] for fact, filler in zip(facts, fillers, strict=True)]
    return torch.tensor(rows)


def fillers(number: int, seed: int) -> Tensor:
    """Draw the token that a prompt begins with, and that means nothing."""
    return torch.randint(_FIRST_FILLER, VOCABULARY, (number,), generator=torch.Generator().manual_seed(seed))


def trained_model(facts: list[Fact], steps: int) -> Qwen2ForCausalLM:
    """Train a small tied Qwen2 until it knows the facts."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    model = Qwen2ForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    answers = torch.tensor([fact.leads_to for fact in facts])
    for step in range(steps):
        optimizer.zero_grad()
        logits = model(input_ids=prompts(facts, fillers(len(facts), step))).logits[:, ANSWER]
        nn.functional.cross_entropy(logits, answers).backward()
        optimizer.step()
    return model.eval()


@contextmanager
def changed(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Change what a module gives out, for as long as the block lasts."""
    handle = module.register_forward_hook(lambda module, inputs, output: change(output))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def seen(module: nn.Module) -> Iterator[list[Tensor]]:
    """Gather what a module is given."""
    found: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda module, inputs: found.append(inputs[0].detach()))
    try:
        yield found
    finally:
        handle.remove()


@torch.no_grad()
def layer_that_holds(model: Qwen2ForCausalLM, facts: list[Fact]) -> int:
    """Find the layer whose MLP, at the subject's last token, brings back facts whose subject was blurred."""
    tokens, answers = prompts(facts, fillers(len(facts), 1)), torch.tensor([fact.leads_to for fact in facts])
    noise = 3 * model.model.embed_tokens.weight.std() * torch.randn(len(facts), 2, 64)

    def blur(embedded: Tensor) -> Tensor:
        embedded = embedded.clone()
        embedded[:, SUBJECT_END - 1 : SUBJECT_END + 1] += noise
        return embedded

    def chance() -> float:
        chances = model(input_ids=tokens).logits[:, ANSWER].softmax(-1)
        return float(chances[range(len(facts)), answers].mean())

    with changed(model.model.embed_tokens, blur):
        print(f"  blurred: {chance():.2f}", end="")
    recovered = []
    for number, layer in enumerate(model.model.layers):
        with seen(layer.mlp.down_proj) as keys:
            model(input_ids=tokens)
        clean = layer.mlp.down_proj(keys[0])[:, SUBJECT_END]

        def bring_back(output: Tensor, clean: Tensor = clean) -> Tensor:
            output = output.clone()
            output[:, SUBJECT_END] = clean
            return output

        with changed(model.model.embed_tokens, blur), changed(layer.mlp.down_proj, bring_back):
            recovered.append(chance())
        print(f", layer {number} brought back: {recovered[-1]:.2f}", end="")
    print()
    return max(range(len(recovered)), key=recovered.__getitem__)


def rank_one_factors(key: Tensor, residual: Tensor, moment: Tensor) -> tuple[Tensor, Tensor]:
    """Give u and w such that W + u wᵀ maps the key to W k + residual, and other keys to about what they had.

    Args:
        key: What the new value is to be found under.
        residual: What is to be added to the value under it.
        moment: The second moment of the keys that are to keep their values.
    """
    direction = torch.linalg.solve(moment + 1e-2 * moment.diagonal().mean() * torch.eye(len(key)), key)
    return residual, direction / direction.dot(key)


def optimised_residual(model: Qwen2ForCausalLM, layer: int, fact: Fact, instead: int) -> Tensor:
    """Find what to add to an MLP's output at the subject's last token for the model to give another answer."""
    residual = torch.zeros(64, requires_grad=True)
    tokens = prompts([fact] * 8, fillers(8, 2))
    optimizer = torch.optim.Adam([residual], lr=0.1)

    def add(output: Tensor) -> Tensor:
        added = torch.zeros_like(output)
        added[:, SUBJECT_END] = 1.0
        return output + added * residual

    for _ in range(60):
        optimizer.zero_grad()
        with changed(model.model.layers[layer].mlp.down_proj, add):
            logits = model(input_ids=tokens).logits[:, ANSWER]
        loss = nn.functional.cross_entropy(logits, torch.full((8,), instead)) + 1e-2 * residual.square().sum()
        (residual.grad,) = torch.autograd.grad(loss, residual)
        optimizer.step()
    return residual.detach()


class Evaluation:
    """Measures what a rewrite did: to the fact, to its neighbours, and to facts that begin with a city."""

    def __init__(self, facts: list[Fact], rewritten: Fact, instead: int) -> None:
        self._rewritten, self._instead = rewritten, instead
        self._neighbours = [fact for fact in facts if fact != rewritten and fact.relation != IS_IN]
        self._cities = [fact for fact in facts if fact.relation == IS_IN]

    @torch.no_grad()
    def __call__(self, model: Qwen2ForCausalLM) -> dict[str, float]:
        """Measure."""

        def chances(facts: list[Fact]) -> Tensor:
            return model(input_ids=prompts(facts, fillers(len(facts), 4))).logits[:, ANSWER].softmax(-1)

        def known(facts: list[Fact]) -> float:
            answers = torch.tensor([fact.leads_to for fact in facts])
            return float((chances(facts).argmax(-1) == answers).float().mean())

        (rewritten,) = chances([self._rewritten])
        return {
            "chance_of_new": float(rewritten[self._instead]),
            "chance_of_old": float(rewritten[self._rewritten.leads_to]),
            "neighbours_kept": known(self._neighbours),
            "cities_kept": known(self._cities),
        }


def rewrite(
    memory: MemorySystem,
    model: Qwen2ForCausalLM,
    name: str,
    factors: tuple[Tensor, Tensor],
    evaluate: Evaluation,
    what: str,
) -> dict[str, float]:
    """Make one rewrite in one act, evaluated before and after; undo it; give what it came to."""
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    verdict = memory.safety.check_modification(name)
    print(f"  {name}: {verdict.verdict}, coupled with {', '.join(verdict.coupled) or 'nothing'}")
    with memory.act(what) as act:
        memory.record_metrics(evaluate(model), sample="facts")
        with memory.edit(name, method="rank_one", dose=1.0, reason=what) as weight:
            weight += torch.outer(*factors)
        after = evaluate(model)
        memory.record_metrics(after, sample="facts")
    print("  " + ", ".join(f"{metric} {value:.3f}" for metric, value in after.items()))
    (written,) = act.undo()
    print(f"  undone: {written.event_type} of {', '.join(written.affected_layers)}")
    if any(not torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items()):
        raise SystemExit("undoing did not give every bit back")
    return after


def main(quick: bool = False) -> None:
    """Train, find, rewrite twice, undo twice."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    facts = made_up_facts()
    model = trained_model(facts, steps=150 if quick else 400)
    # The fact to rewrite: a person lives in the city after the one they live in.
    fact = facts[6]
    instead = _FIRST_CITY + (fact.leads_to - _FIRST_CITY + 1) % CITIES
    evaluate = Evaluation(facts, fact, instead)
    with MemorySystem("rank_one_edit.db", seed=0) as memory:
        memory.attach(model, name="qwen")
        for metric, better in (("chance_of_new", "higher"), ("neighbours_kept", "higher"), ("cities_kept", "higher")):
            memory.define_metric(metric, better=better, model="qwen")
        print(f"before: {', '.join(f'{name} {value:.3f}' for name, value in evaluate(model).items())}")

        print("which layer holds it")
        layer = layer_that_holds(model, facts[: 2 * FIRST * LAST])
        down = f"model.layers.{layer}.mlp.down_proj"
        tokens = prompts(facts, fillers(len(facts), 5))
        with seen(model.get_submodule(down)) as keys, seen(model.lm_head) as states:
            model(input_ids=tokens)
            model(input_ids=prompts([fact] * 8, fillers(8, 6)))

        print("a rewrite where the fact is held")
        all_keys = keys[0].flatten(0, 1)
        key = keys[1][:, SUBJECT_END].mean(0)
        residual = optimised_residual(model, layer, fact, instead)
        factors = rank_one_factors(key, residual, all_keys.T @ all_keys / len(all_keys))
        held = rewrite(memory, model, f"{down}.weight", factors, evaluate, "rewrite where it is held")

        print("a rewrite where the answer is read out, in a tied weight")
        all_states = states[0][:, ANSWER]
        state = states[1][:, ANSWER].mean(0)
        logits = model.lm_head(state).detach()
        residual = torch.zeros(VOCABULARY)
        residual[instead] = logits.max() - logits[instead] + 2
        residual[fact.leads_to] = -residual[instead]
        factors = rank_one_factors(state, residual, all_states.T @ all_states / len(all_states))
        read = rewrite(memory, model, HEAD, factors, evaluate, "rewrite where it is read out")

        coupled = memory.store.read(types=("coupled_modification",))
        if not all(EMBEDDING in event.payload.coupled_layers for event in coupled):
            raise SystemExit("the tied rewrite was not recorded as coupled")
        if not memory.verify().ok:
            raise SystemExit("the record is not whole")
        if not (min(held["chance_of_new"], read["chance_of_new"]) > 0.5 and held["neighbours_kept"] > 0.8):
            raise SystemExit("the rewrites did not do what they were to do")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps of training")
    Path("rank_one_edit.db").unlink(missing_ok=True)
    main(quick=parser.parse_args().quick)

"""What merging an adapter does to a model, and taking it back: in floats, and bit for bit.

A LoRA adapter sits beside the weights it adapts, until it is merged into them. This trains one on a small Qwen2 whose
`lm_head` and `embed_tokens` are one tensor, with `lm_head` among what is adapted, and shows on the record:

1. `merge_adapter` is one act: one modification for each weight, and that of `lm_head` a coupled one, since it changes
   the embedding that nobody meant to adapt.
2. While it is merged, the weights are *derived* from the adapter's tensors: a write to one of those says so.
3. `unmerge_adapter` subtracts what was added, and floats do not give the weights of before back: the fingerprints
   differ. `memory.restore` puts them back bit for bit.
4. `merge_and_unload` takes the adapter's modules out. The writes go under the names the weights have then, and
   `act.undo()` takes them back, bit for bit, though no adapter is left to unmerge.

Run: python examples/lora_merge.py [--quick] (a few seconds; writes lora_merge.db in the folder it is run in)

Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685); peft's own
`LoraLayer.merge`.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM

from memory import MemorySystem

HEAD, EMBEDDING = "lm_head", "model.embed_tokens.weight"


def tied_model() -> Qwen2ForCausalLM:
    """Make a small Qwen2 with tied embeddings."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    return Qwen2ForCausalLM(config).eval()


def adapted(model: Qwen2ForCausalLM, steps: int) -> torch.nn.Module:
    """Put an adapter beside some weights of a model, and train it."""
    peft_model = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "down_proj", HEAD]))
    optimizer = torch.optim.AdamW((each for each in peft_model.parameters() if each.requires_grad), lr=0.02)
    tokens = torch.randint(0, 64, (8, 16), generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        optimizer.zero_grad()
        peft_model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
    return peft_model


def told(memory: MemorySystem, act_id: str) -> list[str]:
    """Say what an act wrote, one line for each storage, and print it."""
    memory.consolidate()
    rows = memory.query_sql(
        "SELECT e.event_type AS kind, a.position AS at, a.layer_name AS name, a.relation AS relation"
        " FROM affected_layers a JOIN events e ON e.position = a.position WHERE e.act_id = :act"
        " ORDER BY a.position, CASE a.relation WHEN 'primary' THEN 0 ELSE 1 END, a.layer_name",
        act=act_id,
    )
    lines: dict[int, list[str]] = {}
    for row in rows:
        line = lines.setdefault(row["at"], [row["kind"]])
        line.append(row["name"] if row["relation"] == "primary" else f"({row['relation']}) {row['name']}")
    found = [" ".join(line) for line in lines.values()]
    print("\n".join(f"  {line}" for line in found))
    return found


def check(true: bool, what: str) -> None:
    """Say what was seen to hold; stop where it does not."""
    if not true:
        raise SystemExit(f"not so: {what}")
    print(f"  so it is: {what}")


def main(quick: bool = False) -> None:
    """Merge, unmerge, restore, merge for good, undo."""
    torch.set_num_threads(1)
    with warnings.catch_warnings(), MemorySystem("lora_merge.db") as memory:
        # peft advises against adapting a tied layer and merging into it, which is what this shows.
        warnings.simplefilter("ignore")
        show(memory, steps=3 if quick else 30)


def show(memory: MemorySystem, steps: int) -> None:
    """Do each of the four things, and look at the record of it."""
    model = tied_model()
    before = model.lm_head.weight.detach().clone()
    memory.attach(model, name="qwen")
    peft_model = adapted(model, steps)
    memory.verify_weights()  # the adapter's tensors are new names, and on record from here on

    print("merge_adapter")
    with memory.act("merge") as merge, memory.watch("merge", method="lora_merge") as merging:
        peft_model.merge_adapter()
    coupled = [line for line in told(memory, merge.id) if line.startswith("coupled_modification")]
    check(len(coupled) == 1 and EMBEDDING in coupled[0], "merging into lm_head wrote the embedding too")

    with memory.act("touch a factor") as touch, memory.edit("lm_head.lora_A.default.weight"):
        pass
    check(f"(derived) {EMBEDDING}" in told(memory, touch.id)[0], "while merged, the tied weight is derived from it")

    print("unmerge_adapter")
    with memory.act("unmerge") as unmerge, memory.watch("unmerge", method="lora_unmerge"):
        peft_model.unmerge_adapter()
    check(len(told(memory, unmerge.id)) == len(told(memory, merge.id)), "unmerging is on record as the merge is")
    differing = {name for entry in memory.diff(merging.began).entries for name in entry.names}
    check(EMBEDDING in differing, "it did not give the bits of before back")
    memory.restore(before=merge, reason="unmerging is not exact")
    check(torch.equal(model.lm_head.base_layer.weight, before), "memory.restore did, bit for bit")

    print("merge_and_unload")
    with memory.act("merge for good") as unload, memory.watch("merge and unload", method="lora_merge"):
        merged = peft_model.merge_and_unload()
    check(f"lm_head.weight (alias) {EMBEDDING}" in told(memory, unload.id)[0], "the writes are under the names now")
    check(merged.lm_head.weight is merged.model.embed_tokens.weight, "the tie is as it was")
    unload.undo()
    check(torch.equal(merged.lm_head.weight, before), "act.undo() gave the bits of before back, with no adapter left")
    check(memory.verify().ok, "the record is whole, and the weights are what it says")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps of training")
    Path("lora_merge.db").unlink(missing_ok=True)
    main(quick=parser.parse_args().quick)

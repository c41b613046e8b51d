"""A model that looks at its own weights, through the functions Palimpsest gives it, in a real chat template.

The loop is the whole of what an agent needs: render the conversation with the functions, let the model write, run what
it calls, tell it what came of it. The weights are those of a small Qwen2, live. Nothing can be downloaded here, and a
model so small does not converse, so by default its words are a script's, which goes by what the functions answer: it
scales its output layer, sees its embedding change with it, states what it concludes, and takes the edit back. With
`--model` the words are a real chat model's own.

    python examples/agent_loop.py
    python examples/agent_loop.py --model Qwen/Qwen2.5-3B-Instruct     # a folder or a name, if you have one
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import torch
from small_chat import small_model, small_tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from memory import MemorySystem
from memory.agent.tools import AgentTools

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
SYSTEM = "You look after your own weights, and say only what you have seen."
QUESTION = "Is your output layer a tensor of its own? Find out."
Messages = list[dict[str, Any]]
Write = Callable[[Messages, str], str]
"""Gives what a model writes, of the conversation and of the prompt it makes."""


def hold(tokenizer: PreTrainedTokenizerBase, tools: AgentTools, write: Write) -> Messages:
    """Hold a conversation: let the model write, run what it calls, tell it what came of it, until it calls nothing."""
    messages: Messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    for _ in range(8):
        prompt = tokenizer.apply_chat_template(messages, tools=tools, add_generation_prompt=True, tokenize=False)
        written = write(messages, prompt)
        calls = tools.parse(written)
        if not calls:
            return [*messages, {"role": "assistant", "content": written}]
        messages.append({"role": "assistant", "content": "", "tool_calls": [call.to_message() for call in calls]})
        messages += tools.answer(written)
    return messages


def generated(model: Any, tokenizer: PreTrainedTokenizerBase, new_tokens: int = 400) -> Write:
    """Let a model write what it writes."""

    def write(messages: Messages, prompt: str) -> str:
        inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
        with torch.no_grad():
            found = model.generate(**inputs, max_new_tokens=new_tokens, do_sample=False)
        return tokenizer.decode(found[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()

    return write


def scripted(messages: Messages, prompt: str) -> str:
    """Write as a model does that knows what to do: what to call next, by what the functions have answered."""
    answers = [json.loads(each["content"]) for each in messages if each["role"] == "tool"]
    looked = [each["l2_norm"] for each in answers if each.get("name") == EMBEDDING]
    moved = len(looked) == 2 and looked[0] != looked[1]
    look = _called("get_weight_statistics", name=EMBEDDING)
    steps = [
        look,
        _called("edit_weight", name=HEAD, operation="scale", amount=0.25, reason="does another move?", act="look"),
        look,
        _called(
            "state_hypothesis",
            kind="same_tensor",
            subject=HEAD,
            object=EMBEDDING,
            credence=0.98 if moved else 0.02,
            grounds=f"I scaled one, and the other {'moved' if moved else 'stayed'}",
        )
        + "\n"
        + _called("undo_act", act="look"),
        f"{'No' if moved else 'Yes'}. I scaled {HEAD}, and {EMBEDDING} {'moved with it' if moved else 'stayed'}; "
        "I took the edit back.",
    ]
    return steps[sum(each["role"] == "assistant" for each in messages)]


def _called(function: str, /, **arguments: Any) -> str:
    return f"<tool_call>\n{json.dumps({'name': function, 'arguments': arguments})}\n</tool_call>"


def transcript(messages: Messages, tokenizer: PreTrainedTokenizerBase, tools: AgentTools) -> str:
    """Give the conversation as a model reads it, without the functions described at its beginning."""
    text: str = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)
    before, _, rest = text.partition("<tools>")
    described, end, after = rest.partition("</tools>")
    if not end:
        return text
    number = len(tokenizer.encode(described, add_special_tokens=False))
    return f"{before}<tools>\n({len(tools)} functions, in {number} tokens)\n</tools>{after}"


def main() -> None:
    """Let a model find out about its own weights, and print the conversation."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", help="a chat model whose template takes tools: a folder, or a name on the hub")
    parser.add_argument("--quick", action="store_true", help="only the conversation")
    asked = parser.parse_args()
    if asked.model:
        tokenizer = AutoTokenizer.from_pretrained(asked.model)
        model = AutoModelForCausalLM.from_pretrained(asked.model, torch_dtype="auto").eval()
        write = generated(model, tokenizer)
    else:
        tokenizer = small_tokenizer()
        torch.manual_seed(1)
        model = small_model(tokenizer)
        write = scripted
    with MemorySystem(":memory:", actor="agent") as memory:
        memory.attach(model, name="self")
        tools = memory.agent_tools(tokenizer=tokenizer, allow_writes=True, hide_sharing=True)
        messages = hold(tokenizer, tools, write)
        print(transcript(messages, tokenizer, tools))
        print("What came of what it stated:\n" + str(memory.hypothesis_scores()))
        if not asked.quick:
            everything = memory.agent_tools(tokenizer=tokenizer, allow_writes=True)
            print("\nThe next one is told, in 300 tokens:\n" + memory.context_for_prompt(300, tokenizer=tokenizer))
            print(f"\nWith what tells of sharing there are {len(everything)} functions: {', '.join(everything.names)}")


if __name__ == "__main__":
    main()

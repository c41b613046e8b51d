"""What is characteristic of how a model is built, observed on the model: each feature with where it was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import nn

from introspection.attention_layers import AttentionLayer
from introspection.components import ACTIVATIONS, Role
from introspection.dataflow import Dataflow
from introspection.operations import OperationGraph, Step
from introspection.shapes import own_parameter
from introspection.sharing import SharingMap

_HANDING_ON = frozenset({"activation", "dropout", "identity"})


@dataclass(frozen=True, slots=True)
class Feature:
    """One observation."""

    value: str | None
    """What was found, in the words of `FEATURES`; several, sorted and joined by ` + `, where parts of the model differ;
    None if it could not be told."""
    evidence: tuple[str, ...] = ()
    """Paths of the modules, or names of the tensors, it was seen at."""
    note: str = ""
    """What else there is to say."""


@dataclass(frozen=True, slots=True)
class FeedForward:
    """A linear layer that widens, something that bends, and one that comes back."""

    into: tuple[str, ...]
    """Paths of the layers that read the block's input."""
    out: str
    """Path of the layer that makes its output."""
    gated: bool
    """Whether one half of the widened values multiplies the other. Source: Shazeer 2020, arXiv:2002.05202."""
    activation: str
    """What bends."""


FEATURES: dict[str, str] = {
    "structure": "decoder-only, encoder-only, or encoder-decoder",
    "attention": "multi-head, grouped-query, or multi-query",
    "query_key_value": "split (three projections) or fused (one)",
    "normalization": "LayerNorm, RMSNorm, BatchNorm, GroupNorm",
    "norm_placement": "pre (before each branch), post (after each addition), or pre and post of one branch (sandwich)",
    "residual": "sequential, or parallel (attention and feed-forward read one input and are added together)",
    "feed_forward": "plain or gated",
    "activation": "what bends values in the feed-forward layers",
    "experts": "yes where a router chooses among feed-forward layers, else no",
    "position": "rotary, learned, relative, or none found",
    "biases": "of the query, key and value projections: all, some, none",
    "tied_embeddings": "yes where input embedding and output layer are one storage, else no",
    "layer_reuse": "yes where one block is applied more than once, else no",
}
"""Every feature, and the values it can have."""


class Observer:
    """Observes the features of a model whose forward was followed."""

    def __init__(
        self,
        flow: Dataflow,
        modules: Mapping[str, nn.Module],
        parts: Mapping[str, Role],
        attention: Iterable[AttentionLayer],
        sharing: SharingMap,
    ) -> None:
        self._flow = flow
        self._graph: OperationGraph = flow.operations
        self._modules = modules
        self._parts = parts
        self._attention = tuple(attention)
        self._sharing = sharing

    def features(self) -> dict[str, Feature]:
        """Every feature of `FEATURES`, in its order."""
        found = {
            "structure": self._structure(),
            "attention": _summed((layer.kind, layer.path) for layer in self._attention),
            "query_key_value": _summed(
                (None if layer.fused is None else "fused" if layer.fused else "split", layer.path)
                for layer in self._attention
            ),
            "normalization": _summed(
                (role.variant, path)
                for path, role in self._parts.items()
                if role.kind == "normalization" and path in self._flow.calls
            ),
            **self._residuals(),
            **self._feed_forward(),
            "experts": self._experts(),
            "position": self._position(),
            "biases": self._biases(),
            "tied_embeddings": self._tied(),
            "layer_reuse": self._reuse(),
        }
        return {name: found[name] for name in FEATURES}

    def feed_forwards(self) -> list[FeedForward]:
        """Every feed-forward layer that the forward went through, in order of first call."""
        found: dict[str, FeedForward] = {}
        for step in self._graph.steps:
            if step.kind == "module" and self._kind(step) == "linear" and step.name not in found:
                layer = self._behind_linear(step)
                if layer is not None:
                    found[step.name] = layer
        return list(found.values())

    def _behind_linear(self, out: Step) -> FeedForward | None:
        """The feed-forward layer that ends in this linear step, if what it reads was widened and bent."""
        wide: list[Step] = []
        names: set[str] = set()
        bends: dict[str, None] = {}
        waiting, seen = list(out.sources), set(out.sources)
        while waiting:
            step = self._graph.steps[waiting.pop()]
            kind = self._kind(step)
            if step.kind == "module" and kind not in _HANDING_ON:
                wide.append(step)
                continue
            if kind == "activation":
                bends[self._parts[step.name].variant] = None
            names.update(step.operations if step.kind == "module" else (step.name,))
            if step.name in ACTIVATIONS:
                bends[step.name] = None
            fresh = [source for source in step.sources if source not in seen]
            seen.update(fresh)
            waiting.extend(fresh)
        linear = sorted((step for step in wide if self._kind(step) == "linear"), key=lambda step: step.index)
        if not bends or not linear or len(linear) != len(wide) or len(linear) > 2:
            return None
        read = {source for step in linear for source in step.sources}
        widths = {self._graph.steps[source].shape[-1:] for source in read}
        if len(read) != 1 or widths != {out.shape[-1:]}:
            return None
        gated = "mul" in names and (len(linear) == 2 or bool(names & {"chunk", "split", "getitem"}))
        return FeedForward(tuple(step.name for step in linear), out.name, gated, next(iter(bends)))

    def _feed_forward(self) -> dict[str, Feature]:
        layers = self.feed_forwards()
        if not layers and (experts := self._experts()).value == "yes":
            within = [path for path in self._parts if any(path.startswith(f"{each}.") for each in experts.evidence)]
            bends = _summed((self._parts[path].variant, path) for path in within if self._is(path, "activation"))
            return {"feed_forward": Feature(None, experts.evidence, "inside the experts"), "activation": bends}
        return {
            "feed_forward": _summed(("gated" if layer.gated else "plain", layer.out) for layer in layers),
            "activation": _summed((layer.activation, layer.out) for layer in layers),
        }

    def _structure(self) -> Feature:
        own = [layer for layer in self._attention if not layer.cross]
        crossing = [layer.path for layer in self._attention if layer.cross]
        if crossing:
            return Feature("encoder-decoder", tuple(crossing), "attention that reads another sequence")
        causal = {layer.causal for layer in own}
        paths = tuple(layer.path for layer in own)
        if causal == {True}:
            return Feature("decoder-only", paths, "every attention layer is causal")
        if causal == {False}:
            return Feature("encoder-only", paths, "no attention layer is causal")
        return Feature(None, paths, "what the attention's mask lets through is not known" if own else "no attention")

    def _residuals(self) -> dict[str, Feature]:
        placement: list[tuple[str | None, str]] = []
        order: list[tuple[str | None, str]] = []
        for index, (origin, branch) in self._graph.residuals.items():
            owner = self._graph.steps[index].owner
            ends = self._nearest(branch)
            starts = [
                step
                for step in self._followers(origin)
                if step.index < index and self._graph.reaches(step.index, branch)
            ]
            before = bool(starts) and all(self._kind(step) == "normalization" for step in starts)
            after = bool(ends) and all(self._kind(step) == "normalization" for step in ends)
            follows = self._followers(index)
            on_sum = bool(follows) and all(self._kind(step) == "normalization" for step in follows)
            if before:
                placement.append(("pre and post" if after else "pre", owner))
            elif on_sum:
                placement.append(("post", owner))
            elif self._attention:
                placement.append(("none", owner))
            order.append(("parallel" if self._is_parallel(branch) else "sequential", owner))
        return {"norm_placement": _summed(placement), "residual": _summed(order)}

    def _is_parallel(self, branch: int) -> bool:
        """Whether a branch adds what attention made to what a layer made that does not read it."""
        step = self._graph.steps[branch]
        if step.kind != "operation" or step.name != "add" or len(step.sources) != 2:
            return False
        one, other = step.sources
        sides = [self._attended(one), self._attended(other)]
        return sides[0] != sides[1]

    def _attended(self, index: int) -> bool:
        """Whether this value comes out of an attention layer, with at most its output projection after it."""
        owners = {layer.path for layer in self._attention}
        return any(
            any(path in owners for path, _ in step.scopes) or step.name in owners for step in self._nearest(index)
        )

    def _position(self) -> Feature:
        found: list[tuple[str | None, str]] = []
        for layer in self._attention:
            if layer.rotary:
                found.append(("rotary", layer.path))
            found.extend(("relative", path) for path in layer.relative)
        found.extend(("learned", step.name) for step in self._graph.steps if self._is_position(step))
        return _summed(found) if found else Feature("none found")

    def _is_position(self, step: Step) -> bool:
        """Whether a step reads a learned table with a vector for each position.

        Tables of token types are read alike, and some libraries count positions from the tokens: names tell them apart.
        """
        owner, _, last = step.name.rpartition(".")
        if step.kind == "tensor":
            learned = owner in self._modules and last in self._modules[owner]._parameters
            return learned and "pos" in last.lower()
        return self._kind(step) == "embedding" and ("pos" in last.lower() or last == "wpe")

    def _biases(self) -> Feature:
        projections = dict.fromkeys(
            path for layer in self._attention for path in (*layer.query, *layer.key, *layer.value)
        )
        held = [(own_parameter(self._modules[path], "bias") is not None, path) for path in projections]
        if not held:
            return Feature(None)
        having = tuple(path for has, path in held if has)
        value = "all" if len(having) == len(held) else "some" if having else "none"
        return Feature(value, having or tuple(projections))

    def _tied(self) -> Feature:
        tables = [step.name for step in self._graph.steps if step.kind == "module" and self._reads_ids(step)]
        heads = [
            step.name
            for _, index in self._graph.outputs
            for step in self._nearest(index)
            if self._kind(step) == "linear"
        ]
        if not tables or not heads:
            return Feature(None, note="no embedding of the input or no linear output layer")
        for table in dict.fromkeys(tables):
            for head in dict.fromkeys(heads):
                names = (f"{table}.weight", f"{head}.weight")
                if all(name in self._sharing.names for name in names) and names[1] in self._sharing.coupled(names[0]):
                    return Feature("yes", names)
        return Feature("no", (*dict.fromkeys(tables), *dict.fromkeys(heads)))

    def _reads_ids(self, step: Step) -> bool:
        return (
            self._kind(step) == "embedding"
            and any(self._graph.steps[index].kind == "input" for index in self._graph.producers(step.sources[0]))
            if step.sources
            else False
        )

    def _reuse(self) -> Feature:
        again = {path: count for path, count in self._flow.calls.items() if count > 1 and self._is_block(path)}
        outermost = [path for path in again if not any(path.startswith(f"{other}.") for other in again)]
        note = ", ".join(f"{path} is applied {again[path]} times" for path in outermost)
        return Feature("yes" if outermost else "no", tuple(outermost), note)

    def _is_block(self, path: str) -> bool:
        return any(layer.path == path or layer.path.startswith(f"{path}.") for layer in self._attention) or any(
            self._graph.steps[index].owner == path for index in self._graph.residuals
        )

    def _experts(self) -> Feature:
        paths = tuple(path for path, role in self._parts.items() if role.kind == "experts")
        return Feature("yes" if paths else "no", paths)

    def _followers(self, index: int) -> list[Step]:
        """The modules that read a value first, through operations; additions that keep it are not entered."""
        found: dict[int, Step] = {}
        waiting, seen = list(self._graph.readers[index]), set()
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            step = self._graph.steps[current]
            if step.kind == "module" and self._kind(step) not in {"dropout", "identity"}:
                found[current] = step
            elif current not in self._graph.residuals:
                waiting.extend(self._graph.readers[current])
        return [found[current] for current in sorted(found)]

    def _nearest(self, index: int) -> list[Step]:
        """The modules that made a value, looked for behind dropouts."""
        found: dict[int, Step] = {}
        waiting, seen = [index], set()
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            step = self._graph.steps[current]
            if step.kind == "module" and self._kind(step) not in {"dropout", "identity"}:
                found[current] = step
            elif step.kind in {"module", "operation"} and (current == index or current not in self._graph.residuals):
                waiting.extend(step.sources)
        return [found[current] for current in sorted(found)]

    def _kind(self, step: Step) -> str:
        return self._parts[step.name].kind if step.kind == "module" and step.name in self._parts else ""

    def _is(self, path: str, kind: str) -> bool:
        return path in self._parts and self._parts[path].kind == kind


def _summed(found: Iterable[tuple[str | None, str]]) -> Feature:
    """One feature from observations of parts: the values that occur, and every place of theirs."""
    pairs = list(found)
    counts = Counter(value for value, _ in pairs if value)
    if not counts:
        return Feature(None, tuple(dict.fromkeys(path for _, path in pairs)))
    note = ", ".join(f"{value}: {count}" for value, count in sorted(counts.items())) if len(counts) > 1 else ""
    return Feature(" + ".join(sorted(counts)), tuple(dict.fromkeys(path for value, path in pairs if value)), note)

"""The weights of a live model by every name they have: what they are, what they are like, and what shares with what."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from introspection.errors import InvalidArgument, UnsupportedStorage
from introspection.names import named_modules, named_tensors
from introspection.regions import regions_of
from introspection.relate import relate
from introspection.sharing import Relation
from introspection.weight_anomalies import Limits, counts_by_kind, find_anomalies
from introspection.weight_comparison import compare_tensors
from introspection.weight_export import Selection, select_state, write_json, write_safetensors
from introspection.weight_questions import answer_question
from introspection.weight_reader import WeightReader, matches
from introspection.weight_similarity import Metric, check_metric, rank_by_similarity
from introspection.weight_summary import size_of, summarise, summarise_values


class WeightInspector(WeightReader):
    """Answers questions about a model's weights; every answer is of this moment, whatever was tied or edited since.

    Every name works, aliases and module paths included. Results are JSON-serialisable, except where a tensor is asked
    for. Nothing of the model is written, moved or evaluated: no property, no forward.

    Args:
        model: Any torch module, on any device, `meta` included.

    Raises:
        NotAModel: `model` is no torch.nn.Module.

    Example:
        inspector = WeightInspector(model)
        inspector.get_weight_statistics("lm_head.weight")["shared_with"]  # ["model.embed_tokens.weight"]
    """

    def compare_weights(self, a: str | torch.Tensor, b: str | torch.Tensor) -> dict[str, Any]:
        """What of two weights is equal and how far apart the rest is; whether they are the same bytes at all.

        Args:
            a: A tensor name or module path; or a tensor of one's own, such as a copy made before an edit.
            b: Likewise.

        Returns:
            What `introspection.weight_comparison.compare_tensors` gives (shapes may differ: `comparable` is then False
            and `reason` says why), `same_storage`, and `shared_bytes` (0 if they share none, None if that is not
            known). If one is a module path that names several storages: `tensors`, one such dict for each tensor
            name that both have below them, `only_in_first` and `only_in_second`.

        Raises:
            UnknownName: Nothing has this name.
            UnsupportedStorage: A tensor without values, or none in an order (sparse, nested).
        """
        below = [self._several(side) for side in (a, b)]
        if isinstance(a, str) and isinstance(b, str) and any(below):
            first, second = (self._below(side) for side in (a, b))
            both = [name for name in first if name in second]
            return {
                "first": {"name": a},
                "second": {"name": b},
                "tensors": {name: self.compare_weights(first[name], second[name]) for name in both},
                "only_in_first": [name for name in first if name not in second],
                "only_in_second": [name for name in second if name not in first],
                "words": f"{a} and {b} have {len(both)} tensors of the same name",
            }
        (one, called), (other, other_called) = self._given(a, "first"), self._given(b, "second")
        result = compare_tensors(one, other, (called, other_called))
        relation = self._relation(a, b, one, other)
        result["same_storage"] = relation is not None and relation.kind == "same"
        result["shared_bytes"] = 0 if relation is None else relation.shared_bytes
        if relation is not None:
            how = {"same": "are the same bytes", "partial": "share some bytes", "unknown": "may share bytes"}
            result["words"] = f"{called} and {other_called} {how[relation.kind]}; {result['words']}"
        return result

    def find_similar_weights(self, ref: str, top_k: int = 10, metric: Metric = "correlation") -> dict[str, Any]:
        """The weights most like one of them, among those of the same shape and kind of number.

        Args:
            ref: A tensor name, or a module path that names one storage.
            top_k: The most that are listed.
            metric: `correlation` (Pearson's) or `cosine`: largest first; `l2`, the norm of the difference: smallest
                first.

        Returns:
            `reference`, `metric`, `aliases` (other names of the very same bytes: the same, not similar), `compared`
            (how many storages have a score), `similar` (for each: `name`, `names`, `score`, `compared` (elements
            finite in both) and `shares_memory`; each storage once), and `without_score` (`name`, `reason`).

        Raises:
            UnknownName: Nothing has this name.
            SeveralStorages: A module path that names more than one storage.
            UnsupportedStorage: The reference has no values, or none in an order.
            InvalidArgument: Another metric, or `top_k` below 1.
        """
        check_metric(metric)
        if top_k < 1:
            raise InvalidArgument("top_k", top_k, "ask for at least one")
        sharing = self.sharing
        tensor, name = self._given(ref, ref)
        key = sharing.storage_key(name)
        others = {each: held for each, held in self._once(sharing).items() if each != key}
        scored, without = rank_by_similarity((name, tensor), others, metric)
        coupled = set(sharing.coupled(name))
        return {
            "reference": name,
            "metric": metric,
            "aliases": [alias for alias in sharing.storages[key] if alias != name],
            "compared": len(scored),
            "similar": [
                {**each, "names": list(sharing.storages[each["name"]]), "shares_memory": each["name"] in coupled}
                for each in scored[:top_k]
            ],
            "without_score": without,
        }

    def get_weight_summary(self, *, read_values: bool = False) -> dict[str, Any]:
        """The weights as a whole, each storage counted once.

        Args:
            read_values: Also reads every value, for `values`: seconds for billions of parameters.

        Returns:
            `parameters` and `buffers` (`names`, `storages`, `elements`, `elements_by_name`, `bytes`; of parameters
            `trainable_elements`), `dtypes` and `devices` (elements of each), `shared` (names by storage key),
            `overlaps`, `bytes_saved_by_sharing`, `roles` (the same tensor of every layer: `role`, `count`,
            `num_elements`, `shapes`), `largest` (ten), `words`; and if asked for `values`: `nan_count`, `inf_count`,
            `mean`, `std`, `min`, `max`, `abs_mean` over all floating-point storages, and `unreadable`.
        """
        sharing = self.sharing
        result = summarise(named_tensors(self._scanner.model), sharing)
        if read_values:
            result["values"] = summarise_values(self._once(sharing))
        return result

    def detect_anomalies(
        self,
        names: str | Iterable[str] | None = None,
        *,
        outlier_z: float = 6.0,
        outlier_ratio: float = 1.5,
        min_siblings: int = 4,
    ) -> dict[str, Any]:
        """What looks wrong in the weights: each storage once, with every name it has.

        Kinds: `nan`, `infinite` (critical); `all_zero` and `constant` (of matrices, and of vectors whose siblings are
        not), `dead_rows` and `dead_columns` (zero throughout; the padding rows of embeddings excepted), and
        `outlier_norm`: a root mean square far from that of the same tensor in other layers (`layers.*.mlp.up.weight`),
        by the robust z-score of its logarithm. Integers and booleans are left out.

        Args:
            names: Tensor names or module paths to keep findings of; the siblings are those of the whole model.
            outlier_z: Robust z-score from which on a norm is an outlier.
            outlier_ratio: And at least this many times larger or smaller than the siblings' median.
            min_siblings: Tensors of one role below which none is called an outlier.

        Returns:
            `findings` (`name`, `names`, `kind`, `severity`, `number`, `words`, `details`; critical first), `counts`
            (by kind), `checked` (how many storages) and `unreadable` (`name`, `reason`).

        Raises:
            UnknownName: Nothing has one of the names.
            InvalidArgument: A limit out of range.
        """
        limits = Limits(outlier_z, outlier_ratio, min_siblings)
        sharing = self.sharing
        wanted = None
        if names is not None:
            each_name = [names] if isinstance(names, str) else list(names)
            wanted = {key for each in each_name for key in self._keys(sharing, each)}
        once = self._once(sharing)
        findings, checked, unreadable = find_anomalies(self._scanner.model, sharing.storages, once, limits)
        if wanted is not None:
            findings = [finding for finding in findings if finding.name in wanted]
            checked = [key for key in checked if key in wanted]
            unreadable = [each for each in unreadable if each["name"] in wanted]
        return {
            "findings": [finding.to_dict() for finding in findings],
            "counts": counts_by_kind(findings),
            "checked": len(checked),
            "unreadable": unreadable,
        }

    def query_weights(self, text: str) -> dict[str, Any]:
        """Answers a question in plain words by the method that knows: fixed rules, no guessing.

        The rules are those of `introspection.weight_questions`; a question that fits none is told what can be asked.

        Args:
            text: Such as "what shares memory with lm_head.weight?" or "is anything wrong?".

        Returns:
            `question`, `method` and `arguments` (None and {} if nothing answered), `answer`, `result`, and
            `can_answer` where nothing answered.

        Raises:
            InvalidArgument: No text.
        """
        sharing = self.sharing
        paths = {path for path, _ in named_modules(self._scanner.model) if path}
        return answer_question(self, text, frozenset(sharing.names) | paths)

    def export_weights(
        self,
        path: str | Path | None = None,
        format: str | None = None,  # noqa: A002
        *,
        filter: str = "",  # noqa: A002
    ) -> dict[str, Any]:
        """The weights outside the model, each storage once: as live tensors, as a safetensors file, or as statistics.

        A storage is kept under the name transformers loads it by, else under the first registered; what `state_dict`
        leaves out (buffers that are not persistent) is left out. A file appears whole or not at all, in the place of
        one that was there; nothing else is written. There is no format of numpy's: it has no bfloat16.

        Args:
            path: The file; None for a dict in memory.
            format: `safetensors` (with a path), `tensors` (without), or `json`: the statistics of every storage, with
                or without a path. By default what the path ends in (`.safetensors`, `.json`), or `tensors`.
            filter: As for `list_parameters`, applied to all names of a storage.

        Returns:
            With a path: `path`, `format`, `bytes`, `names` (all names of each storage, by the one it is kept under) and
            `overlaps` (kept names that share some bytes, each written whole). Without: the tensors by kept name, live
            and outside any graph; or for `json` `storages` and `unreadable`.

        Raises:
            InvalidArgument: Another format, no such folder, or a path without a format it tells.
            UnsupportedStorage: A tensor cannot be written whole (meta, sparse, a shard); nothing is written.
            OSError: The file cannot be written (a full disk); one that was there before is as it was.
        """
        chosen = _format(path, format)
        sharing = self.sharing
        selection = select_state(
            self._scanner.model, sharing, [held.name for held in named_tensors(self._scanner.model)]
        )
        selection = _filtered(selection, filter)
        tensors = self._scanner.tensors()
        if chosen == "tensors":
            return {name: tensors[name].detach() for name in selection.names}
        if chosen == "json":
            content = self._all_statistics(selection)
            if path is None:
                return content
            size = write_json(Path(path), content)
        else:
            size = write_safetensors(Path(str(path)), selection, tensors)
        return {
            "path": str(path),
            "format": chosen,
            "bytes": size,
            "names": {kept: list(names) for kept, names in selection.names.items()},
            "overlaps": [list(pair) for pair in selection.overlaps],
        }

    def _all_statistics(self, selection: Selection) -> dict[str, Any]:
        storages: dict[str, Any] = {}
        unreadable: list[dict[str, str]] = []
        for kept, names in selection.names.items():
            try:
                storages[kept] = {"names": list(names), **self.get_weight_statistics(kept)}
            except UnsupportedStorage as error:
                unreadable.append({"name": kept, "reason": error.message})
        return {"storages": storages, "unreadable": unreadable}

    def _several(self, side: str | torch.Tensor) -> bool:
        return isinstance(side, str) and len(self._keys(self.sharing, side)) > 1

    def _below(self, path: str) -> dict[str, str]:
        """Tensor names by what they are called below a module path."""
        held = self._scanner.tensors()
        return {
            name.removeprefix(path).removeprefix("."): name for name in self._names(self.sharing, path) if name in held
        }

    def _given(self, side: str | torch.Tensor, called: str) -> tuple[torch.Tensor, str]:
        if isinstance(side, torch.Tensor):
            return side, called
        return self._one(side)

    def _relation(
        self, a: str | torch.Tensor, b: str | torch.Tensor, one: torch.Tensor, other: torch.Tensor
    ) -> Relation | None:
        """How two weights share bytes; None if they share none."""
        if isinstance(a, str) and isinstance(b, str):
            sharing = self.sharing
            first, second = self._one(a)[1], self._one(b)[1]
            if first == second:
                return Relation("same", size_of(one)["num_bytes"])
            return sharing.relations.get(frozenset((first, second)))
        related = relate({"first": regions_of(one), "second": regions_of(other)})
        if related.same:
            return Relation("same", related.same[0][0])
        return related.overlaps[0][2] if related.overlaps else None


def _filtered(selection: Selection, pattern: str) -> Selection:
    names = {
        kept: members
        for kept, members in selection.names.items()
        if any(matches(member, pattern) for member in members)
    }
    return Selection(names, tuple(pair for pair in selection.overlaps if names.keys() >= set(pair)))


def _format(path: str | Path | None, given: str | None) -> str:
    if path is None:
        if given not in (None, "tensors", "json"):
            raise InvalidArgument("format", given, "without a path choose 'tensors' or 'json'")
        return given or "tensors"
    chosen = given or {".safetensors": "safetensors", ".json": "json"}.get(Path(path).suffix)
    if chosen not in ("safetensors", "json"):
        raise InvalidArgument(
            "format", given, "choose 'safetensors' or 'json', or a path that ends in .safetensors or .json"
        )
    return chosen

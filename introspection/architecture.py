"""How a model is built: what it is made of, what flows where, which weights are one, what it resembles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from introspection.architecture_questions import answer_question
from introspection.arguments import check_names, check_text
from introspection.connections import all_connections, connections_of, route
from introspection.dataflow import Dataflow
from introspection.descriptions import described, explained, module_details
from introspection.diagram import written
from introspection.drawing import drawing
from introspection.errors import InvalidArgument, NotFollowed, UnknownName
from introspection.follow import follow
from introspection.names import named_tensors
from introspection.patterns import PATTERNS, compare, pattern_named
from introspection.scan import SharingScanner
from introspection.sharing import Relation, SharingMap
from introspection.structure_key import structure_key
from introspection.view import View


class ArchitectureNavigator:
    """Describes how a model is built and what flows where in it; every answer is of this moment, and JSON-serialisable.

    Every module path and every tensor name works, aliases included; a name that does not exist raises UnknownName.

    What flows where is followed through one forward in evaluation mode, run on a copy whose tensors hold no values
    where that is possible (see `introspection.follow.follow`). Each answer says what it rests on: `source` is
    `fake_traced`, `traced`, or `module_tree` with the `reason` why no forward could be followed. The model stays as it
    was, bit for bit.

    Args:
        model: Any torch module; on any device, `meta` included.
        sample_inputs: What to call it with: a mapping of keyword arguments, a tuple of positional ones, or one value.
            None: made from the model's `config`, where it has one.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
    """

    def __init__(self, model: nn.Module, sample_inputs: Any = None) -> None:
        self._scanner = SharingScanner(model)
        self._sample_inputs = sample_inputs
        self._key: tuple[str, ...] | None = None
        self._followed: tuple[Dataflow | None, str] | None = None

    def get_architecture_summary(self) -> dict[str, Any]:
        """The facts of the model as a whole.

        Returns:
            `model_class`; `parameters` (elements with each storage counted once, the trainable ones of them, elements
            with every name counted, names, storages) and `buffers` (likewise); `num_modules` and `module_types`
            (every module object once, the model included); `layer_count` (module objects that hold tensors
            themselves); `layer_stacks` (rows of blocks of one class: path, class, count); `components` (how many
            modules play each role: see `introspection.components.Role`); `normalization` (how many of each kind);
            `attention_layers` (paths); `features` (see `introspection.features.FEATURES`; empty from the module tree);
            `reused_modules` (path to calls; None from the module tree); `dtypes` and `devices` (elements of parameters
            and buffers, each storage once); `weight_sharing` (see `weight_sharing`); `source`.
        """
        view = self._view()
        sharing = view.sharing
        return {
            "model_class": type(view.model).__name__,
            "parameters": self._counts(sharing, "parameter"),
            "buffers": self._counts(sharing, "buffer"),
            "num_modules": len(view.modules),
            "module_types": dict(Counter(type(module).__name__ for module in view.modules.values()).most_common()),
            "layer_count": sum(_holds_tensors(module) for module in view.modules.values()),
            "layer_stacks": [
                {"path": path, "module_type": type(view.modules[blocks[0]]).__name__, "count": len(blocks)}
                for path, blocks in view.stacks()
            ],
            "components": dict(Counter(role.kind for role in view.roles.values()).most_common()),
            "normalization": dict(
                Counter(role.variant for role in view.roles.values() if role.kind == "normalization").most_common()
            ),
            "attention_layers": [layer.path for layer in view.attention],
            "features": {name: feature.value for name, feature in (view.features or {}).items()},
            "reused_modules": _reused(view),
            **self._places(sharing),
            "weight_sharing": weight_sharing(sharing),
            **view.source,
        }

    def describe_layer(self, name: str | Iterable[str]) -> dict[str, Any]:
        """What a module or tensor is: a sentence (`description`) and the facts.

        Args:
            name: A module path (the model itself is ""), a tensor name, or several of them.

        Returns:
            One dict for one name (for modules see `get_module_details`); for several, one for each, by name.

        Raises:
            UnknownName: Nothing has this name.
        """
        check_names("name", name)
        view = self._view()
        return described(view, name) if isinstance(name, str) else {each: described(view, each) for each in name}

    def map_connections(self, name: str | None = None) -> dict[str, Any]:
        """What feeds what: for one module, of any size, or for all the innermost ones.

        Args:
            name: A module path or a tensor name (then of the module that holds it); None for the whole model.

        Returns:
            See `introspection.connections.connections_of` and `all_connections`. From the module tree alone no
            connection is claimed.

        Raises:
            UnknownName: Nothing has this name.
        """
        view = self._view()
        return all_connections(view) if name is None else connections_of(view, name)

    def explain_component(self, component: str) -> dict[str, Any]:
        """What a part of the model is and does, in sentences (`explanation`) with the `facts` they rest on.

        Args:
            component: A module path, a tensor name, or a kind: "attention", "normalization", "feed forward"...

        Raises:
            UnknownName: It is none of these.
        """
        check_text("component", component, "give a module path, a tensor name, or a kind such as 'attention'")
        return explained(self._view(), component)

    def query_architecture(self, text: str) -> dict[str, Any]:
        """Answers a question in plain words by fixed rules, listed in `introspection.architecture_questions.RULES`.

        Returns:
            `question`, `answered_by` (the rule; None if none fits), `answer`, `data`, `source`; and `can_answer` with
            examples where no rule fits.

        Raises:
            InvalidArgument: No text.
        """
        check_text("text", text, "ask a question in words, such as 'how many attention heads are there?'")
        if not text.strip():
            raise InvalidArgument(
                "text", text, "ask a question in words, such as 'how many attention heads are there?'"
            )
        return answer_question(self._view(), text)

    def get_weight_sharing_info(self, name: str | None = None) -> dict[str, Any]:
        """What is one and the same, told apart by how: tensors of one storage, modules under several paths, reuse.

        Args:
            name: A module path or tensor name; None for the whole model.

        Returns:
            For the model: what `weight_sharing` gives; `shared_modules` (one module object under several paths: the
            lists of them); `reused_modules` (path to calls, of modules with tensors that one forward calls more than
            once; None where no forward could be followed); `source`. For a name: `name`, `path`, `shares_weights_with`,
            `same_module_as`, `calls`, `reused` (calls > 1; None if unknown), `computed_from`, `source`.

        Raises:
            UnknownName: Nothing has this name.
        """
        view = self._view()
        if name is None:
            return {
                **weight_sharing(view.sharing),
                "shared_modules": [names for names in view.names.values() if len(names) > 1],
                "reused_modules": _reused(view),
                **view.source,
            }
        path = view.module_path(name)
        calls = view.calls(path)
        tensor = view.is_tensor(name)
        return {
            "name": name,
            "path": path,
            "shares_weights_with": list(view.sharing.coupled(name)) if tensor else view.coupled(path),
            "same_module_as": [other for other in view.names[path] if other != name] if not tensor else [],
            "calls": calls,
            "reused": None if calls is None else calls > 1,
            "computed_from": list(view.sharing.derived.get(name, ())),
            **view.source,
        }

    def generate_diagram(self, format: str = "text", *, max_boxes: int = 80) -> str:  # noqa: A002
        """A picture of the real model: what flows where, stacks of equal blocks folded into one, ties drawn.

        Args:
            format: "text", "dot" (Graphviz), "mermaid", or "svg" (self-contained, light and dark, titled).
            max_boxes: Where there would be more boxes than this, deeper modules are drawn as what holds them.

        Raises:
            InvalidArgument: There is no such format, or `max_boxes` is below 1.
        """
        if max_boxes < 1:
            raise InvalidArgument("max_boxes", max_boxes, "give a number of boxes, 1 or more")
        return written(drawing(self._view(), max_boxes), format)

    def compare_to_pattern(self, pattern: str) -> dict[str, Any]:
        """Which features of a known architecture the model has, each with where that was seen.

        Args:
            pattern: "transformer", "gpt", "bert", "albert", "t5", "llama", "mistral", "mixtral", "qwen2", "gpt_neox" or
                "vit".

        Returns:
            `pattern`, `title`; `features` (see `introspection.patterns.compare`); `found`, `differs`, `not_found` (how
            many of each); `matches` (all are found; None where no forward could be followed); `closest` (the patterns
            with the largest share of their features found, best first); `source`.

        Raises:
            InvalidArgument: No pattern has this name.
        """
        key, known = pattern_named(pattern)
        view = self._view()
        rows = compare(key, view.features)
        counts = Counter(row["status"] for row in rows)
        shares = {name: _share(compare(name, view.features)) for name in PATTERNS} if view.features else {}
        return {
            "pattern": key,
            "title": known.title,
            "features": rows,
            "found": counts["found"],
            "differs": counts["differs"],
            "not_found": counts["not_found"],
            "matches": None if view.features is None else counts["found"] == len(rows),
            "closest": sorted(shares, key=lambda name: -shares[name])[:3],
            **view.source,
        }

    def find_modules_by_type(self, module_type: str | type[nn.Module]) -> list[dict[str, Any]]:
        """Every module of a class, or in a role.

        Args:
            module_type: A class; a class's name, in any case, bases included ("Linear", "Qwen2RMSNorm"); or a role or
                its variant ("attention", "normalization", "RMSNorm").

        Returns:
            For each module object once: `path`, `names` (every path), `module_type`, `role`, `variant`, `calls`.

        Raises:
            InvalidArgument: Neither a class nor text.
        """
        if not isinstance(module_type, type):
            check_text("module_type", module_type, "give a class, its name, or a role such as 'attention'")
        view = self._view()
        attention = {layer.path for layer in view.attention}
        found: list[dict[str, Any]] = []
        for path, module in view.modules.items():
            role = view.roles[path]
            if isinstance(module_type, type):
                fits = isinstance(module, module_type)
            else:
                wanted = module_type.lower()
                bases = {base.__name__.lower() for base in type(module).__mro__[:-1]} - {"module"}
                roles = {role.kind, role.variant.lower()} | ({"attention"} if path in attention else set())
                fits = wanted in bases | roles
            if fits:
                found.append(
                    {
                        "path": path,
                        "names": view.names[path],
                        "module_type": type(module).__name__,
                        "role": role.kind,
                        "variant": role.variant,
                        "calls": view.calls(path),
                    }
                )
        return found

    def get_module_details(self, name: str) -> dict[str, Any]:
        """Everything known of one module without reading a weight: see `introspection.descriptions.module_details`.

        Args:
            name: A module path (the model itself is ""), or a tensor name: then of the module that holds it.

        Raises:
            UnknownName: Nothing has this name.
        """
        view = self._view()
        return module_details(view, view.module_path(name))

    def find_layer_path(self, name: str, to: str | None = None) -> list[str]:
        """The full paths a part of a name can mean; or, with `to`, the way values take from one module to another.

        Args:
            name: The end of a path ("q_proj", "mlp.up_proj.weight"), a pattern with `*` or `?`, or any part of a path.
            to: Another module path or tensor name; `name` must then be one too.

        Returns:
            Without `to`: every module path and tensor name that ends in `name`; if none does, those that hold it. With
            `to`: the shortest way, both ends included; [] if values take none, or no forward could be followed.

        Raises:
            UnknownName: Nothing is called that.
        """
        check_text("name", name, "give the end of a path, a pattern, or any part of a path")
        view = self._view()
        if to is not None:
            return route(view, name, to)
        known = list(
            dict.fromkeys([*(path for paths in view.names.values() for path in paths if path), *view.sharing.names])
        )
        if any(mark in name for mark in "*?"):
            found = [path for path in known if fnmatchcase(path, name)]
        else:
            found = [path for path in known if path == name or path.endswith(f".{name}")]
            found = found or [path for path in known if name and name.lower() in path.lower()]
        if not found:
            raise UnknownName(name, known)
        return found

    def _view(self) -> View:
        """The model as it is now; what was followed before is used again if nothing it depends on has changed."""
        model = self._scanner.model
        current = structure_key(model, self._sample_inputs)
        if current != self._key:
            self._key, self._followed = current, None
        return View(model, self._scanner.current(), self._follow)

    def _follow(self) -> tuple[Dataflow | None, str]:
        if self._followed is None:
            try:
                self._followed = follow(self._scanner.model, self._sample_inputs), ""
            except NotFollowed as error:
                self._followed = None, error.reason
        return self._followed

    def _counts(self, sharing: SharingMap, kind: str) -> dict[str, int]:
        named = [held for held in named_tensors(self._scanner.model) if held.kind == kind]
        once = {sharing.storage_key(held.name): held.tensor for held in named}
        counts = {
            "elements": sum(_elements(tensor) for tensor in once.values()),
            "elements_by_name": sum(_elements(held.tensor) for held in named),
            "names": len(named),
            "storages": len(once),
        }
        if kind == "parameter":
            counts["trainable_elements"] = sum(_elements(tensor) for tensor in once.values() if tensor.requires_grad)
        return counts

    def _places(self, sharing: SharingMap) -> dict[str, dict[str, int]]:
        once = {sharing.storage_key(held.name): held.tensor for held in named_tensors(self._scanner.model)}
        dtypes, devices = Counter[str](), Counter[str]()
        for tensor in once.values():
            dtypes[str(tensor.dtype).removeprefix("torch.")] += _elements(tensor)
            devices[str(tensor.device)] += _elements(tensor)
        return {"dtypes": dict(dtypes.most_common()), "devices": dict(devices.most_common())}


def weight_sharing(sharing: SharingMap) -> dict[str, Any]:
    """What a sharing map means for whoever changes weights, as JSON-serialisable facts and sentences.

    Returns:
        `has_shared_weights`; `shared_groups` (names of identical bytes); `overlaps` (pairs that share some bytes, or
        may); `derived`; `implications` (a sentence for each, in words).
    """
    groups = [sorted(group) for group in sharing.groups]
    overlaps: list[dict[str, Any]] = [
        {"names": names, "kind": relation.kind, "shared_bytes": relation.shared_bytes}
        for names, relation in _by_name(sharing)
        if relation.kind != "same"
    ]
    implications = [
        f"{' and '.join(group)} are one storage: a write under any of these names is a write to all of them"
        for group in groups
    ]
    for overlap in overlaps:
        first, second = overlap["names"]
        how = "share" if overlap["kind"] == "partial" else "may share"
        much = "some" if overlap["shared_bytes"] is None else overlap["shared_bytes"]
        implications.append(f"{first} and {second} {how} {much} bytes: a write to one can change the other")
    implications.extend(
        f"{name} is computed from {' and '.join(sources)}: it changes when they do, and cannot be written itself"
        for name, sources in sharing.derived.items()
    )
    if not groups and not overlaps:
        implications.insert(0, "no two names share memory: every name can be written on its own")
    return {
        "has_shared_weights": bool(groups or overlaps),
        "shared_groups": groups,
        "overlaps": overlaps,
        "derived": {name: list(sources) for name, sources in sharing.derived.items()},
        "implications": implications,
    }


def _by_name(sharing: SharingMap) -> list[tuple[list[str], Relation]]:
    return sorted(
        ((sorted(pair), relation) for pair, relation in sharing.relations.items()), key=lambda entry: entry[0]
    )


def _elements(tensor: torch.Tensor) -> int:
    return 0 if is_lazy(tensor) else tensor.numel()


def _holds_tensors(module: nn.Module) -> bool:
    return any(held is not None for held in (*module._parameters.values(), *module._buffers.values()))


def _reused(view: View) -> dict[str, int] | None:
    """Modules that hold tensors, in them or below, and that one forward calls more than once."""
    if view.flow is None:
        return None
    holding = {name.rpartition(".")[0] for name in view.sharing.names}
    return {
        path: count
        for path, count in view.flow.calls.items()
        if count > 1 and any(each == path or each.startswith(f"{path}.") for each in holding)
    }


def _share(rows: list[dict[str, Any]]) -> float:
    return float(sum(row["status"] == "found" for row in rows) / len(rows))

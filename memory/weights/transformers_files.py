"""What transformers needs beside the weights to load them again, and which ties it makes again by itself."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from introspection.sharing import SharingMap

CONFIG_FILE = "config.json"
GENERATION_FILE = "generation_config.json"

_TIE_FLAG = "tie_word_embeddings"


class Ties(NamedTuple):
    """Which ties loading makes by itself."""

    remade: Mapping[str, str]
    """Name to the name that it is tied to, for every pair that loading with this configuration ties."""
    flag: bool | None
    """What the configuration must say of tying for that; None: what it says already."""


def is_transformers_model(model: object) -> bool:
    """Say whether transformers itself can save and load a model; imports nothing."""
    module = sys.modules.get("transformers.modeling_utils")
    return module is not None and isinstance(model, module.PreTrainedModel)


def remade_ties(model: nn.Module, sharing: SharingMap) -> Ties:
    """Which ties `from_pretrained` makes, if the configuration says of tying what is so in the model.

    A model that was tied or untied by hand since it was made contradicts its configuration. Loaded with it as it is,
    what was tied by hand would be missing, and so random; what was untied and holds the same values would be tied.

    Source: `PreTrainedModel.tie_weights` and `get_expanded_tied_weights_keys` of transformers 5; in transformers 4
    `_tied_weights_keys` is a list of patterns of the names that are tied to others.
    """
    config: Any = model.config
    said = bool(getattr(config, _TIE_FLAG, False))
    declared = _declared(model, config, sharing)
    if not declared:
        return Ties(_nested(model), None)
    tied = any(_same(sharing, *pair) for pair in declared.items())
    own = declared if tied else {}
    return Ties({**_nested(model), **own}, None) if tied == said else Ties(own, tied)


def configuration(model: nn.Module, dtype: torch.dtype | None, flag: bool | None) -> dict[str, bytes]:
    """The files that `save_pretrained` would write beside the weights, by name; the model's own are left as they are.

    Args:
        model: A model of transformers.
        dtype: The dtype to load it in; None if it has no parameter of a floating point type.
        flag: What to say of tying; None: what the configuration says.
    """
    held: Any = model
    config = copy.deepcopy(held.config)
    if dtype is not None:
        config.dtype = str(dtype).removeprefix("torch.")
    config.architectures = [type(model).__name__.removeprefix("FSDP")]
    if flag is not None:
        setattr(config, _TIE_FLAG, flag)
    files = {CONFIG_FILE: encode_config(config)}
    generation = getattr(held, "generation_config", None)
    if generation is not None and held.can_generate():
        # How a model was compiled is of this machine: transformers leaves it out too.
        content = {key: value for key, value in generation.to_diff_dict().items() if key != "compile_config"}
        files[GENERATION_FILE] = (json.dumps(content, indent=2, sort_keys=True) + "\n").encode("utf-8")
    return files


def encode_config(config: Any) -> bytes:
    """The text of `config.json` for a configuration of transformers."""
    text: str = config.to_json_string()
    return text.encode("utf-8")


def _declared(model: Any, config: Any, sharing: SharingMap) -> dict[str, str]:
    """Target to source of every pair that the class ties when its configuration says that it does."""
    expand = getattr(type(model), "get_expanded_tied_weights_keys", None)
    if expand is None:
        return _declared_by_patterns(getattr(model, "_tied_weights_keys", None) or (), sharing)
    # The live model's configuration is not touched, not even for a moment: others may be reading it.
    stand_in = copy.copy(model)
    stand_in.config = copy.deepcopy(config)
    setattr(stand_in.config, _TIE_FLAG, True)
    try:
        return dict(expand(stand_in, all_submodels=False))
    except ValueError:
        # What the class would tie is no longer there: loading could not tie it either.
        return {}


def _declared_by_patterns(patterns: Iterable[str], sharing: SharingMap) -> dict[str, str]:
    """The same in transformers 4, which says what is tied and not to what; an empty source where it is tied to none."""
    found: dict[str, str] = {}
    for names in sharing.storages.values():
        targets = [name for name in names if any(re.search(pattern, name) for pattern in patterns)]
        sources = [name for name in names if name not in targets]
        found |= dict.fromkeys(targets, sources[0] if sources else "")
    return found


def _nested(model: nn.Module) -> dict[str, str]:
    """The pairs that models inside the model tie by themselves."""
    found: dict[str, str] = {}
    for path, module in model.named_modules():
        if path and is_transformers_model(module):
            pairs = getattr(module, "all_tied_weights_keys", None) or {}
            found |= {f"{path}.{target}": f"{path}.{source}" for target, source in pairs.items()}
    return found


def _same(sharing: SharingMap, one: str, other: str) -> bool:
    known = sharing.names
    return one in known and other in known and sharing.storage_key(one) == sharing.storage_key(other)

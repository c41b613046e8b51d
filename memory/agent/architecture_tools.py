"""What an agent asks about how its model is built."""

from __future__ import annotations

from typing import Any

from memory.agent.bounding import Page
from memory.agent.desk import Desk, Name, Offset
from memory.agent.marks import reads

_CONNECTED = ("path", "inputs_from", "outputs_to", "contains", "calls", "source")


class ArchitectureTools:
    """How the model is built, and what feeds what.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads()
    def list_layers(self, filter: Name = "", offset: Offset = 0) -> dict[str, Any]:  # noqa: A002
        """List the model's modules by path, with their class. Paths are what other functions take as layers.

        Args:
            filter: Only paths that contain this text, or match it where it holds * or ?.
            offset: How many entries to skip.
        """
        from introspection.layer_info import layer_paths
        from introspection.names import named_modules

        module = self._desk.module
        classes = {path: type(each).__name__ for path, each in named_modules(module)}
        rows = [{"path": path, "class": classes[path]} for path in layer_paths(module, filter)]
        return {"count": len(rows), "layers": Page.of(rows, offset)}

    @reads(reveals=True)
    def get_architecture_summary(self) -> dict[str, Any]:
        """Say how the model is built: class, size, stacks of layers, kinds of attention and normalisation, ties."""
        found = self._desk.navigator.get_architecture_summary()
        kept = ("model_class", "parameters", "layer_stacks", "attention_layers", "features", "dtypes")
        return {**{name: found[name] for name in kept}, "weight_sharing": found["weight_sharing"]["implications"]}

    @reads(reveals=True)
    def describe_layer(self, name: Name) -> dict[str, Any]:
        """Say what one module or weight is and does, with its settings, its parts and what it shares memory with.

        Args:
            name: A module's path, or a weight's name.
        """
        return self._desk.navigator.describe_layer(name)

    @reads()
    def get_connections(self, name: Name) -> dict[str, Any]:
        """Say what feeds a module and what it feeds, as followed through the model's own forward.

        Args:
            name: A module's path.
        """
        found = self._desk.navigator.map_connections(name)
        return {each: found[each] for each in _CONNECTED if each in found}

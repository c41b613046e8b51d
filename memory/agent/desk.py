"""What the functions of an agent stand on: the memory, the model they are about, and what looks into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from memory.agent.harmless import Harmless
from memory.errors import InvalidArgument, NotAttached

if TYPE_CHECKING:
    from torch.nn import Module

    from introspection import ActivationMonitor, ArchitectureNavigator, GradientAnalyzer, WeightInspector
    from introspection.sharing import SharingMap
    from memory.projections.runner import ProjectionRunner
    from memory.recording.attached import AttachedModel
    from memory.recording.recorder import Recorder
    from memory.system import MemorySystem

T = TypeVar("T")
Offset = Annotated[int, Field(ge=0)]
Limit = Annotated[int, Field(ge=1, le=100)]
Credence = Annotated[float, Field(gt=0, lt=1)]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Name = Annotated[str, Field(max_length=500)]


def _several(value: object) -> object:
    # A model that means one name often gives it bare.
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_several), Field(max_length=100)]
NONE_NAMED: list[str] = []
"""No names: whatever a function takes then."""


class Desk:
    """Where the functions of one agent find what they need.

    Args:
        memory: The record.
        recorder: Knows the attached models.
        runner: Brings up to date the tables that are read without asking the memory.
        model: Which model they are about; None for the only one attached.
        tokenizer: Turns text into tokens, for functions that run the model.
        hide_sharing: Whether they keep to themselves which names share bytes.
    """

    def __init__(
        self,
        memory: MemorySystem,
        recorder: Recorder,
        runner: ProjectionRunner,
        *,
        model: str | None = None,
        tokenizer: Any = None,
        hide_sharing: bool = False,
    ) -> None:
        self.memory = memory
        self.model = model
        self.tokenizer = tokenizer
        self.hide_sharing = hide_sharing
        self.harmless = Harmless(tokenizer)
        self._recorder = recorder
        self._runner = runner
        self._of: tuple[Module, dict[str, Any]] | None = None

    @property
    def attached(self) -> AttachedModel:
        """The attached model.

        Raises:
            NotAttached, AmbiguousModel, UnknownModel: It is not there, or which one is meant was not said.
        """
        return self._recorder.model(self.model)

    @property
    def about(self) -> str | None:
        """The model that answers are about: the one named, else the only one attached, or every one on record."""
        if self.model is not None:
            return self.model
        try:
            return self._recorder.model(None).name
        except NotAttached:
            return None

    @property
    def module(self) -> Module:
        """The live model.

        Raises:
            NotAttached: There is none.
        """
        attached = self.attached
        if attached.module is None:
            raise NotAttached(attached.name)
        return attached.module

    @property
    def inspector(self) -> WeightInspector:
        """Looks at weights."""
        from introspection import WeightInspector

        return self._looking("inspector", WeightInspector)

    @property
    def navigator(self) -> ArchitectureNavigator:
        """Looks at how the model is built."""
        from introspection import ArchitectureNavigator

        return self._looking("navigator", ArchitectureNavigator)

    @property
    def monitor(self) -> ActivationMonitor:
        """Looks at what layers give."""
        from introspection import ActivationMonitor

        return self._looking("monitor", lambda module: ActivationMonitor(module, self._needs_tokenizer()))

    @property
    def analyzer(self) -> GradientAnalyzer:
        """Looks at gradients."""
        from introspection import GradientAnalyzer

        return self._looking("analyzer", lambda module: GradientAnalyzer(module, self._needs_tokenizer()))

    @property
    def live(self) -> AttachedModel | None:
        """The attached model that answers are about; None where it is only on record, or there is none."""
        about = self.about
        return next((each for each in self._recorder.models() if each.name == about), None)

    @property
    def pending(self) -> int:
        """How many records wait in an open batch."""
        return len(self._recorder.journal.pending())

    def place(self, position: int) -> dict[str, int]:
        """Tell where something is on record; nothing where sharing is hidden.

        A write to several names may be recorded with more than one event: positions would tell.
        """
        return {} if self.hide_sharing else {"position": position}

    def catch_up(self, projections: Iterable[str]) -> None:
        """Bring the tables of some projections up to date."""
        self._runner.catch_up(set(projections))

    @property
    def sharing(self) -> SharingMap:
        """The model's sharing map as it is now, where there is a live model; else the one on record."""
        attached = self.attached
        return attached.sharing if attached.module is None else self.inspector.sharing

    def tensor_name(self, name: str) -> str:
        """Give the tensor a name stands for: itself, or the only one under a module's path.

        Raises:
            UnknownName: The model has nothing of that name.
            InvalidArgument: A module with several tensors.
        """
        sharing = self.sharing
        if name in sharing.names:
            return name
        under = sharing.under(name)
        if len(under) > 1:
            shown = ", ".join(under[:4]) + (", ..." if len(under) > 4 else "")
            raise InvalidArgument("name", name, f"it is a module with several weights: name one of {shown}")
        # How many names their bytes have is not told apart: that is for whoever may know it.
        return under[0] if under else sharing.primary(name)

    @cached_property
    def kept(self) -> dict[str, tuple[str, Any]]:
        """Activations kept for a later look, with the text they are of, by label."""
        return {}

    def _needs_tokenizer(self) -> Any:
        if self.tokenizer is None:
            raise InvalidArgument("tokenizer", None, "nobody gave these functions one: agent_tools(tokenizer=...)")
        return self.tokenizer

    def _looking(self, name: str, make: Callable[[Module], T]) -> T:
        module = self.module
        if self._of is None or self._of[0] is not module:
            self._of = module, {}
        found = self._of[1]
        if name not in found:
            found[name] = make(module)
        kept: T = found[name]
        return kept

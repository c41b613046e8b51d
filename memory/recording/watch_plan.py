"""How a watch is to record, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from memory.errors import InvalidArgument
from memory.recording.journal import Recorded
from memory.recording.writes import WriteDetails


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """How a watch is to record."""

    label: str
    every: int | None
    """The bytes are read at the end of every so many steps; None: at the end only."""
    method: str | None
    reason: str | None
    tags: tuple[str, ...]
    first: int = 0
    """The number of the first step."""
    steps_per_act: int = 1
    """How many steps make one act, where no other act is open around them."""

    def details(self, step: int, operators: Mapping[str, int]) -> WriteDetails:
        """Give what is said of one storage's writes in a step."""
        data = {"label": self.label, "step": step, "operators": dict(sorted(operators.items()))}
        return WriteDetails(data=data, tags=self.tags, reason=self.reason, method=self.method)

    def reads(self, step: int) -> bool:
        """Say whether the bytes are read at a step's end."""
        return self.every is not None and (step + 1 - self.first) % self.every == 0

    def act_number(self, step: int) -> int:
        """Say which act a step belongs to, counted from 0."""
        return (step - self.first) // self.steps_per_act


@dataclass(slots=True)
class Watching:
    """A watch under way, or ended: what it has recorded so far."""

    label: str
    began: int = 0
    """The log's last position before it: `memory.restore(watching.began)` undoes all of it."""
    steps: int = 0
    """Steps in which something was written."""
    recorded: tuple[Recorded, ...] = ()
    """What the last step recorded: one handle for each storage written. Earlier ones are in the log alone."""
    positions: dict[int, int] = field(default_factory=dict)
    """Number of a step to the position of its end, for every step whose bytes were read:
    `memory.restore(watching.positions[41])` puts the weights back as that step left them. `watch` counts from 0, and
    `watch_steps` from 1."""
    act: str | None = None
    """The act of the last step."""


def plan_of(
    label: str,
    deltas: Literal["each", "end"] | int,
    method: str | None,
    reason: str | None,
    tags: Sequence[str],
    *,
    first: int = 0,
    steps_per_act: int = 1,
) -> WatchPlan:
    """Understand how a watch is to record.

    Raises:
        InvalidArgument: There is no such granularity, the tags are one text, or no step makes an act.
    """
    if isinstance(steps_per_act, bool) or not isinstance(steps_per_act, int) or steps_per_act < 1:
        raise InvalidArgument("steps_per_act", steps_per_act, "give the number of steps that make one act: 1 or more")
    if isinstance(tags, str):
        raise InvalidArgument("tags", tags, "one text is no list of tags: pass tags=[...]")
    if isinstance(deltas, int) and not isinstance(deltas, bool) and deltas > 0:
        every: int | None = deltas
    elif deltas in ("each", "end"):
        every = 1 if deltas == "each" else None
    else:
        raise InvalidArgument("deltas", deltas, 'give "each", "end", or the number of steps that one delta is to span')
    return WatchPlan(label, every, method, reason, tuple(tags), first, steps_per_act)

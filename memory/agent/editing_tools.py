"""What an agent may do to weights, where that is allowed: one write at a time, and taking it back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from memory.agent.desk import Desk, Name, Text
from memory.agent.marks import writes
from memory.errors import InvalidArgument
from memory.query.written import WRITTEN, writes_of_act

_ACTS_KEPT = 64


def _several(value: object) -> object:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


Rows = Annotated[list[int], BeforeValidator(_several), Field(max_length=1000)]
EVERY_ROW: list[int] = []


class EditingTools:
    """Writes to weights. Each is one event, measured, judged by the rules of safety, and can be taken back.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._acts: dict[str, Any] = {}

    @writes()
    def edit_weight(
        self,
        name: Name,
        operation: Literal["scale", "shift", "noise", "zero"],
        reason: Text,
        amount: float = 0.0,
        rows: Rows = EVERY_ROW,
        act: Name = "",
        flip_coin: bool = False,
    ) -> dict[str, Any]:
        """Change one weight. For evidence, record metrics with the same act and sample before and after it.

        Args:
            name: A weight's name.
            operation: scale: times 1 + amount. shift: plus amount. noise: plus amount of its own spread. zero: to 0.
            reason: Why, in words.
            amount: How much; its size is the dose of the write.
            rows: Only these rows; empty for all.
            act: The act it belongs to, as a name of yours; empty for one of its own.
            flip_coin: Whether a coin decides the sign of the amount, which makes the act a randomised experiment.
        """
        desk, name = self._desk, self._desk.tensor_name(name)
        if operation != "zero" and not (amount and abs(amount) < float("inf")):
            raise InvalidArgument("amount", amount, f"give a number other than 0: how much to {operation}")
        current = self._act(act, reason)
        signed = amount * current.flip() if flip_coin else amount
        dose = signed if operation != "zero" else None
        data = {"operation": operation, "amount": signed, "rows": rows or "all"}
        with desk.memory.edit(
            name,
            method=operation,
            reason=reason,
            dose=dose,
            rows=rows or None,
            model=desk.model,
            act=current,
            data=data,
        ) as weight:
            _change(weight, operation, signed, rows)
        return {"name": name, "act": current.id, "amount": signed, **self._measured(current.id)}

    @writes()
    def undo_act(self, act: Name) -> dict[str, Any]:
        """Take back every write of one act, bit for bit.

        Args:
            act: Its name, as edit_weight gave it.
        """
        if act not in self._acts:
            known = f"made here: {', '.join(list(self._acts)[-5:])}" if self._acts else "no edit was made here"
            raise InvalidArgument("act", act, f"only acts made through edit_weight can be undone so; {known}")
        desk, recorded = self._desk, self._acts[act].undo()
        del self._acts[act]
        return {"undone": act, **desk.place(recorded[-1].position)}

    @writes(reveals=True)
    def restore_state(self, state: Name, reason: Text) -> dict[str, Any]:
        """Put the model's weights back as they were at an earlier position or checkpoint, bit for bit.

        Args:
            state: A position in the record, or the name of a checkpoint.
            reason: Why.
        """
        target: int | str = int(state) if state.isdigit() else state
        recorded = self._desk.memory.restore(target, model=self._desk.model, reason=reason)
        return {"restored": target, "position": recorded.position}

    @writes(reveals=True)
    def save_checkpoint(self, description: Text) -> dict[str, Any]:
        """Save all weights as they are now, to be put back or compared with later.

        Args:
            description: What it is, in words.
        """
        saved = self._desk.memory.checkpoint(description, model=self._desk.model)
        return {"checkpoint": saved.checkpoint_id, "position": saved.position}

    def _act(self, name: str, reason: str) -> Any:
        """Give the act of a name, the same one each time: its coins are counted, and it can be undone."""
        found = self._acts.get(name)
        if found is None:
            with self._desk.memory.act(reason, act_id=name or None) as found:
                self._acts[found.id] = found
            while len(self._acts) > _ACTS_KEPT:
                del self._acts[next(iter(self._acts))]
        return found

    def _measured(self, act: str) -> dict[str, Any]:
        """Give what was measured of the act's last write."""
        desk = self._desk
        desk.catch_up(WRITTEN)
        row = writes_of_act(desk.memory.store.database, act, model=desk.about)[-1]
        told = {"delta_norm": row.delta_norm, "relative_change": row.relative_change, "changed": bool(row.changed)}
        coupled = {} if desk.hide_sharing or not row.coupled_layers else {"also_changed": list(row.coupled_layers)}
        return {**desk.place(row.position), **told, **coupled}


def _change(weight: Any, operation: str, amount: float, rows: list[int]) -> None:
    import torch

    place = torch.tensor(rows, device=weight.device) if rows else slice(None)
    part = weight[place]
    if operation == "scale":
        part = part * (1 + amount)
    elif operation == "shift":
        part = part + amount
    elif operation == "zero":
        part = torch.zeros_like(part)
    else:
        spread = float(weight.float().std()) if weight.numel() > 1 else 1.0
        # Of its own generator: what is drawn next from torch's is no part of an edit.
        generator = torch.Generator(part.device)
        generator.seed()
        drawn = torch.randn(part.shape, generator=generator, device=part.device)
        part = part + (drawn * (abs(amount) * spread)).to(part.dtype)
    weight[place] = part

"""One history in which everything happens that the views and the worked questions of `docs/sql.md` ask about.

It is the same to the last digit wherever it is told: its times and its noise are fixed, and what it says of sums and
means is rounded by whoever shows it.
"""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass, field
from typing import Any

from introspection.sharing import SharingMap
from memory.events.amendments import Correction, Retraction
from memory.events.envelope import MEMORY_STREAM, NewEvent, model_stream
from memory.events.knowledge import BeliefAsserted
from memory.events.models import ModelAttached, plain_map
from memory.events.modifications import EditAborted, Restored, UnattributedWrite
from memory.events.observations import MetricDefined, MetricsRecorded, Observation
from memory.events.registry import Payload
from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.events.weights import CheckpointSaved
from memory.projections.catalogue import PROJECTIONS
from memory.projections.runner import ProjectionRunner
from memory.recording.attached import AttachedModel
from memory.recording.writes import Dose, WriteDetails, write_event
from memory.store import EventStore

BEGAN = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
EMBED, HEAD, DOWN, NORM, GATE = (
    "model.embed_tokens.weight",
    "lm_head.weight",
    "model.layers.0.mlp.down_proj.weight",
    "model.norm.weight",
    "model.layers.0.mlp.gate_proj.weight",
)
NAMES = [EMBED, HEAD, DOWN, NORM, GATE]
TIED = SharingMap.from_relations(names=NAMES, same=[[EMBED, HEAD]])
UNTIED = SharingMap.from_relations(names=NAMES, same=[])
ROUNDS = 36
"""Rounds of one act on each target: enough that what is there is found."""
EFFECTS = {EMBED: 0.40, HEAD: 0.40, DOWN: 0.40, NORM: 0.0}
"""What a dose of one does to the loss."""
TURNED = 24
"""The round from which on a write to `DOWN` does the opposite: what was believed of it does not stay true."""


@dataclass
class QuestionHistory:
    """Appends in order, each with the actor that made it."""

    appends: list[tuple[str, list[NewEvent]]] = field(default_factory=list)
    position: int = 0
    _held: int = 0
    """Where the belief was asserted that is taken back."""
    _model: AttachedModel = field(default_factory=lambda: AttachedModel("qwen", TIED, None))

    def say(self, actor: str, payload: Payload, act: str | None = None) -> int:
        """Let somebody record something, a minute after the last; give its position."""
        model = getattr(payload, "model", None)
        stream = MEMORY_STREAM if model is None else model_stream(model)
        self.position += 1
        at = BEGAN + datetime.timedelta(minutes=self.position)
        event = NewEvent(payload=payload, stream=stream, act_id=act, occurred_at=at)
        if self.appends and self.appends[-1][0] == actor:
            self.appends[-1][1].append(event)
        else:
            self.appends.append((actor, [event]))
        return self.position

    def measure(self, act: str | None, loss: float, sample: str | None, actor: str = "agent") -> int:
        values = {"loss": loss, "perplexity": 2.0**loss, "accuracy": 0.9 - loss / 10}
        return self.say(actor, MetricsRecorded(model="qwen", metrics=values, sample=sample), act)

    def write(self, act: str, name: str, dose: float | None, actor: str = "agent", **details: Any) -> int:
        randomised = details.pop("randomised", False)
        told = Dose(dose, randomised, 0.5 if randomised else None, 1 if randomised else None)
        changed = details.pop("changed", None)
        event = write_event(self._model, name, WriteDetails(**{"method": "scale", **details}), told, act=act)
        return self.say(actor, event.model_copy(update={"changed": changed}), act)

    def tell(self) -> QuestionHistory:
        """Tell all of it."""
        draw = random.Random("what researchers ask")
        self._begin()
        for number in range(ROUNDS):
            for name in draw.sample(NAMES[:4], 4):
                effect = EFFECTS[name] * (-1 if name == DOWN and number >= TURNED else 1)
                self._experiment(draw, f"round {number:02} {name.split('.')[-2]}", name, effect)
            if number == 9:
                self._an_afternoon_with_trouble(draw)
        self._end()
        return self

    def _begin(self) -> None:
        self.say("agent", ModelAttached(model="qwen", sharing=plain_map(TIED.to_json()), digest=TIED.digest))
        for name, better in (("loss", "lower"), ("accuracy", "higher"), ("perplexity", "lower")):
            of = ("loss",) if name == "perplexity" else ()
            self.say("agent", MetricDefined(name=name, better=better, smallest_effect=0.01, derived_from=of))
        self.checkpoint("before surgery", 1)
        for words in ("edits to the embeddings should be small", "the final norm does not matter"):
            held = BeliefAsserted(belief_type="heuristic", statement=words, credence=0.8, asserted_by="mara")
            self._held = self.say("mara", held)

    def checkpoint(self, name: str, size: int, actor: str = "agent", automatic: str | None = None) -> None:
        files: Any = [{"name": "model.safetensors", "size": size * 1_000_000, "digest": "ab" * 32}]
        about: Any = {"model": "qwen", "checkpoint_id": name, "tags": ("kept",), "automatic": automatic}
        self.say(actor, CheckpointSaved(**about, storages=(), tensors=(), files=files))

    def _experiment(self, draw: random.Random, act: str, name: str, effect: float) -> None:
        sign = draw.choice((1.0, -1.0))
        loss = 2.0 + draw.gauss(0, 0.05)
        after = loss + sign * effect + draw.gauss(0, 0.08)
        self.measure(act, loss, act)
        self.write(act, name, sign, randomised=True, changed=True)
        self.measure(act, after, act)
        if draw.random() < 0.5:
            self.write(act, name, None, method="revert", reverts=act)

    def _an_afternoon_with_trouble(self, draw: random.Random) -> None:
        """What goes wrong: denied and failed edits, alerts, writes nobody announced, numbers that were wrong."""
        denied = {"model": "qwen", "primary_layer": HEAD, "storage_key": HEAD, "method": "scale", "restored": True}
        words = "2 values would be NaN"
        self.say("agent", EditAborted(**denied, error="SafetyViolation", message=words, denied_by=("nan",)), "too much")
        self.say("agent", EditAborted(**denied, error="ValueError", message="shapes differ"), "wrong shape")
        seen = {"model": "qwen", "category": "metric", "rule": "metric.loss", "layers": (DOWN,)}
        for number in range(3):
            self.say("agent", SafetyAlert(level="warning", message=f"loss rose by 60 % ({number})", **seen))
        stop = self.say(
            "agent", SafetyAlert(model="qwen", level="emergency", category="nan", message="NaN", rule="nan")
        )
        self.say("mara", EmergencyCleared(model="qwen", reason="looked at it", alerts=(stop,)))
        affected = self._model.affected(GATE)
        found = {"fingerprint_expected": "aa" * 32, "fingerprint_found": "bb" * 32, "found_by": "verify"}
        self.say("agent", UnattributedWrite(model="qwen", storage_key=GATE, affected=affected, **found))
        self.say("mara", Restored(model="qwen", to_position=5, checkpoint="before surgery", reason="a clean start"))
        wrong = self.measure(None, 9.0, "typo", "mara")
        amended = {"model": "qwen", "position": wrong, "target_type": "metrics_recorded"}
        self.say("mara", Correction(**amended, data={"loss": 2.0}, reason="a slip of the pen"))
        noted = self.say(
            "mara", Observation(model="qwen", obs_type="discovery", category="tie", description="one tensor?")
        )
        self.say("mara", Retraction(model="qwen", position=noted, target_type="observation", reason="the map knew"))
        taken_back = {"position": self._held, "target_type": "belief_asserted", "reason": "nobody looked at it yet"}
        self.say("mara", Retraction(**taken_back))
        self.checkpoint("nightly", 3, automatic="minutes")
        for number in range(4):
            act = f"noise {number}"
            self.measure(act, 2.0, act)
            self.write(act, GATE, 1.0, "mara", method="noise")
            self.measure(act, 2.0 + draw.gauss(0.05, 0.02), act)
        for sign in (1.0, -0.5):
            act = f"two layers {sign}"
            self.measure(act, 2.0, act)
            self.write(act, DOWN, sign, "mara", reason="both at once")
            self.write(act, GATE, sign, "mara", reason="both at once")
            self.measure(act, 2.0 + sign / 5, act)

    def _end(self) -> None:
        kept = {EMBED: HEAD, DOWN: DOWN, NORM: NORM, GATE: GATE}
        self.say("mara", self._model.adopt(UNTIED).model_copy(update={"kept": kept}))
        self.measure("untied", 2.0, "last")
        self.write("untied", HEAD, 0.5)
        self.measure("untied", 1.9, "last")
        self.checkpoint("the end", 3)


def record(store: EventStore) -> None:
    """Tell the history to a log, and fold it into the tables."""
    for actor, events in QuestionHistory().tell().appends:
        store.append(events, actor=actor)
    ProjectionRunner(store, PROJECTIONS).catch_up()

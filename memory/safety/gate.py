"""The gate every write goes through: what may begin, what may be committed, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from memory.errors import SafetyViolation
from memory.events.modifications import Change
from memory.events.safety import SafetyAlert
from memory.safety.alerts import AlertDesk, alert_of
from memory.safety.emergency import Emergencies, violation
from memory.safety.metric_rules import MetricReading
from memory.safety.rules import Finding, Measurement, judge_edit
from memory.safety.settings import SafetySettings
from memory.safety.sizes import ParameterCounts
from memory.safety.surroundings import Surroundings, WatchedModel

_TOLD_ONCE = ("share_of_model", "checkpoint")
"""Rules about circumstances and not about a write: while these last, the warning is not repeated."""


@dataclass(frozen=True, slots=True)
class Written:
    """What an edit did to one storage."""

    name: str
    """The name the write went through."""
    change: Change
    nonfinite_before: int
    """NaN and infinite elements before it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of an edit that is about to be committed."""

    model: str
    denied_by: tuple[str, ...]
    """The rules that deny it, sorted; empty: it may be committed."""
    alerts: tuple[SafetyAlert, ...]
    """What is to be recorded with it, whether it is committed or put back."""
    message: str
    """Why it is denied, in words."""

    def violation(self) -> SafetyViolation:
        """Give the error to raise for an edit that is denied."""
        return SafetyViolation(
            f"the edit was denied by {' and '.join(self.denied_by)}: {self.message}; the bytes are put back",
            rules=self.denied_by,
            model=self.model,
            alerts=self.alerts,
        )


class SafetyGate:
    """Decides whether writes may be made and committed.

    Args:
        surroundings: What is known of the model.
        emergencies: The stops in force.
        desk: Where alerts go.
        settings: Gives the settings in force.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        emergencies: Emergencies,
        desk: AlertDesk,
        settings: Callable[[], SafetySettings],
    ) -> None:
        self._surroundings = surroundings
        self._emergencies = emergencies
        self._desk = desk
        self._settings = settings
        self._acknowledged: dict[tuple[str, str], frozenset[str]] = {}
        self._told: set[tuple[str, ...]] = set()
        self.sizes = ParameterCounts()

    def refuse_stopped(self, attached: WatchedModel) -> None:
        """Refuse a model under an emergency stop, whoever ordered it.

        Raises:
            SafetyViolation: It is.
        """
        stop = self._emergencies.of(attached.name)
        if stop is not None:
            raise violation(attached.name, stop)

    def before_edit(self, attached: WatchedModel, names: Sequence[str], *, acknowledged: bool = False) -> None:
        """Refuse a write that may not even begin; what refuses it by a rule is recorded as a critical alert.

        Args:
            attached: The model, its sharing looked at anew.
            names: The tensor names the write goes through, one for each storage.
            acknowledged: Whether the writer says that they know of the names coupled to these.

        Raises:
            SafetyViolation: The model is stopped, or a rule that can be decided beforehand denies it.
        """
        self.refuse_stopped(attached)
        settings = self._settings()
        planned = self._measurements(attached, [(name, None, 0) for name in names], acknowledged, ())
        denying = [each for each in _judged(planned, settings) if settings.denies(each.rule)]
        if denying:
            alerts = tuple(alert_of(each, attached.name, settings, denied=True) for each in denying)
            self._desk.record(alerts)
            raise SafetyViolation(
                f"the edit was denied before it began: {'; '.join(each.message for each in denying)}",
                rules={each.rule for each in denying},
                model=attached.name,
                alerts=alerts,
            )

    def measurements(
        self,
        attached: WatchedModel,
        written: Sequence[Written],
        *,
        acknowledged: bool = False,
        metrics: Sequence[MetricReading] = (),
    ) -> tuple[Measurement, ...]:
        """Put what an edit did together with what is known of the model, for `judge`.

        Args:
            attached: The model.
            written: What the edit did, storage by storage.
            acknowledged: Whether the writer says that they know of the names coupled to these.
            metrics: What was evaluated before committing.
        """
        rows = [(each.name, each.change, each.nonfinite_before) for each in written]
        return self._measurements(attached, rows, acknowledged, metrics)

    def judge(self, measurements: Sequence[Measurement]) -> Judgement:
        """Judge an edit whose bytes are written and not committed; record nothing.

        A warning about circumstances (a large share of the model, no checkpoint) is given once while they last. Coupled
        names are no alert of their own where they are only warned of: `check_modification` warns before the write, and
        the event of the write names them all.
        """
        settings = self._settings()
        findings = _judged(measurements, settings)
        denying = {each.rule for each in findings if settings.denies(each.rule)}
        model = measurements[0].model if measurements else ""
        alerts = tuple(
            alert_of(each, model, settings, denied=each.rule in denying)
            for each in findings
            if each.rule in denying or (each.rule != "coupled" and not self._was_told(model, each))
        )
        message = "; ".join(each.message for each in findings if each.rule in denying)
        return Judgement(model, tuple(sorted(denying)), alerts, message)

    def settle(self, alerts: Sequence[SafetyAlert]) -> None:
        """Put in force what the alerts of a judgement say, once they are on record."""
        if any(alert.level == "emergency" for alert in alerts):
            self._emergencies.in_force()

    def acknowledge(self, model: str, coupled: Mapping[str, Sequence[str]]) -> None:
        """Take it that the writer knows which names are coupled: they were told.

        Args:
            model: The model.
            coupled: Storage key to all names of its bytes, and of those that share some.
        """
        for key, names in coupled.items():
            self._acknowledged[model, key] = frozenset(names)

    def planned(self, attached: WatchedModel, names: Sequence[str]) -> tuple[Measurement, ...]:
        """Give what is known of a write that somebody thinks of."""
        return self._measurements(attached, [(name, None, 0) for name in names], False, ())

    def _measurements(
        self,
        attached: WatchedModel,
        written: Sequence[tuple[str, Change | None, int]],
        acknowledged: bool,
        metrics: Sequence[MetricReading],
    ) -> tuple[Measurement, ...]:
        sharing, settings = attached.sharing, self._settings()
        keys = {name: sharing.storage_key(name) for name, _, _ in written}
        edits: int | None = None
        if settings.edits_between_checkpoints is not None and "checkpoint" not in settings.ignore:
            edits = self._surroundings.edits_since_checkpoint(attached.name)
        share = None
        if settings.share_of_model is not None and "share_of_model" not in settings.ignore:
            _, share = self.sizes.share(attached, set(keys.values()))
        named = set(keys)
        found = []
        for number, (name, change, nonfinite_before) in enumerate(written):
            coupled = sharing.coupled(name)
            known = self._acknowledged.get((attached.name, keys[name]), frozenset())
            found.append(
                Measurement(
                    model=attached.name,
                    name=name,
                    storage_key=keys[name],
                    coupled=coupled,
                    acknowledged=acknowledged or set(coupled) <= known | named,
                    change=change,
                    nonfinite_before=nonfinite_before,
                    share_of_parameters=share,
                    edits_since_checkpoint=edits,
                    metrics=tuple(metrics) if number == 0 else (),
                )
            )
        return tuple(found)

    def _was_told(self, model: str, finding: Finding) -> bool:
        if finding.rule not in _TOLD_ONCE:
            return False
        bound = finding.details.get("bound")
        # Every so many edits without a checkpoint are told of again.
        turn = str(finding.details["edits"] // bound) if isinstance(bound, int) else ""
        circumstance = (model, finding.rule, *finding.layers, turn)
        if circumstance in self._told:
            return True
        self._told.add(circumstance)
        return False


def _judged(measurements: Sequence[Measurement], settings: SafetySettings) -> list[Finding]:
    """Give what is wrong with an edit; what is said of all its storages alike, once."""
    found: dict[tuple[str, str], Finding] = {}
    for measurement in measurements:
        for finding in judge_edit(measurement, settings):
            found.setdefault((finding.rule, finding.message), finding)
    return list(found.values())

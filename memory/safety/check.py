"""Am I modifying a shared tensor? Says what a write would reach, before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from introspection.html import card_html, list_html
from memory.safety.emergency import Emergencies
from memory.safety.gate import SafetyGate
from memory.safety.rules import Measurement, judge_edit
from memory.safety.settings import SafetySettings
from memory.safety.surroundings import HeldBelief, Surroundings, WatchedModel

_BINDING = ("safety_principle", "constraint")
"""Types of belief that say what not to do: one about the tensors to be written is a reason to warn."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be known before a write."""

    verdict: Literal["allow", "warn", "deny"]
    model: str
    name: str
    """The name asked about."""
    reasons: tuple[str, ...]
    """Why it is denied or warned of, in words; empty for a write that nothing speaks against."""
    rules: tuple[str, ...]
    """The rules that spoke, sorted; `emergency_stop` for a stopped model, `belief` where one speaks against it."""
    storages: tuple[str, ...]
    """The keys of the storages the name stands for, sorted."""
    coupled: tuple[str, ...]
    """Every other name whose bytes the write would change, sorted."""
    derived: tuple[str, ...]
    """Names that are computed from what would be written, sorted."""
    parameters: int | None
    """How many parameters would be touched; None where only a map is attached."""
    share_of_parameters: float | None
    """What share of the model's parameters that is."""
    edits_since_checkpoint: int | None
    """Announced writes to the model since its last checkpoint, or ever; None where that is not looked at."""
    beliefs: tuple[HeldBelief, ...]
    """What is believed about these tensors, firmest first."""
    core_principles: tuple[str, ...]
    """What is held absolutely."""

    @property
    def allowed(self) -> bool:
        """Whether the write may be made: what is warned of may."""
        return self.verdict != "deny"

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def _repr_html_(self) -> str:
        share = None if self.share_of_parameters is None else f"{self.share_of_parameters:.1%} of the parameters"
        facts = {
            "verdict": self.verdict.upper() if self.verdict != "allow" else self.verdict,
            "model": self.model,
            "would change": share,
            "also changes": self.coupled or None,
            "computed from it": self.derived or None,
            "edits since the last checkpoint": self.edits_since_checkpoint,
        }
        believed = [f"{each.statement} ({each.strength}, {each.credence:.2f})" for each in self.beliefs]
        return card_html(
            f"May {self.name} be written?",
            facts,
            list_html("reasons", self.reasons),
            list_html("believed of these tensors", believed),
            list_html("principles", self.core_principles),
        )

    def __str__(self) -> str:
        share = "" if self.share_of_parameters is None else f", {self.share_of_parameters:.1%} of the parameters"
        lines = [f"{self.verdict}: {self.name} of {self.model!r}{share}", *(f"- {reason}" for reason in self.reasons)]
        lines += [f"- believed ({each.strength}, {each.credence:.2f}): {each.statement}" for each in self.beliefs]
        lines += [f"- principle: {principle}" for principle in self.core_principles]
        return "\n".join(lines)


def check(
    attached: WatchedModel,
    name: str,
    *,
    surroundings: Surroundings,
    emergencies: Emergencies,
    gate: SafetyGate,
    settings: SafetySettings,
) -> Verdict:
    """Give the verdict on a write that somebody thinks of; record nothing.

    Args:
        attached: The model, its sharing looked at anew.
        name: A tensor name, any alias of one, or a module path.
        surroundings: What is known of the model.
        emergencies: The stops in force.
        gate: Knows what is measured of a write; is told that the writer knows what is coupled.
        settings: The settings in force.

    Raises:
        UnknownName: The model has no such tensor or module.
    """
    sharing = attached.sharing
    keys = sharing.resolve(name)
    names = _names(attached, name, keys)
    planned = gate.planned(attached, names)
    coupled = tuple(sorted({each for measurement in planned for each in measurement.coupled} - set(names)))
    beliefs = surroundings.beliefs_about(attached.name, sorted({*keys, *names, *coupled}))
    rules, reasons, denied = _judged(planned, settings)
    stop = emergencies.of(attached.name)
    if stop is not None:
        rules.add("emergency_stop")
        reasons.insert(0, f"the model is under an emergency stop: {stop.message}")
        denied = True
    for belief in beliefs:
        if belief.belief_type in _BINDING:
            rules.add("belief")
            reasons.append(f"{belief.belief_type.replace('_', ' ')}: {belief.statement}")
    parameters, share = gate.sizes.share(attached, keys)
    gate.acknowledge(attached.name, {each.storage_key: (each.name, *each.coupled) for each in planned})
    return Verdict(
        verdict="deny" if denied else "warn" if reasons else "allow",
        model=attached.name,
        name=name,
        reasons=tuple(reasons),
        rules=tuple(sorted(rules)),
        storages=keys,
        coupled=coupled,
        derived=_derived(attached, names),
        parameters=parameters,
        share_of_parameters=share,
        edits_since_checkpoint=planned[0].edits_since_checkpoint if planned else None,
        beliefs=tuple(beliefs),
        core_principles=tuple(each.statement for each in surroundings.core_principles()),
    )


def _names(attached: WatchedModel, name: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Give the tensor names a name stands for, one for each storage."""
    sharing = attached.sharing
    if name in sharing.names:
        return (name,)
    under = sharing.under(name)
    return tuple(next(each for each in under if sharing.storage_key(each) == key) for key in keys)


def _derived(attached: WatchedModel, names: Sequence[str]) -> tuple[str, ...]:
    reached = (each for name in names for each in attached.sharing.affected(name))
    return tuple(sorted({each.name for each in reached if each.relation == "derived"}))


def _judged(planned: Sequence[Measurement], settings: SafetySettings) -> tuple[set[str], list[str], bool]:
    """Give the rules that speak against a planned write, why, and whether one denies it."""
    findings = [finding for measurement in planned for finding in judge_edit(measurement, settings)]
    reasons = list(dict.fromkeys(finding.message for finding in findings))
    # Coupling is told here, so that a writer who asked knows of it: it denies only those who did not ask.
    denied = any(settings.denies(finding.rule) for finding in findings if finding.rule != "coupled")
    return {finding.rule for finding in findings}, reasons, denied

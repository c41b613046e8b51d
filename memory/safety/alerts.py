"""Tells of findings: each becomes an alert on record, and what goes on unchanged is told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

from memory.events.codec import build
from memory.events.safety import SafetyAlert
from memory.safety.emergency import Emergencies
from memory.safety.rules import Finding
from memory.safety.settings import SafetySettings
from memory.safety.surroundings import Surroundings


def alert_of(finding: Finding, model: str | None, settings: SafetySettings, *, denied: bool = False) -> SafetyAlert:
    """Give the event that tells of a finding: critical where it denied a write, an emergency where its rule stops."""
    level = "emergency" if settings.stops(finding.rule) else "critical" if denied else finding.level
    details = {**finding.details, **({"denied": True} if denied else {})}
    return build(
        SafetyAlert,
        model=model,
        level=level,
        category=finding.category,
        message=finding.message,
        rule=finding.rule,
        layers=finding.layers,
        details=details,
    )


class AlertDesk:
    """Where findings become alerts.

    Args:
        surroundings: Where they are recorded.
        emergencies: What those at level `emergency` are handed to.
        settings: Gives the settings in force.
    """

    def __init__(
        self, surroundings: Surroundings, emergencies: Emergencies, settings: Callable[[], SafetySettings]
    ) -> None:
        self._surroundings = surroundings
        self._emergencies = emergencies
        self._settings = settings
        self._lasting: dict[Hashable, set[tuple[str, str]]] = {}
        self.untold: Counter[str] = Counter()
        """How many findings of each rule were not told, because they had been and had lasted since."""

    def tell(
        self,
        findings: Sequence[Finding],
        model: str | None,
        *,
        at_once: bool = True,
        act: str | None = None,
    ) -> tuple[SafetyAlert, ...]:
        """Record findings, stops before all others; rules that are ignored say nothing.

        Args:
            findings: What was found.
            model: What it was found of.
            at_once: Also where a batch is open. Stops always are.
            act: The act it belongs to.
        """
        settings = self._settings()
        alerts = [alert_of(each, model, settings) for each in findings if each.rule not in settings.ignore]
        self.record(alerts, at_once=at_once, act=act)
        return tuple(alerts)

    def record(self, alerts: Sequence[SafetyAlert], *, at_once: bool = True, act: str | None = None) -> None:
        """Put alerts on record, and the stops among them in force."""
        for alert in alerts:
            if alert.level == "emergency":
                self._emergencies.stop(alert)
        others = [alert for alert in alerts if alert.level != "emergency"]
        if others:
            self._surroundings.record(others, at_once=at_once, act=act)

    def new(self, findings: Sequence[Finding], scope: Hashable) -> tuple[Finding, ...]:
        """Give the findings that were not there when this scope was looked at last.

        What is found again and again is told when it begins, and again when it has gone and come back.

        Args:
            findings: Everything that is found in the scope now.
            scope: What is looked at again and again: a hooked model, a metric.
        """
        before = self._lasting.get(scope, set())
        now = {_identity(finding): finding for finding in findings}
        if now:
            self._lasting[scope] = set(now)
        else:
            self._lasting.pop(scope, None)
        self.untold.update(finding.rule for key, finding in now.items() if key in before)
        return tuple(finding for key, finding in now.items() if key not in before)

    def forget(self, scope: Hashable) -> None:
        """Begin anew with a scope."""
        self._lasting.pop(scope, None)


def _identity(finding: Finding) -> tuple[str, str]:
    return finding.rule, finding.layers[0] if finding.layers else ""

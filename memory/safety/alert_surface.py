"""Alerts as they are read back."""

from __future__ import annotations

import datetime

from memory.errors import InvalidArgument
from memory.events.safety import ALERT_LEVELS
from memory.safety.surroundings import Alert, AlertQuery, Surroundings


class AlertSurface:
    """The part of `SafetyMonitor` that gives the alerts on record."""

    _surroundings: Surroundings

    def get_recent_alerts(
        self,
        limit: int = 20,
        *,
        level: str | None = None,
        category: str | None = None,
        model: str | None = None,
        minutes: float | None = None,
    ) -> list[Alert]:
        """Give the last alerts on record, newest first.

        Args:
            limit: At most so many.
            level: Only of this level.
            category: Only of this kind: `nan`, `metric`, `latency`, ...
            model: Only of this model, attached or not.
            minutes: Only those of so many minutes until now.

        Raises:
            InvalidArgument: There is no such level.
        """
        if level is not None and level not in ALERT_LEVELS:
            raise InvalidArgument("level", level, f"it is one of {', '.join(ALERT_LEVELS)}")
        within = None if minutes is None else datetime.timedelta(minutes=minutes)
        return self._surroundings.alerts(AlertQuery(() if level is None else (level,), category, model, within, limit))

    def get_critical_alerts(self, limit: int = 20, *, model: str | None = None) -> list[Alert]:
        """Give the last critical alerts and emergencies, newest first."""
        return self._surroundings.alerts(AlertQuery(("critical", "emergency"), model=model, limit=limit))

    def get_alert_history(self, *, model: str | None = None) -> list[Alert]:
        """Give every alert on record, oldest first."""
        return self._surroundings.alerts(AlertQuery(model=model, newest_first=False))

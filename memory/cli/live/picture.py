"""The picture itself: what a live state looks like on a terminal of any size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.layout import Layout
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from introspection.html import visible
from memory.cli.live.state import LiveState, Series
from memory.query.recent import Recent

_BARS = "▁▂▃▄▅▆▇█"
_LEVELS = {"info": "", "warning": "yellow", "critical": "red", "emergency": "bold red"}
_VERDICTS = {"better": "green", "worse": "red", "same": "dim", "moved": ""}
_STATUSES = {"active": "green", "weakened": "yellow", "retracted": "red"}
_WIDE, _TALL = 110, 16
"""From how many columns on the sides stand beside each other, and from how many lines on there is more than events."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment of a live view, drawn as large as the terminal is then.

    Args:
        place: Which record.
        state: What its events said.
        known: What is known and in force; None before the first look.
        trouble: What the view waits for; empty where all is well.
        now: The moment, by the clock the state was told.
        ended: Whether it is the last one.
    """

    place: str
    state: LiveState
    known: Recent | None
    trouble: str
    now: float
    ended: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or options.size.height
        rows: list[Layout] = [Layout(self._head(width), size=1)]
        warning = self._warning()
        if warning is not None:
            rows.append(Layout(warning, size=1))
        room = height - len(rows)
        if height >= _TALL:
            rows.append(Layout(self._act(), size=1))
            room -= 1
            rows.append(self._body(width, room))
        else:
            rows.append(Layout(self._events(room)))
        whole = Layout()
        whole.split_column(*rows)
        yield from console.render(whole, options.update(height=height))

    def _head(self, width: int) -> Text:
        state = self.state
        head = Text(no_wrap=True)
        head.append(f"position {state.position:,}", "bold")
        behind = 0 if self.known is None else self.known.head - state.position
        if behind > 0:
            # A writer can be faster than anything can be shown: what is seen then is not what is.
            head.append(f" ({behind:,} behind)", "yellow")
        head.append(f" · {state.rate(self.now):.1f} events/s ")
        head.append(sparkline(state.arrivals(self.now, 20), floor=0.0), "cyan")
        head.append(f" · {'ended' if self.ended else 'Ctrl-C ends'}")
        if state.models:
            head.append(f" · {_listed(state.models)}", "bold")
        # The last, because it may be long: what moves comes first.
        head.append(f" · {visible(self.place)}", "dim")
        head.truncate(width, overflow="ellipsis")
        return head

    def _warning(self) -> Text | None:
        """Say what must not be overlooked: that models are stopped, or that nothing can be read."""
        lines = (
            []
            if self.known is None
            else [f"EMERGENCY STOP {stop.model or 'every model'}: {stop.message}" for stop in self.known.stops]
        )
        if self.trouble:
            lines.append(self.trouble)
        if not lines:
            return None
        return _line(" | ".join(lines), "bold white on red")

    def _act(self) -> Text:
        act = self.state.act
        if act is None:
            return _line("no act yet", "dim")
        writes = f"{_counted(act.writes, 'write')} ({act.coupled} coupled)"
        said = f"act {act.name} since {act.began}: {writes}, {_counted(act.measured, 'evaluation')}"
        return _line(f"{said}; {_listed(act.layers)}" if act.layers else said)

    def _body(self, width: int, height: int) -> Layout:
        body = Layout()
        metrics = len(self.state.series)
        if width >= _WIDE:
            side = Layout()
            share = max(3, min(metrics + 2, height - 8))
            side.split_column(
                Layout(self._metrics(share - 2), size=share),
                Layout(self._alerts(3), size=5),
                Layout(self._beliefs(height - share - 7)),
            )
            left = Layout(self._framed(self._events(height - 2), "events"), ratio=3)
            body.split_row(left, Layout(side, ratio=2))
            return body
        share = max(3, min(metrics + 2, height // 4))
        alerts, beliefs = 3, max(3, height // 5)
        events = height - share - alerts - beliefs
        body.split_column(
            Layout(self._framed(self._events(events - 2), "events"), size=events),
            Layout(self._metrics(share - 2), size=share),
            Layout(self._alerts(1), size=alerts),
            Layout(self._beliefs(beliefs - 2)),
        )
        return body

    def _framed(self, content: Table | Text, title: str) -> Panel:
        return Panel(content, title=title, title_align="left", border_style="dim", padding=(0, 1))

    def _events(self, rows: int) -> Table | Text:
        lines = list(self.state.lines)[-max(rows, 1) :]
        if not lines:
            return Text("waiting for the first event", "dim")
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(justify="right", no_wrap=True, style="dim")
        table.add_column(no_wrap=True, style="dim")
        table.add_column(no_wrap=True, width=1)
        table.add_column(no_wrap=True, max_width=22, overflow="ellipsis")
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        for line in lines:
            said = Text(visible(line.name))
            if line.coupled:
                said.append(f" also {_listed(line.coupled)}", "magenta")
            said.append(f"{' ' if line.name and line.about else ''}{visible(line.about)}".replace("\n", " "))
            mark = Text("◆" if line.coupled else "", "bold magenta")
            table.add_row(str(line.position), line.time, mark, Text(visible(line.event_type)), said)
        return table

    def _metrics(self, rows: int) -> Panel:
        # Those measured last come first: of many, these are the ones that move.
        known = sorted(self.state.series.values(), key=lambda series: (-series.position, series.model, series.metric))
        shown = sorted(known[: max(rows, 1)], key=lambda series: (series.model, series.metric))
        title = "metrics" if len(shown) == len(known) else f"metrics ({len(shown)} of {len(known)})"
        if not shown:
            return self._framed(Text("none measured yet", "dim"), title)
        table = Table.grid(padding=(0, 1), expand=True)
        for options in ({"overflow": "ellipsis"}, {"justify": "right"}, {"ratio": 1}, {}):
            table.add_column(no_wrap=True, **options)
        several = len({series.model for series in known}) > 1
        for series in shown:
            name = f"{series.model}: {series.metric}" if several and series.model else series.metric
            table.add_row(
                Text(visible(name)), f"{series.values[-1]:.4g}", Spark(tuple(series.values)), self._change(series)
            )
        return self._framed(table, title)

    def _change(self, series: Series) -> Text:
        verdict, change = self.state.verdict(series), series.change
        if verdict is None or change is None:
            return Text("")
        words = "unchanged" if verdict == "same" else f"{change:+.3g}" + ("" if verdict == "moved" else f" {verdict}")
        return Text(words, _VERDICTS[verdict])

    def _alerts(self, rows: int) -> Panel:
        alerts = list(self.state.alerts)[-rows:]
        if not alerts:
            return self._framed(Text("none", "dim"), "alerts")
        content = Text(no_wrap=True, overflow="ellipsis")
        for number, alert in enumerate(reversed(alerts)):
            said = f"{alert.level} at {alert.position}: {visible(alert.message)}".replace("\n", " ")
            content.append(("\n" if number else "") + said, _LEVELS.get(alert.level, ""))
        return self._framed(content, "alerts")

    def _beliefs(self, rows: int) -> Panel:
        known = self.known
        if known is None or not known.changes:
            behind = "" if known is None else self._behind(known)
            return self._framed(Text("nothing was believed yet", "dim"), f"beliefs{behind}")
        content = Text(no_wrap=True, overflow="ellipsis")
        for number, change in enumerate(known.changes[: max(rows, 1)]):
            content.append("\n" if number else "")
            content.append(f"{change.credence:.2f} {change.status} ", _STATUSES.get(change.status, ""))
            content.append(visible(change.statement).replace("\n", " "))
        return self._framed(content, f"beliefs that changed last{self._behind(known)}")

    def _behind(self, known: Recent) -> str:
        left = self.state.position - known.folded
        return f" ({left:,} events not folded yet)" if left > 0 else ""


@dataclass(frozen=True, slots=True)
class Spark:
    """Numbers as bars, as many of the last ones as there is room for."""

    values: tuple[float, ...]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, max(len(self.values), 1))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(sparkline(self.values[-options.max_width :]), "cyan", no_wrap=True)


def sparkline(values: Iterable[float], floor: float | None = None) -> str:
    """Draw numbers as bars between the least and the greatest of them; what is not finite is a question mark.

    Args:
        values: The numbers, in order.
        floor: Where the lowest bar begins; None: at the least number.
    """
    numbers = list(values)
    finite = [number for number in numbers if math.isfinite(number)]
    low = floor if floor is not None else min(finite, default=0.0)
    span = max(finite, default=0.0) - low

    def bar(number: float) -> str:
        if not math.isfinite(number):
            return "?"
        if span <= 0:
            return _BARS[0]
        return _BARS[min(int((number - low) / span * len(_BARS)), len(_BARS) - 1)]

    return "".join(map(bar, numbers))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _line(words: str, style: str = "") -> Text:
    return Text(visible(words).replace("\n", " "), style, no_wrap=True, overflow="ellipsis")


def _listed(names: Iterable[str], most: int = 3) -> str:
    every: Sequence[str] = list(names)
    return visible(", ".join(every[:most])) + (f" and {len(every) - most} more" if len(every) > most else "")

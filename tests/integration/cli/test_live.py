"""`palimpsest log --follow` on a real pseudo-terminal, while another process writes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from introspection import SharingMap
from memory import MemorySystem

TIED = ["lm_head.weight", "model.embed_tokens.weight"]
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|[()][A-Z0-9])")
ALTERNATE, PLAIN_AGAIN = "\x1b[?1049h", "\x1b[?1049l"
HOME, HIDDEN, SHOWN = "\x1b[H", "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A command on a pseudo-terminal of its own, read as it comes."""

    def __init__(self, *arguments: str, columns: int = 150, rows: int = 36) -> None:
        self.process, self._screen = pty.fork()
        if self.process == 0:
            command = [sys.executable, "-c", "from memory.cli import main; main()", *arguments]
            # Handed on as Python knows it: the readline library of the test runner has put COLUMNS beside it.
            os.execve(sys.executable, command, {**os.environ, "TERM": "xterm-256color"})
        self.raw = ""
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    @property
    def picture(self) -> str:
        """The last picture that was drawn whole, without colours; where there are none, everything."""
        drawn = self.raw.split(HOME)
        return _ESCAPES.sub("", drawn[-2] if len(drawn) > 2 else self.raw)

    def until(self, *wanted: str, width: int = 1000) -> str:
        """Read until the picture has some texts and fits a width, and give it."""
        deadline = time.monotonic() + 30
        while True:
            seen = self.picture
            if all(text in seen for text in wanted) and max(map(len, seen.splitlines()), default=0) <= width:
                return seen
            assert time.monotonic() < deadline, f"{wanted} was not drawn, but: {seen}"
            assert self._read(), f"it ended without {wanted}: {self.raw[-2000:]}"

    def ended(self) -> int:
        """Read to the end and give the exit code."""
        deadline = time.monotonic() + 30
        while self._read():
            assert time.monotonic() < deadline
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def _read(self) -> bool:
        if not select.select([self._screen], [], [], 0.2)[0]:
            return True
        try:
            new = os.read(self._screen, 65536)
        except OSError:  # on Linux, what a pseudo-terminal says when nobody is left on the other side
            return False
        self.raw += new.decode(errors="replace")
        return bool(new)


@pytest.fixture
def agent(database_url: str) -> Iterator[MemorySystem]:
    """An agent at work on a tied model, on each engine."""
    with MemorySystem(database_url) as memory:
        memory.attach(SharingMap.from_relations(names=[*TIED, "norm.weight"], same=[TIED]), name="sim")
        memory.record_metrics({"loss": 2.5})
        yield memory


def test_a_picture_moves_with_what_an_agent_does_until_ctrl_c(database_url: str, agent: MemorySystem) -> None:
    terminal = Terminal("log", "--follow", "-d", database_url)
    drawn = terminal.until("position 2")
    assert terminal.raw.startswith(ALTERNATE)
    assert "loss 2.5" in drawn
    agent.record_modification("lm_head.weight", act="surgery")
    agent.record_metrics({"loss": 2.25}, act="surgery")
    drawn = terminal.until("-0.25 better")
    assert "◆" in drawn
    assert "lm_head.weight also model.embed_tokens.weight" in drawn
    assert "act surgery" in drawn
    agent.safety.emergency_stop("weights are on fire")
    terminal.until("EMERGENCY STOP every model: weights are on fire")
    terminal.resize(70, 20)
    terminal.until("position 5", "EMERGENCY STOP", width=70)
    terminal.type("\x03")
    assert terminal.ended() == 0
    assert terminal.raw.count(ALTERNATE) == terminal.raw.count(PLAIN_AGAIN) == 1
    assert terminal.raw.rindex(SHOWN) > terminal.raw.rindex(HIDDEN)
    left = _ESCAPES.sub("", terminal.raw[terminal.raw.index(PLAIN_AGAIN) :])
    assert "position 5" in left
    assert "Traceback" not in left


def test_what_ends_it_from_outside_leaves_the_terminal_as_it_was(sqlite_url: str) -> None:
    MemorySystem(sqlite_url).close()
    terminal = Terminal("log", "--follow", "-d", sqlite_url)
    terminal.until("waiting for the first event")
    os.kill(terminal.process, signal.SIGTERM)
    assert terminal.ended() == 128 + signal.SIGTERM
    assert PLAIN_AGAIN in terminal.raw
    assert terminal.raw.rindex(SHOWN) > terminal.raw.rindex(HIDDEN)


def test_lines_are_printed_on_a_terminal_too_where_they_are_asked_for(sqlite_url: str) -> None:
    with MemorySystem(sqlite_url) as memory:
        memory.record_metrics({"loss": 2.5})
        terminal = Terminal("log", "--follow", "--plain", "-d", sqlite_url)
        terminal.until("metrics_recorded")
        assert ALTERNATE not in terminal.raw
        terminal.type("\x03")
        assert terminal.ended() == 0

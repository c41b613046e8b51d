"""Captures that are held on to, each under the key of everything it depends on, within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from introspection.activation_store import Activations
from introspection.quick_fingerprint import quick_fingerprints


@dataclass(frozen=True, slots=True)
class _Held:
    captured: Activations
    kind: str
    contents: dict[str, str | None] | None
    """What the tensors were, by fingerprint; None for a capture that is never given out again."""


class CaptureCache:
    """The captures of one monitor; the oldest are let go when a new one needs their bytes.

    A capture is found again only under its exact key, and only while every tensor of it is what it was when it was
    put in: whoever got the tensors may have written to them.

    Args:
        max_bytes: The most bytes that all captures together hold, the one being made included.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[object, _Held] = OrderedDict()

    def get(self, key: str | None) -> Activations | None:
        """The capture under this key, now the latest of its kind; None if there is none that can be trusted."""
        held = self._held.get(key) if key is not None else None
        if held is None:
            return None
        if held.contents is None or quick_fingerprints(held.captured) != held.contents:
            del self._held[key]
            return None
        self._held.move_to_end(key)
        return held.captured

    def put(self, key: str | None, kind: str, captured: Activations) -> None:
        """Holds a capture as the latest of its kind; without a key it is never given out for another run.

        Only the latest capture without a key is held.
        """
        for other in [each for each, held in self._held.items() if held.contents is None and held.kind == kind]:
            del self._held[other]
        contents = quick_fingerprints(captured) if key is not None else None
        if contents is not None and None in contents.values():
            contents = None
        self._held[key if key is not None else object()] = _Held(captured, kind, contents)
        self.make_room(0)

    def latest(self, kind: str) -> Activations | None:
        """The latest capture of a kind, made or found again."""
        return next((held.captured for held in reversed(self._held.values()) if held.kind == kind), None)

    def make_room(self, needed: int) -> None:
        """Lets the oldest captures go until `needed` more bytes fit."""
        used = sum(held.captured.nbytes for held in self._held.values())
        while self._held and used + needed > self._max_bytes:
            _, oldest = self._held.popitem(last=False)
            used -= oldest.captured.nbytes

    def clear(self) -> None:
        """Lets all captures go."""
        self._held.clear()

"""The rules of a running model: from what was seen of a forward, a backward or the process to what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from memory.safety.rules import Finding
from memory.safety.settings import SafetySettings

if TYPE_CHECKING:
    from memory.safety.output import OutputSeen
    from memory.safety.watching import ForwardSeen, GradientsSeen

_LISTED = 50
"""Modules that an alert lists; it counts all."""


def judge_forward(seen: ForwardSeen, settings: SafetySettings) -> list[Finding]:
    """Say what is wrong with a forward: one finding for all its NaN and infinities, which names where they began."""
    found: list[Finding] = []
    if seen.not_finite:
        first = seen.not_finite[0]
        paths = [each.module for each in seen.not_finite]
        what = "NaN" if first.kind == "nan" else "infinite values"
        reached = f", and {len(paths) - 1} more after it" if len(paths) > 1 else ""
        found.append(
            Finding(
                "activation_nonfinite",
                "critical",
                "nan",
                f"{_module(first.module)} gave out {what}{reached}",
                (first.module,),
                {"kind": first.kind, "modules": paths[:_LISTED], "count": len(paths)},
            )
        )
    latency = judge_latency(seen.seconds, settings, seen.module)
    return found if latency is None else [*found, latency]


def judge_latency(seconds: float, settings: SafetySettings, module: str = "") -> Finding | None:
    """Say that something took too long, if it did."""
    if seconds <= settings.latency_seconds:
        return None
    return Finding(
        "latency",
        "warning",
        "latency",
        f"{_module(module)} took {seconds:.3g} s, more than {settings.latency_seconds:g}",
        (module,) if module else (),
        {"seconds": seconds, "bound": settings.latency_seconds},
    )


def judge_gradients(seen: GradientsSeen, settings: SafetySettings) -> list[Finding]:
    """Say what is wrong with the gradients of a backward."""
    if seen.not_finite:
        first, more = seen.not_finite[0], len(seen.not_finite) - 1
        message = f"the gradient of {first}{f' and {more} more' if more else ''} is not finite"
        details = {"parameters": list(seen.not_finite[:_LISTED]), "count": more + 1}
        return [Finding("gradient_nonfinite", "critical", "nan", message, seen.not_finite[:_LISTED], details)]
    if seen.norm <= settings.gradient_norm:
        return []
    message = f"the gradients have norm {seen.norm:.4g}, more than {settings.gradient_norm:g}"
    return [
        Finding(
            "gradient_norm",
            "warning",
            "gradient",
            message,
            details={"norm": seen.norm, "bound": settings.gradient_norm},
        )
    ]


def judge_output(seen: OutputSeen, settings: SafetySettings) -> list[Finding]:
    """Say what is wrong with logits."""
    if seen.not_finite:
        message = f"{seen.not_finite} of {seen.positions} positions of the output hold NaN, or nothing that is possible"
        details = {"positions": seen.positions, "not_finite": seen.not_finite}
        return [Finding("output_nonfinite", "critical", "nan", message, details=details)]
    entropy = seen.entropy
    if entropy is None or settings.entropy_low <= entropy <= settings.entropy_high:
        return []
    low = entropy < settings.entropy_low
    bound = settings.entropy_low if low else settings.entropy_high
    message = f"the output's mean entropy is {entropy:.4g} nats, {'below' if low else 'above'} {bound:g}"
    return [
        Finding("output_entropy", "warning", "entropy", message, details={"entropy": entropy, "bound": bound}),
    ]


def judge_memory(megabytes: Mapping[str, float], settings: SafetySettings) -> list[Finding]:
    """Say where too much memory is used: in the process (`process`) or on an accelerator (`cuda:0`)."""
    return [
        Finding(
            "memory",
            "warning",
            "memory",
            f"{place} uses {used:.0f} MB of memory, more than {settings.memory_megabytes:g}",
            (place,),
            {"megabytes": used, "bound": settings.memory_megabytes},
        )
        for place, used in megabytes.items()
        if used > settings.memory_megabytes
    ]


def judge_weights(wrong: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Say which weights hold NaN or infinities: one finding for all of them.

    Args:
        wrong: Storage key to what is wrong with it, in words.
    """
    if not wrong:
        return []
    keys = tuple(sorted(wrong))
    words = [word for key in keys for word in wrong[key]]
    message = "; ".join(words[:3]) + (f"; and {len(words) - 3} more" if len(words) > 3 else "")
    return [Finding("weight_nonfinite", "critical", "nan", message, keys[:_LISTED], {"count": len(keys)})]


def _module(path: str) -> str:
    return path if path else "the model"

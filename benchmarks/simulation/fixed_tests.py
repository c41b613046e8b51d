"""Fixed-sample tests with Benjamini–Hochberg: what a careful analyst does who looks again and again.

`raw=True` is the usual way: levels as they are logged, counts against a Poisson rate. `raw=False` gives the same
tests the statistics of this memory: products of innovations for levels, with their own spread (so that bursts do not
make them stronger than they are), after minus before for counts, blocks for trends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse, special, stats

from benchmarks.simulation.chronicle import Floats
from benchmarks.simulation.columns import AHEAD, Columns, ahead, behind

ALPHA = 0.05
_BLOCK = 64
_QUANTILE = 0.85
_LEAST = 6
"""Fewer outcomes than this are not tested."""


@dataclass(frozen=True, slots=True)
class Tested:
    """One kind of hypothesis: p-values and signs, by the two ends."""

    kind: str
    p: Floats
    sign: Floats
    subjects: tuple[str, ...]
    objects: tuple[str, ...]


def tests(columns: Columns, acts: int, *, raw: bool) -> Iterator[Tested]:
    """Yield every kind's tests on the first acts of a run."""
    written, doses = columns.written[:acts], columns.doses[:acts]
    outcomes, values = columns.outcomes[:acts], columns.values[:acts]
    names = tuple(columns.label(c, acts - 1) for c in range(written.shape[1]))
    writes = tuple(f"write:{name}" for name in names)
    categories = tuple(f"kind:note-{c}" for c in range(columns.observed.shape[1]))
    metrics = columns.metrics
    yield Tested("effect", *_means(doses, outcomes), names, metrics)
    yield Tested("impact", *_means(written, outcomes), names, metrics)
    yield Tested("comodification", _joint(written), np.zeros((len(names),) * 2), names, names)
    read = sum(at < acts for at in columns.read_at)
    if read > 2 * _LEAST:
        readings = columns.readings[:read]
        yield Tested("cochange", *_pairs(readings, raw=raw), names, names)
    yield Tested("metric_pair", *_pairs(values, raw=raw), metrics, metrics)
    following = np.hstack([written, columns.observed[:acts]])
    p = _following(written, following, raw=raw)
    np.fill_diagonal(p, np.nan)
    yield Tested("sequence", p, np.zeros_like(p), writes, writes + categories)
    yield Tested("trend", *_trends(values, raw=raw), metrics, ("",))
    crossings = _crossings(values)
    yield Tested(
        "threshold",
        _following(crossings, columns.observed[:acts], raw=raw),
        np.zeros((len(metrics), len(categories))),
        metrics,
        categories,
    )


def _means(sides: Floats, outcomes: Floats) -> tuple[Floats, Floats]:
    """T tests of the mean of side times outcome, where there is a side."""
    n = np.abs(sides).sum(axis=0)[:, None]
    rows = sparse.csr_array(sides.T)
    total, squares = rows @ outcomes, abs(rows) @ outcomes**2
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / n
        spread = np.sqrt(np.maximum(squares / n - mean**2, 0.0) * n / (n - 1.0))
        t = mean / (spread / np.sqrt(n))
        p = np.where(n >= _LEAST, 2.0 * stats.t.sf(np.abs(t), n - 1.0), np.nan)
    return p, np.sign(total)


def _joint(written: Floats) -> Floats:
    """Fisher's exact test, one-sided, on acts that wrote both."""
    each = written.sum(axis=0)
    p = np.full((written.shape[1],) * 2, np.nan)
    upper = np.triu_indices(written.shape[1], 1)
    both = (sparse.csr_array(written.T) @ written)[upper]
    first, second = each[upper[0]], each[upper[1]]
    enough = (first >= _LEAST) & (second >= _LEAST)
    p[upper] = np.where(enough, _at_least(both, len(written), first, second), np.nan)
    return p


def _at_least(both: Floats, acts: int, first: Floats, second: Floats) -> Floats:
    """Give the hypergeometric chance of so many acts or more that wrote both; 1 where chance alone expects them.

    The sum ends after 80 terms: beyond what is expected they fall faster than a geometric series.
    """

    def ways(n: Floats, k: Floats) -> Floats:
        return np.asarray(special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0))

    k = both[:, None] + np.arange(80.0)
    possible = k <= np.minimum(first, second)[:, None]
    k = np.where(possible, k, both[:, None])
    first, second = first[:, None], second[:, None]
    logs = ways(first, k) + ways(acts - first, second - k) - ways(np.full_like(second, acts), second)
    tail = np.where(possible, np.exp(logs), 0.0).sum(axis=1)
    return np.where(both <= (first * second)[:, 0] / acts, 1.0, np.minimum(1.0, tail))


def _innovations(levels: Floats) -> Floats:
    """What each level adds to a first-order forecast from the one before."""
    before, after = levels[:-1], levels[1:]
    from_mean = _centred(before)
    with np.errstate(divide="ignore", invalid="ignore"):
        memory = np.nansum(from_mean * _centred(after), axis=0) / np.nansum(from_mean**2, axis=0)
    return np.asarray(after - np.clip(np.nan_to_num(memory), -0.99, 0.99) * before)


def _centred(series: Floats) -> Floats:
    """Take each column's mean from it; columns may have rows without a number, or be without any."""
    here = np.isfinite(series)
    mean = np.nansum(series, axis=0) / np.maximum(1, here.sum(axis=0))
    return np.asarray(series - mean)


def _pairs(series: Floats, *, raw: bool) -> tuple[Floats, Floats]:
    """Test every pair of columns, on the rows that have both: Pearson's r of levels, or products of innovations."""
    centred = _centred(series if raw else _innovations(series))
    here = np.isfinite(centred).astype(np.float64)
    filled = np.nan_to_num(centred)
    n, total = here.T @ here, filled.T @ filled
    with np.errstate(divide="ignore", invalid="ignore"):
        if raw:
            squares = (filled**2).T @ here
            r = np.clip(total / np.sqrt(squares * squares.T), -1.0, 1.0)
            p = 2.0 * stats.t.sf(np.abs(r * np.sqrt((n - 2.0) / np.maximum(1.0 - r**2, 1e-300))), n - 2.0)
        else:
            p = 2.0 * stats.norm.sf(np.abs(total / np.sqrt((filled**2).T @ filled**2)))
    p = np.where(n >= 2 * _LEAST, p, np.nan)
    p[np.tril_indices(len(p))] = np.nan
    return p, np.sign(total)


def _following(causes: Floats, events: Floats, *, raw: bool) -> Floats:
    """Z tests of how often events follow causes: against their rate, or against how often they precede them."""
    n = causes.sum(axis=0)[:, None]
    rows = sparse.csr_array(causes.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        if raw:
            expected = n * AHEAD * events.mean(axis=0)[None, :]
            p = stats.poisson.sf(rows @ ahead(events) - 1.0, expected)
        else:
            difference = ahead(events) - behind(events)
            z = (rows @ difference) / np.sqrt(rows @ difference**2)
            p = stats.norm.sf(z)
    return np.where(n >= _LEAST, p, np.nan)


def _trends(values: Floats, *, raw: bool) -> tuple[Floats, Floats]:
    if raw:
        r = np.array([np.corrcoef(np.arange(len(values)), column)[0, 1] for column in values.T])
        t = r * np.sqrt((len(values) - 2.0) / np.maximum(1.0 - r**2, 1e-300))
        return 2.0 * stats.t.sf(np.abs(t), len(values) - 2.0)[:, None], np.sign(r)[:, None]
    blocks = len(values) // _BLOCK
    if blocks < _LEAST:
        return np.full((values.shape[1], 1), np.nan), np.zeros((values.shape[1], 1))
    means = values[: blocks * _BLOCK].reshape(blocks, _BLOCK, -1).mean(axis=1)
    found = stats.ttest_1samp(means[2:] - means[:-2], 0.0)
    return np.asarray(found.pvalue)[:, None], np.sign(found.statistic)[:, None]


def _crossings(values: Floats) -> Floats:
    high = values > np.quantile(values, _QUANTILE, axis=0)
    crossed = np.zeros_like(values)
    crossed[1:] = high[1:] & ~high[:-1]
    return crossed


def rejected(tested: list[Tested]) -> Iterator[tuple[Tested, int, int]]:
    """Yield what Benjamini–Hochberg rejects over all kinds together."""
    p = np.concatenate([each.p.ravel() for each in tested])
    usable = np.sort(p[np.isfinite(p)])
    passes = np.flatnonzero(usable <= ALPHA * np.arange(1, usable.size + 1) / max(1, usable.size))
    if not passes.size:
        return
    for each in tested:
        with np.errstate(invalid="ignore"):
            for row, column in np.argwhere(each.p <= usable[passes[-1]]):
                if each.subjects[row] and (each.objects[column] or each.kind == "trend"):
                    yield each, int(row), int(column)


def claims_by_tests(columns: Columns, peeks: int, *, raw: bool) -> list[Mapping[str, Any]]:
    """Give every claim ever made, in rows like those of `patterns`, active if made at the last peek.

    Args:
        columns: The run.
        peeks: How often it is looked at, the last time at its end.
        raw: See the module.
    """
    claims: dict[tuple[str, str, str], dict[str, Any]] = {}
    for peek in range(1, peeks + 1):
        acts = len(columns.positions) * peek // peeks
        if acts < 2 * _BLOCK and peek < peeks:
            continue
        for claim in claims.values():
            claim["status"] = "weakened"
        for each, row, column in rejected(list(tests(columns, acts, raw=raw))):
            key = each.kind, each.subjects[row], each.objects[column]
            claim = claims.setdefault(
                key,
                {
                    "kind": each.kind,
                    "subject": each.subjects[row],
                    "object": each.objects[column],
                    "direction": int(each.sign[row, column]),
                    "first_position": columns.positions[acts - 1],
                },
            )
            claim["status"] = "active"
    return list(claims.values())

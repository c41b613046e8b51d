"""Causal discovery: PCMCI with partial correlation (tigramite), Benjamini–Hochberg over its links, peeked."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.simulation.columns import Columns

ALPHA = 0.05
LAG = 1
_LEAST_ACTS = 200


def claims_by_pcmci(columns: Columns, peeks: int) -> list[Mapping[str, Any]]:
    """Give every claim ever made, in rows like those of `patterns`, active if made at the last peek.

    Its variables are the metrics and every column's signed dose; it is told that writes cause metrics, and asked which,
    and which metrics go together.
    """
    claims: dict[tuple[str, str, str], dict[str, Any]] = {}
    for peek in range(1, peeks + 1):
        acts = len(columns.positions) * peek // peeks
        if acts < _LEAST_ACTS:
            continue
        for claim in claims.values():
            claim["status"] = "weakened"
        for kind, subject, target, direction in _links(columns, acts):
            row = {"kind": kind, "subject": subject, "object": target, "direction": direction}
            claim = claims.setdefault((kind, subject, target), row | {"first_position": columns.positions[acts - 1]})
            claim["status"] = "active"
    return list(claims.values())


def _links(columns: Columns, acts: int) -> Iterator[tuple[str, str, str, int]]:
    from tigramite.data_processing import DataFrame
    from tigramite.independence_tests.parcorr import ParCorr
    from tigramite.pcmci import PCMCI

    metrics = len(columns.metrics)
    used = np.flatnonzero(np.abs(columns.doses[:acts]).sum(axis=0) > 0)
    data = np.hstack([columns.values[:acts], columns.doses[:acts][:, used]])
    data = (data - data.mean(axis=0)) / np.maximum(data.std(axis=0), 1e-12)
    assumed: dict[int, dict[tuple[int, int], str]] = {target: {} for target in range(data.shape[1])}
    for target in range(metrics):
        for source in range(metrics):
            if source != target:
                assumed[target][source, 0] = "o?o"
            assumed[target][source, -1] = "-?>"
        for source in range(metrics, data.shape[1]):
            assumed[target][source, 0] = "-?>"
            assumed[source][target, 0] = "<?-"
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        method = PCMCI(dataframe=DataFrame(data), cond_ind_test=ParCorr(), verbosity=0)
        found = method.run_pcmci(link_assumptions=assumed, tau_min=0, tau_max=LAG, pc_alpha=0.05, alpha_level=ALPHA)
    # Its own correction would count links that were assumed away as well.
    asked = [(a, b) for b in range(metrics) for a in range(data.shape[1]) if a >= metrics or a > b]
    p = np.array([found["p_matrix"][source, target, 0] for source, target in asked])
    passes = np.flatnonzero(np.sort(p) <= ALPHA * np.arange(1, p.size + 1) / p.size)
    bar = np.sort(p)[passes[-1]] if passes.size else -1.0
    for (source, target), each in zip(asked, p, strict=True):
        if each <= bar:
            sign = int(np.sign(found["val_matrix"][source, target, 0]))
            if source < metrics:
                yield "metric_pair", columns.metrics[target], columns.metrics[source], sign
            else:
                name = columns.label(int(used[source - metrics]), acts - 1)
                yield "effect", name, columns.metrics[target], sign

"""What questions are narrowed by: times as the tables hold them."""

from __future__ import annotations

import pytest

from memory.errors import InvalidArgument
from memory.query.narrowing import moment_text


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ("2026-07-01T12:00:00+05:00", "2026-07-01T07:00:00.000000Z"),
        ("2026-07-01", "2026-07-01T00:00:00.000000Z"),
        ("0300-01-01", "0300-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_is_text_that_sorts_as_the_tables_do(given: str, held: str) -> None:
    assert moment_text("start_time", given) == held


@pytest.mark.parametrize("given", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-05:00"])
def test_a_time_that_utc_has_not_is_refused(given: str) -> None:
    with pytest.raises(InvalidArgument, match="start_time"):
        moment_text("start_time", given)

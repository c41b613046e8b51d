from __future__ import annotations

import datetime
import subprocess
import sys

import pytest

from memory.errors import InvalidPayload
from memory.events import NewEvent, build, model_of, model_stream
from memory.events.envelope import category_of, from_microseconds, to_microseconds
from memory.events.observations import Observation

PAYLOAD = build(Observation, obs_type="discovery", category="c")
UTC = datetime.UTC


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\nb", "a\x7fb", "a\x85b", "\ud800", "x" * 201, 7, None])
def test_names_that_cannot_be_stored_or_read_are_refused(name: object) -> None:
    with pytest.raises(InvalidPayload):
        model_stream(name)  # type: ignore[arg-type]
    with pytest.raises(InvalidPayload):
        NewEvent(PAYLOAD, stream=name)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["qwen", "Qwen/Qwen2.5-3B", "модель", "a b", "x" * 200])
def test_a_model_has_a_stream_of_its_own(name: str) -> None:
    stream = model_stream(name)
    assert model_of(stream) == name
    assert NewEvent(PAYLOAD, stream=stream).stream == stream
    assert category_of(stream) == "model"


def test_other_streams_belong_to_no_model() -> None:
    assert model_of("memory") is None
    assert model_of("models") is None


@pytest.mark.parametrize("field", ["act_id", "causation_id", "key"])
@pytest.mark.parametrize("value", ["", "a\0", "x" * 1001, 5])
def test_other_envelope_texts_are_checked_too(field: str, value: object) -> None:
    with pytest.raises(InvalidPayload, match=field):
        NewEvent(PAYLOAD, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "moment",
    [
        datetime.datetime(2026, 1, 1),
        datetime.datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
        datetime.datetime(9999, 12, 31, 23, 59, tzinfo=datetime.timezone(datetime.timedelta(hours=-1))),
        "2026-01-01",
        1700000000,
    ],
)
def test_times_without_a_zone_or_out_of_range_are_refused(moment: object) -> None:
    with pytest.raises(InvalidPayload, match="occurred_at"):
        NewEvent(PAYLOAD, occurred_at=moment)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "moment",
    [
        datetime.datetime(1970, 1, 1, tzinfo=UTC),
        datetime.datetime(2026, 7, 1, 12, 0, 0, 1, datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    ],
)
def test_times_survive_as_microseconds(moment: datetime.datetime) -> None:
    assert from_microseconds(to_microseconds(moment)) == moment


def test_errors_and_envelope_import_nothing_heavy() -> None:
    code = (
        "import sys, memory.errors, memory.events.envelope\n"
        "print([name for name in ('sqlalchemy', 'torch', 'numpy', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Every way to change a log behind our back, triggers off: each is found, and the first wrong append is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Column, LargeBinary, NullPool, Table, Text, create_engine, select, update

from memory.events import NewEvent
from memory.events.codec import content_digest
from memory.events.envelope import model_of
from memory.store import EventStore, stored_bytes, verify
from memory.store.chain import append_digest, event_bytes
from memory.store.tables import appends, event_types, ledger, record_keys, streams

Note = Callable[..., NewEvent]
Behind = Callable[..., None]


@pytest.fixture
def filled(store: EventStore, note: Note, monkeypatch: pytest.MonkeyPatch) -> EventStore:
    """Five appends of three events each, every column filled: append n has the positions 3n-2 to 3n."""
    for module in (verify, stored_bytes):
        monkeypatch.setattr(module, "CHUNK", 4)
    for number in range(5):
        events = [
            note([number, part], stream=f"s-{part}", key=f"k{number}-{part}", act_id=f"a{part}", causation_id="c")
            for part in range(3)
        ]
        store.append(events, actor="me", correlation_id="run")
    return store


CHANGES: list[tuple[Table, Column[Any], int]] = [
    (table, column, number)
    for table, numbers in ((ledger, (1, 8, 15)), (appends, (1, 3, 5)), (record_keys, (1, 8, 15)))
    for column in table.columns
    for number in numbers
]


def changed(column: Column[Any], value: Any) -> Iterator[Any]:
    """Other values a column could have."""
    if isinstance(column.type, LargeBinary):
        yield bytes([value[0] ^ 1]) + bytes(value[1:])
    elif isinstance(column.type, Text):
        yield value + " "
    else:
        yield value + 1000
    if column.nullable:
        yield None


def test_a_change_of_any_column_of_any_row_is_found_in_its_append(filled: EventStore, behind_our_back: Behind) -> None:
    behind_our_back(filled)
    missed, misplaced = [], []
    tried = 0
    with create_engine(filled.database.location.url, poolclass=NullPool).connect() as connection:
        for table, column, number in CHANGES:
            place = table.c.append_id if table is appends else table.c.position
            row = place == number
            value = connection.execute(select(column).where(row)).scalar_one()
            for other in changed(column, value):
                connection.execute(update(table).where(row).values({column: other}))
                connection.commit()
                report = filled.verify()
                tried += 1
                owner = number if table is appends else (number + 2) // 3
                if report.ok:
                    missed.append((table.name, column.name, number, other))
                elif report.problems[0].append_id != owner and column is not place:
                    misplaced.append((table.name, column.name, number, other, str(report.problems[0])))
                moved = column == other if column is place else row
                connection.execute(update(table).where(moved).values({column: value}))
                connection.commit()
    assert missed == []
    assert misplaced == []
    assert tried > 50
    assert filled.verify().ok


@pytest.mark.parametrize("table", [streams, event_types], ids=lambda table: table.name)
def test_a_change_of_any_column_of_a_name_is_found(
    filled: EventStore, note: Note, behind_our_back: Behind, table: Table
) -> None:
    behind_our_back(filled)
    missed = []
    key = next(iter(table.primary_key))
    with create_engine(filled.database.location.url, poolclass=NullPool).connect() as connection:
        for column in table.columns:
            value = connection.execute(select(column).where(key == 1)).scalar_one()
            for other in changed(column, value):
                connection.execute(update(table).where(key == 1).values({column: other}))
                connection.commit()
                if filled.verify().ok:
                    missed.append((column.name, other))
                moved = column == other if column.primary_key else key == 1
                connection.execute(update(table).where(moved).values({column: value}))
                connection.commit()
    assert missed == []
    assert filled.verify().ok


def shifted(after: int, by: int) -> list[str]:
    """Move everything after a position, as if nothing had happened there; through negative numbers, which are free."""
    statements = []
    for table, column in (("ledger", "position"), ("record_keys", "position")):
        statements.append(f"UPDATE {table} SET {column} = -({column} + {by}) WHERE {column} > {after}")
        statements.append(f"UPDATE {table} SET {column} = -{column} WHERE {column} < 0")
    statements.append(f"UPDATE appends SET first_position = first_position + {by} WHERE first_position > {after}")
    statements.append(f"UPDATE appends SET last_position = last_position + {by} WHERE last_position > {after}")
    return statements


COPY = "append_id, stream_id, {version}, type_id, act_id, causation_id, occurred_at, payload FROM ledger"
RENUMBER_STREAM = (
    "UPDATE ledger SET version = -(version + 1) WHERE stream_id = 1 AND version > 3",
    "UPDATE ledger SET version = -version WHERE version < 0",
)
SMUGGLED_IN = [
    *shifted(after=7, by=1),
    "UPDATE appends SET last_position = 10 WHERE append_id = 3",
    *RENUMBER_STREAM,
    # A copy of the event at 7, as its stream's next.
    f"INSERT INTO ledger SELECT 8, {COPY.format(version=4)} WHERE position = 7",
    "UPDATE streams SET version = version + 1 WHERE stream_id = 1",
]
SWAPPED_IN_ONE_APPEND = [
    "UPDATE ledger SET position = -1 WHERE position = 7",
    "UPDATE ledger SET position = 7 WHERE position = 8",
    "UPDATE ledger SET position = 8 WHERE position = -1",
    "UPDATE record_keys SET position = -1 WHERE position = 7",
    "UPDATE record_keys SET position = 7 WHERE position = 8",
    "UPDATE record_keys SET position = 8 WHERE position = -1",
]
SWAPPED_APPENDS = [
    statement
    for table, columns in (("ledger", "position"), ("record_keys", "position"))
    for statement in (
        f"UPDATE {table} SET {columns} = -({columns} + 3) WHERE {columns} BETWEEN 4 AND 6",
        f"UPDATE {table} SET {columns} = {columns} - 3 WHERE {columns} BETWEEN 7 AND 9",
        f"UPDATE {table} SET {columns} = -{columns} WHERE {columns} < 0",
    )
] + [
    "UPDATE ledger SET append_id = 5 - append_id WHERE append_id IN (2, 3)",
    "UPDATE ledger SET version = -(5 - version) WHERE version IN (2, 3)",
    "UPDATE ledger SET version = -version WHERE version < 0",
    "UPDATE appends SET append_id = -2 WHERE append_id = 3",
    "UPDATE appends SET append_id = 3, first_position = 7, last_position = 9 WHERE append_id = 2",
    "UPDATE appends SET append_id = 2, first_position = 4, last_position = 6 WHERE append_id = -2",
]


def without(append: int) -> list[str]:
    """Take one append out, and close the gap it leaves in every number there is."""
    first, last = 3 * append - 2, 3 * append
    return [
        f"DELETE FROM ledger WHERE append_id = {append}",
        f"DELETE FROM appends WHERE append_id = {append}",
        f"DELETE FROM record_keys WHERE position BETWEEN {first} AND {last}",
        *shifted(after=last, by=-3),
        f"UPDATE ledger SET append_id = append_id - 1, version = -(version - 1) WHERE append_id > {append}",
        "UPDATE ledger SET version = -version WHERE version < 0",
        f"UPDATE appends SET append_id = -(append_id - 1) WHERE append_id > {append}",
        "UPDATE appends SET append_id = -append_id WHERE append_id < 0",
        "UPDATE streams SET version = version - 1",
    ]


@pytest.mark.parametrize(
    ("statements", "append_id"),
    [
        pytest.param(SMUGGLED_IN, 3, id="an event smuggled into the middle"),
        pytest.param(SWAPPED_IN_ONE_APPEND, 3, id="two events of one append swapped"),
        pytest.param(SWAPPED_APPENDS, 2, id="two appends swapped"),
        pytest.param(without(1), 1, id="the first append taken out"),
        pytest.param(without(3), 3, id="an append taken out of the middle"),
        pytest.param(["DELETE FROM ledger WHERE position = 1"], 1, id="the first event deleted"),
        pytest.param(["DELETE FROM ledger", "DELETE FROM record_keys"], 1, id="every event deleted"),
        pytest.param(["DELETE FROM appends"], 0, id="every append deleted"),
        pytest.param(
            [
                "UPDATE record_keys SET position = -1 WHERE position = 8",
                "UPDATE record_keys SET position = 8 WHERE position = 9",
                "UPDATE record_keys SET position = 9 WHERE position = -1",
            ],
            3,
            id="the keys of two events swapped",
        ),
        pytest.param(
            [
                "UPDATE streams SET name = 'x' WHERE stream_id = 1",
                "UPDATE streams SET name = 's-0' WHERE stream_id = 2",
                "UPDATE streams SET name = 's-1' WHERE stream_id = 1",
            ],
            1,
            id="the names of two streams swapped",
        ),
        pytest.param(["UPDATE event_types SET name = 'observed'"], 1, id="an event type renamed"),
    ],
)
def test_a_change_that_leaves_every_number_in_order_is_found_at_its_first_append(
    filled: EventStore, behind_our_back: Behind, statements: list[str], append_id: int
) -> None:
    behind_our_back(filled, *statements)
    report = filled.verify()
    assert not report.ok
    assert report.problems[0].append_id == append_id, report.problems[:3]


def test_a_chain_forged_to_its_end_is_only_seen_with_an_anchor(
    filled: EventStore, note: Note, behind_our_back: Behind
) -> None:
    anchors = [filled.anchor()]
    behind_our_back(filled, "UPDATE ledger SET payload = replace(payload, '[2,1]', '[2,9]') WHERE position = 8")
    forge(filled)
    assert filled.verify().ok
    report = filled.verify(anchors)
    assert not report.ok
    assert "another history" in report.problems[0].message
    assert (report.problems[0].append_id, report.problems[0].last_position) == (5, 15)


def test_versions_that_do_not_follow_are_seen_even_in_a_forged_chain(
    filled: EventStore, behind_our_back: Behind
) -> None:
    # The last event of stream s-1, which is version 5 there.
    behind_our_back(
        filled,
        "UPDATE ledger SET version = 7 WHERE position = 14",
        "UPDATE streams SET version = 7 WHERE name = 's-1'",
    )
    forge(filled)
    problem = filled.verify().problems[0]
    assert "event 14 is version 7 of 's-1', and 5 is next" in problem.message
    assert problem.append_id == 5


def test_so_they_are_where_each_event_is_an_append_of_its_own(
    store: EventStore, note: Note, behind_our_back: Behind
) -> None:
    for number in range(3):
        store.append([note(number, stream="s-1", key=f"k{number}")])
    behind_our_back(
        store,
        "UPDATE ledger SET version = 7 WHERE position = 3",
        "UPDATE streams SET version = 7 WHERE name = 's-1'",
    )
    forge(store)
    problem = store.verify().problems[0]
    assert (problem.append_id, "event 3 is version 7 of 's-1', and 3 is next" in problem.message) == (3, True)


def forge(store: EventStore) -> None:
    """Make every digest anew, as somebody would who has read our code."""
    with create_engine(store.database.location.url, poolclass=NullPool).begin() as connection:
        links = connection.execute(select(appends).order_by(appends.c.append_id)).all()
        previous = bytes(links[0].digest)
        for link in links[1:]:
            keys = {row.position: row.key for row in connection.execute(select(record_keys))}
            encoded = []
            for event in store.read(after=link.first_position - 1, until=link.last_position):
                texts = (event.act_id, event.causation_id, keys[event.position])
                content = content_digest(event.event_type, model_of(event.stream), event.text)
                place = record_keys.c.position == event.position
                connection.execute(update(record_keys).where(place).values(content_digest=content))
                encoded.append(
                    event_bytes(
                        event.stream.encode(),
                        event.version,
                        event.event_type.encode(),
                        event.schema_version,
                        event.occurred_microseconds,
                        *(None if each is None else each.encode() for each in texts),
                        event.text.encode(),
                    )
                )
            previous = append_digest(
                previous,
                append_id=link.append_id,
                first_position=link.first_position,
                last_position=link.last_position,
                recorded_at=link.recorded_at,
                actor=link.actor,
                correlation_id=link.correlation_id,
                events=encoded,
            )
            place = appends.c.append_id == link.append_id
            connection.execute(update(appends).where(place).values(digest=previous))

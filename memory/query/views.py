"""The views for common questions, described: what each says, its columns, and what tells its rows apart.

The views themselves are made by migrations, whose SQL is frozen; a test holds both to each other. They have the same
columns, types and rows on both engines: truth values are 0 and 1, times UTC ISO text, lists text with commas between.
"""

from __future__ import annotations

from memory.query.view_columns import (
    ACT,
    ACTOR,
    MODEL,
    OCCURRED_AT,
    View,
    ViewColumn,
    flag,
    integer,
    number,
    text,
)
from memory.query.views_of_knowledge import WHAT_IS_KNOWN
from memory.query.views_of_writes import ACTS_AND_WRITES

WHAT_WAS_SEEN = (
    View(
        "metric_series",
        "Every number of every evaluation, with where it stands in its act.",
        ("position", "metric"),
        (
            integer("position", "the evaluation"),
            text("metric", "the metric"),
            OCCURRED_AT,
            text("model", "the model's name in this record; null: not said"),
            number("value", "the value; null where it is not finite"),
            text("special", "NaN, Infinity or -Infinity where value is null"),
            text("sample", "what it was measured on; null: not said"),
            ACT,
            text("phase", "baseline before the act's first write, outcome after it; null outside of acts that wrote"),
            text("better", "which way is better: lower, higher, or null: not said"),
            integer("retracted_position", "the event that retracted it; null where it stands"),
        ),
    ),
    View(
        "storages_now",
        "The storages there are now and every name that views each: several names are one tensor.",
        ("storage_id",),
        (
            integer("storage_id", "the storage"),
            MODEL,
            text("storage_key", "the storage key: first of its names"),
            text("layers", "every name that views it"),
            integer("names", "how many these are"),
            integer("from_position", "position from which the key holds"),
            integer("last_write_position", "the last announced write to it; null: none"),
        ),
    ),
    View(
        "sharing_history",
        "Every sharing map the record has seen.",
        ("position",),
        (
            integer("position", "the event that brought the map"),
            MODEL,
            OCCURRED_AT,
            text("event_type", "model_attached or sharing_changed"),
            text("digest", "sha256 of the map: equal maps, equal digest"),
            integer("names", "how many names the model has"),
            integer("storages", "how many storages they view"),
            integer("tied_groups", "how many storages have several names"),
        ),
    ),
    View(
        "amendments",
        "What was said to be wrong: corrections and retractions of earlier events.",
        ("position",),
        (
            integer("position", "the event"),
            text("model", "the model's name in this record; null: the event belongs to none"),
            OCCURRED_AT,
            ACTOR,
            text("event_type", "correction or retraction"),
            integer("target_position", "the event that was wrong"),
            text("target_type", "what kind of event that is"),
            text("reason", "why, in words"),
        ),
    ),
    View(
        "alerts",
        "What was seen that may be unsafe, and whether a person cleared it.",
        ("position",),
        (
            integer("position", "the alert"),
            OCCURRED_AT,
            text("model", "the model's name in this record; null: every model"),
            text("level", "info, warning, critical or emergency"),
            text("category", "what kind of thing was seen"),
            text("rule", "the rule that saw it; null: none"),
            text("message", "what was seen, in words"),
            text("layers", "the names it is about"),
            ACT,
            flag("stops", "whether it stops the model: an emergency that nobody cleared yet"),
            integer("cleared_position", "the event that ended the emergency; null: none did"),
        ),
    ),
    View(
        "checkpoint_log",
        "Checkpoints and what came after each.",
        ("position",),
        (
            integer("position", "the event that saved it"),
            MODEL,
            text("checkpoint_id", "its name"),
            OCCURRED_AT,
            text("description", "what it is, in words"),
            text("tags", "its tags now"),
            integer("size", "bytes of its files"),
            text("automatic", "why it was made where nobody asked for it: modifications or minutes"),
            flag("deleted", "whether it was let go"),
            integer("next_position", "the model's next checkpoint; null: this is the last"),
        ),
    ),
    View(
        "projection_lag",
        "How far each projection is behind the log: what SQL reads is as old as that.",
        ("name",),
        (
            text("name", "the projection"),
            integer("position", "the last event folded in"),
            integer("head", "the last event there is"),
            integer("behind", "events that are not in its tables yet"),
            integer("stopped_at", "the event it could not fold; null while it goes on"),
            text("failure", "why it stopped"),
        ),
    ),
)

EVENTS = View(
    "events",
    "Every event of the log, readable: the public SQL contract for the ledger.",
    ("position",),
    (
        integer("position", "Store-wide number: contiguous, in commit order, never reused."),
        text("event_id", "Identity derived from content and place; the same in every copy of the log."),
        text("stream", "The ordered history the event belongs to."),
        integer("version", "Number in its stream, from 1."),
        text("event_type", "What kind of event it is."),
        integer("schema_version", "Version of the payload when it was stored."),
        text("occurred_at", "When it happened: UTC, ISO text."),
        text("recorded_at", "When it was recorded: UTC, ISO text."),
        text("act_id", "The act it is part of, if any."),
        text("correlation_id", "What its append belongs to beyond this log, if said."),
        text("causation_id", "The event that caused it, if any."),
        text("actor", "Who recorded it, if said."),
        text("model", "The model its stream belongs to, if any."),
        ViewColumn("payload", "json", "What it says, as JSON."),
    ),
)
"""The log itself, readable."""

VIEWS = (*ACTS_AND_WRITES, *WHAT_IS_KNOWN, *WHAT_WAS_SEEN)
"""Every view but `events`, which is the log itself."""

"""The tables that say which bytes of weights were kept, and what was found unsafe: part of the public SQL contract."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from memory.projections.columns import JSON_TEXT, MODEL, OCCURRED, count, flag, position, text
from memory.store.tables import metadata

_PRUNED = "the event that let it go; null while it is there"

weight_deltas = Table(
    "weight_deltas",
    metadata,
    position("storage_id", "the storage", key=True),
    position("position", "the event that kept it", key=True),
    text("model", MODEL),
    text("before_fingerprint", "digest of the one state"),
    text("after_fingerprint", "digest of the other"),
    text("blob", "blake3 of the blob that holds the difference"),
    count("size", "bytes of the blob"),
    count("changed_bytes", "bytes of the storage that using it touches"),
    text("codec", "rows, sparse or dense"),
    position("pruned_position", _PRUNED, null=True),
    comment="How one state of a storage leads to another, back and forth.",
)
Index("ix_weight_deltas_blob", weight_deltas.c.blob)

keyframes = Table(
    "keyframes",
    metadata,
    position("storage_id", "the storage", key=True),
    position("position", "the event that kept it", key=True),
    text("fingerprint", "digest of the state", key=True),
    text("model", MODEL),
    text("blob", "blake3 of the blob; null: it is in a checkpoint", null=True),
    text("checkpoint_id", "the checkpoint that holds it; null: it is in a blob", null=True),
    count("size", "bytes to read"),
    position("pruned_position", _PRUNED, null=True),
    comment="States of storages of which all bytes were kept.",
)
Index("ix_keyframes_blob", keyframes.c.blob)

checkpoints = Table(
    "checkpoints",
    metadata,
    text("model", MODEL, key=True),
    text("checkpoint_id", "its name, and that of its folder", key=True),
    position("position", "the event that saved it: it holds the weights as they were then"),
    text("description", "what it is, in words"),
    count("size", "bytes of its files"),
    count("storages", "how many storages it holds"),
    Column("benchmarks", JSON_TEXT, nullable=False, comment="what the model scored then"),
    Column("modification_details", JSON_TEXT, nullable=False, comment="what led to it, as data"),
    Column("tags", JSON_TEXT, nullable=False, comment="its tags now"),
    text("automatic", "why it was made where nobody asked for it: modifications or minutes", null=True),
    text("occurred_at", OCCURRED),
    position("deleted_position", "the event that let it go; null while it is there", null=True),
    comment="Checkpoints: one row each, those let go too.",
)
Index("ix_checkpoints_position", checkpoints.c.position)

safety_alerts = Table(
    "safety_alerts",
    metadata,
    position("position", "the alert", key=True),
    text("model", MODEL, null=True),
    text("level", "info, warning, critical or emergency"),
    text("category", "what kind of thing was seen"),
    text("message", "what was seen, in words"),
    text("rule", "the rule that saw it", null=True),
    Column("layers", JSON_TEXT, nullable=False, comment="the names it is about"),
    Column("details", JSON_TEXT, nullable=False, comment="what was measured, and the bound it was held against"),
    text("act_id", "the act it came in", null=True),
    text("occurred_at", OCCURRED),
    flag("stops", "whether it stops the model: an emergency that nobody cleared yet"),
    position("cleared_position", "the event that ended the emergency; null: none did", null=True),
    comment="What was seen that may be unsafe: one row per alert.",
)
Index("ix_safety_alerts_level", safety_alerts.c.level, safety_alerts.c.position)

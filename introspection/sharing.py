"""The sharing map: which names of a model view the same bytes, as a value that needs no model and no torch."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

from introspection.errors import InvalidSharingMap, SeveralStorages, UnknownName
from introspection.sharing_format import FORMAT_VERSION, parse_sharing_map

RelationKind = Literal["same", "partial", "unknown"]


@dataclass(frozen=True, slots=True)
class Relation:
    """How two names share memory."""

    kind: RelationKind
    """`same`: exactly the same bytes; `partial`: some of them; `unknown`: not decided within the work allowed."""
    shared_bytes: int | None = None
    """How many bytes both view; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Affected:
    """One name that a write changes."""

    name: str
    """Full dotted path."""
    relation: Literal["primary", "alias", "overlap", "derived"]
    """What the name is to the one written."""
    shared_bytes: int | None = None
    """Bytes shared with the primary; None for the primary itself, for derived names, and where it is not known."""


@dataclass(frozen=True, slots=True)
class SharingDiff:
    """What changed from one map to a later one; false when nothing did."""

    tied: tuple[frozenset[str], ...] = ()
    """Pairs that share bytes now and did not before (names that were added included)."""
    untied: tuple[frozenset[str], ...] = ()
    """Pairs that shared bytes before and do not now (names that were removed included)."""
    added: tuple[str, ...] = ()
    """Names that are new."""
    removed: tuple[str, ...] = ()
    """Names that are gone."""
    changed: tuple[frozenset[str], ...] = ()
    """Pairs that share in both maps, in another way or another number of bytes (a cast, a resize)."""
    rederived: tuple[str, ...] = ()
    """Names that are computed from others than before."""

    def __bool__(self) -> bool:
        return any((self.tied, self.untied, self.added, self.removed, self.changed, self.rederived))

    def _repr_html_(self) -> str:
        from introspection.sharing_html import diff_html

        return diff_html(self)


# Not slotted: the indices below are computed once, on first use, and live in the instance's dictionary.
@dataclass(frozen=True, eq=False, repr=False)
class SharingMap:
    """All names of a model and how they share memory, at one moment; a value: frozen, comparable, hashable.

    A *storage* here is a set of bytes: names that view exactly the same bytes are one storage, and its key is the
    first of them in sorted order. Two storages may overlap; overlaps are pairwise facts, never closed transitively.

    Build one with `scan_sharing`, `from_relations` or `from_json`; the constructor takes what those have checked.
    """

    names: tuple[str, ...]
    """Every name, sorted; derived names included."""
    _same: tuple[tuple[int | None, tuple[str, ...]], ...]
    """(bytes, sorted names) of every storage with two names or more, in order of the first name."""
    _overlaps: tuple[tuple[str, str, Relation], ...]
    """(storage key, storage key, relation) of every overlap, keys and list sorted."""
    _derived: tuple[tuple[str, tuple[str, ...]], ...]
    """(name, sorted names it is computed from), sorted."""
    _stored: tuple[str, ...] = ()
    """The derived names that have bytes of their own all the same (a weight with an adapter merged into it), sorted."""

    @classmethod
    def from_relations(
        cls,
        *,
        names: Iterable[str],
        same: Iterable[Iterable[str]] = (),
        partial: Iterable[tuple[str, str]] = (),
        derived: Mapping[str, Iterable[str]] | None = None,
    ) -> SharingMap:
        """Builds the map that these relations describe, without a model.

        Args:
            names: Every name; derived names may be left out.
            same: Groups of names that view identical bytes; groups with a common name are one group.
            partial: Pairs that share some bytes, not all; holds for their aliases too.
            derived: Name to the names it is computed from.

        Raises:
            UnknownName: A relation speaks of a name that is not in `names`.
            InvalidSharingMap: The relations contradict each other.
        """
        relation = Relation("partial")
        return cls.build(
            names, [(None, group) for group in same], [(first, second, relation) for first, second in partial], derived
        )

    @classmethod
    def build(
        cls,
        names: Iterable[str],
        same: Iterable[tuple[int | None, Iterable[str]]],
        overlaps: Iterable[tuple[str, str, Relation]],
        derived: Mapping[str, Iterable[str]] | None = None,
        stored: Iterable[str] = (),
    ) -> SharingMap:
        """Builds a map in canonical form from relations with their sizes; what scanning and JSON use.

        Args:
            names: As `from_relations`.
            same: (bytes, names) of each group of names that view identical bytes; None: not known how many.
            overlaps: (name, name, relation) of each pair that shares some bytes, or may.
            derived: As `from_relations`.
            stored: The derived names that are stored all the same, and can be written: a storage each, like any other.

        Raises:
            UnknownName: A relation speaks of a name that is not in `names`.
            InvalidSharingMap: The relations contradict each other.
        """
        computed = {name: tuple(sorted(set(sources))) for name, sources in (derived or {}).items()}
        known = set(names) | set(computed)
        key_of, groups = _merge(known, same)
        for name, sources in computed.items():
            for source in sources:
                _require(source, known)
                if source == name:
                    raise InvalidSharingMap(f"{name!r} is said to be computed from itself")
        found: dict[tuple[str, str], Relation] = {}
        for first, second, relation in overlaps:
            one, other = sorted((key_of[_require(first, known)], key_of[_require(second, known)]))
            if one == other:
                raise InvalidSharingMap(
                    f"{first!r} and {second!r} are said to share some of their bytes, and to be the same bytes",
                    remedy="give the pair as `same` or as `partial`, not as both",
                )
            if found.setdefault((one, other), relation) != relation:
                raise InvalidSharingMap(f"{one!r} and {other!r} are said to overlap in two different ways")
        for name in (held := frozenset(stored)):
            if name not in computed:
                raise InvalidSharingMap(f"{name!r} is said to be stored though derived, and is not derived")
        return cls(
            names=tuple(sorted(known)),
            _same=tuple(sorted(groups, key=lambda group: group[1])),
            _overlaps=tuple((one, other, relation) for (one, other), relation in sorted(found.items(), key=_pair)),
            _derived=tuple(sorted(computed.items())),
            _stored=tuple(sorted(held)),
        )

    @property
    def groups(self) -> tuple[frozenset[str], ...]:
        """The sets of two names or more that view identical bytes."""
        return tuple(frozenset(members) for _, members in self._same)

    @property
    def relations(self) -> dict[frozenset[str], Relation]:
        """Every pair of names that shares bytes, or that may."""
        return dict(self._relations)

    @property
    def derived(self) -> dict[str, tuple[str, ...]]:
        """Every name that is computed from others, and those others."""
        return dict(self._derived)

    @cached_property
    def storages(self) -> Mapping[str, tuple[str, ...]]:
        """Every storage key and the sorted names that view exactly those bytes.

        Each name is in one, but for derived names: what is computed from others when it is looked at has no storage.
        A weight that an adapter was merged into is derived, and stored like any other.
        """
        computed = self._computed
        return MappingProxyType(
            {key: members for key, members in self._classes.items() if any(name not in computed for name in members)}
        )

    def storage_key(self, name: str) -> str:
        """The first, in sorted order, of the names that view exactly the bytes `name` views; itself if it is derived.

        Raises:
            UnknownName: No tensor has this name (module paths: see `resolve`).
        """
        return self._key_of[self._known(name)]

    def resolve(self, name: str) -> tuple[str, ...]:
        """The storage keys that a tensor name or a module path names, sorted.

        One for a tensor name, which wins over a module path of the same spelling; for a module path those of every
        tensor under it. Derived tensors under a module path are left out: they cannot be written.

        Raises:
            UnknownName: Nothing has this name.
        """
        return tuple(sorted({self._key_of[found] for found in self._named(name)}))

    def overlapping(self, key: str) -> tuple[str, ...]:
        """The keys of the storages that have some of this storage's bytes (or may have: relation `unknown`), sorted."""
        return tuple(sorted(self._neighbours.get(key, ())))

    def coupled(self, name: str) -> tuple[str, ...]:
        """Every other name that shares bytes with `name` (or may: relation `unknown`), sorted.

        These are the names whose bytes a write to `name` changes. Derived names hold other bytes: see `affected`.
        For a module path, one name per storage under it counts as given, every further one as coupled.

        Raises:
            UnknownName: Nothing has this name.
        """
        given: dict[str, str] = {}
        for found in self._named(name):
            given.setdefault(self._key_of[found], found)
        reached: set[str] = set()
        for key in given:
            reached.update(self._classes[key])
            for neighbour in self._neighbours.get(key, ()):
                reached.update(self._classes[neighbour])
        return tuple(sorted(reached - set(given.values())))

    def affected(self, name: str) -> tuple[Affected, ...]:
        """Every name a write to `name` changes: itself first, then aliases, overlaps and derived names, each sorted.

        Args:
            name: A tensor name, or a module path that names exactly one storage.

        Raises:
            UnknownName: Nothing has this name.
            SeveralStorages: A module path that names more than one storage.
        """
        primary = self.primary(name)
        key = self._key_of[primary]
        aliases = [
            Affected(alias, "alias", self._bytes_of.get(key)) for alias in self._classes[key] if alias != primary
        ]
        overlaps = sorted(
            (
                Affected(member, "overlap", relation.shared_bytes)
                for neighbour, relation in self._neighbours.get(key, {}).items()
                for member in self._classes[neighbour]
            ),
            key=lambda overlap: overlap.name,
        )
        touched = {primary, *(entry.name for entry in aliases), *(entry.name for entry in overlaps)}
        derived = [Affected(computed, "derived") for computed in self._computed_from(touched)]
        return (Affected(primary, "primary"), *aliases, *overlaps, *derived)

    def primary(self, name: str) -> str:
        """The tensor name meant by `name`: itself, or the first one under a module path that names one storage.

        Raises:
            UnknownName: Nothing has this name.
            SeveralStorages: A module path that names more than one storage.
        """
        found = self._named(name)
        keys = {self._key_of[candidate] for candidate in found}
        if len(keys) > 1:
            raise SeveralStorages(name, sorted(keys))
        return found[0]

    def under(self, path: str) -> tuple[str, ...]:
        """The sorted names of every tensor under a module path; none if there is no such module or it holds none."""
        dot, bracket = f"{path}.", f"{path}["
        return tuple(name for name in self.names if name.startswith((dot, bracket))) if path else ()

    def diff(self, other: SharingMap) -> SharingDiff:
        """What changed from this map to `other`, the later one."""
        before, after = self._relations, other._relations
        derived_before, derived_after = self.derived, other.derived
        return SharingDiff(
            tied=_sorted_pairs(pair for pair in after if pair not in before),
            untied=_sorted_pairs(pair for pair in before if pair not in after),
            added=tuple(sorted(set(other.names) - set(self.names))),
            removed=tuple(sorted(set(self.names) - set(other.names))),
            changed=_sorted_pairs(pair for pair in before if pair in after and _differ(before[pair], after[pair])),
            rederived=tuple(
                sorted(
                    name
                    for name in derived_before.keys() | derived_after.keys()
                    if derived_before.get(name) != derived_after.get(name)
                )
            ),
        )

    @cached_property
    def digest(self) -> str:
        """sha256 of the canonical JSON, in hex: equal maps have equal digests, on every machine."""
        return hashlib.sha256(self.to_json().encode("ascii")).hexdigest()

    def to_json(self) -> str:
        """The map as canonical, compact JSON: one text for one map."""
        content = {
            "version": FORMAT_VERSION,
            "names": self.names,
            "same": [[nbytes, *members] for nbytes, members in self._same],
            "partial": [[a, b, known.shared_bytes] for a, b, known in self._overlaps if known.kind == "partial"],
            "unknown": [[a, b] for a, b, relation in self._overlaps if relation.kind == "unknown"],
            "derived": dict(self._derived),
            # Left out where there is none, so that a map that has been written before reads and digests as before.
            **({"stored": self._stored} if self._stored else {}),
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> SharingMap:
        """Reads what `to_json` wrote.

        Raises:
            InvalidSharingMap: The text is no sharing map, or one of a newer format.
        """
        content = parse_sharing_map(text)
        overlaps = [
            *((one, other, Relation("partial", nbytes)) for one, other, nbytes in content.partial),
            *((one, other, Relation("unknown")) for one, other in content.unknown),
        ]
        try:
            return cls.build(content.names, content.same, overlaps, content.derived, content.stored)
        except UnknownName as error:
            raise InvalidSharingMap(f"a sharing map speaks of {error.name!r}, which is not among its names") from error

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, SharingMap) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[object, ...]:
        return SharingMap, (self.names, self._same, self._overlaps, self._derived, self._stored)

    def __repr__(self) -> str:
        return (
            f"SharingMap(names={len(self.names)}, groups={len(self._same)}, overlaps={len(self._overlaps)}, "
            f"derived={len(self._derived)}, digest={self.digest[:12]})"
        )

    def _repr_html_(self) -> str:
        from introspection.sharing_html import map_html

        return map_html(self)

    @cached_property
    def _computed(self) -> frozenset[str]:
        """The derived names without bytes of their own."""
        return frozenset(name for name, _ in self._derived).difference(self._stored)

    @cached_property
    def _classes(self) -> dict[str, tuple[str, ...]]:
        found = {members[0]: members for _, members in self._same}
        grouped = {name for members in found.values() for name in members}
        return {name: found.get(name, (name,)) for name in self.names if name in found or name not in grouped}

    @cached_property
    def _key_of(self) -> dict[str, str]:
        return {name: key for key, members in self._classes.items() for name in members}

    @cached_property
    def _bytes_of(self) -> dict[str, int | None]:
        return {members[0]: nbytes for nbytes, members in self._same}

    @cached_property
    def _neighbours(self) -> dict[str, dict[str, Relation]]:
        found: dict[str, dict[str, Relation]] = defaultdict(dict)
        for one, other, relation in self._overlaps:
            found[one][other] = relation
            found[other][one] = relation
        return dict(found)

    @cached_property
    def _relations(self) -> dict[frozenset[str], Relation]:
        found: dict[frozenset[str], Relation] = {}
        for nbytes, members in self._same:
            relation = Relation("same", nbytes)
            for index, one in enumerate(members):
                for other in members[index + 1 :]:
                    found[frozenset((one, other))] = relation
        for first, second, relation in self._overlaps:
            for one in self._classes[first]:
                for other in self._classes[second]:
                    found[frozenset((one, other))] = relation
        return found

    def _known(self, name: str) -> str:
        if name not in self._key_of:
            raise UnknownName(name, self._all_paths())
        return name

    def _named(self, name: str) -> tuple[str, ...]:
        if name in self._key_of:
            return (name,)
        found = tuple(candidate for candidate in self.under(name) if candidate not in self._computed)
        if not found:
            raise UnknownName(name, self._all_paths())
        return found

    def _all_paths(self) -> set[str]:
        paths = set(self.names)
        for name in self.names:
            parts = name.split(".")
            paths.update(".".join(parts[:length]) for length in range(1, len(parts)))
        return paths

    def _computed_from(self, touched: set[str]) -> list[str]:
        reached = set(touched)
        grown = True
        while grown:
            new = {name for name, sources in self._derived if name not in reached and not reached.isdisjoint(sources)}
            reached |= new
            grown = bool(new)
        return sorted(reached - touched)


def _merge(
    known: set[str], same: Iterable[tuple[int | None, Iterable[str]]]
) -> tuple[dict[str, str], list[tuple[int | None, tuple[str, ...]]]]:
    """The storage key of every name, and the groups of two names or more, from groups that may have names in common."""
    group_of: dict[str, set[str]] = {name: {name} for name in known}
    size_of: dict[str, int] = {}
    for nbytes, members in same:
        merged: set[str] = set()
        for name in members:
            merged |= group_of[_require(name, known)]
        for name in merged:
            group_of[name] = merged
            if nbytes is not None and size_of.setdefault(name, nbytes) != nbytes:
                raise InvalidSharingMap(f"{name!r} is said to view {size_of[name]} bytes and {nbytes} bytes")
    key_of = {name: min(group) if len(group) > 1 else name for name, group in group_of.items()}
    groups: list[tuple[int | None, tuple[str, ...]]] = [
        (size_of.get(name), tuple(sorted(group)))
        for name, group in group_of.items()
        if len(group) > 1 and key_of[name] == name
    ]
    return key_of, groups


def _require(name: str, known: set[str]) -> str:
    if name not in known:
        raise UnknownName(name, known, where="the sharing map")
    return name


def _pair(entry: tuple[tuple[str, str], Relation]) -> tuple[str, str]:
    return entry[0]


def _sorted_pairs(pairs: Iterable[frozenset[str]]) -> tuple[frozenset[str], ...]:
    return tuple(sorted(pairs, key=sorted))


def _differ(before: Relation, after: Relation) -> bool:
    if before.kind != after.kind:
        return True
    # A map made without a model does not know sizes: not knowing is no change.
    known = before.shared_bytes is not None and after.shared_bytes is not None
    return known and before.shared_bytes != after.shared_bytes

"""Takes a model that processes share out under care: every one of them attaches it, and rank 0 records it once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memory.errors import RankError
from memory.recording.attached import AttachedModel
from memory.recording.journal import Journal
from memory.recording.ranks import let_go_of_gathered, ranks_of
from memory.recording.together import Together

if TYPE_CHECKING:
    from torch.nn import Module

    from memory.recording.recorder import Recorder
    from memory.recording.sharded import SharedModel


def join(model: Module, together: Together | None, journal: Journal) -> Together | None:
    """Give the calls that all processes make, where they share a model out; None where its weights are whole here.

    Args:
        model: The model.
        together: Those of a model that was attached before.
        journal: Records nothing from now on, where this is not rank 0 of several.
    """
    if together is not None:
        return together
    ranks = ranks_of(model)
    if ranks is None:
        return None
    journal.recorded_by_rank_0 = ranks.rank > 0
    return Together(ranks)


def attach_together(recorder: Recorder, together: Together, model: Module, name: str, *, full: bool) -> AttachedModel:
    """Attach a model on every rank; record it on rank 0.

    Raises:
        RankError: The ranks have different models.
    """
    from memory.recording.sharded import ShardedScanner, SharedModel

    let_go_of_gathered(model)
    shared = SharedModel(name, ShardedScanner(model), type(model).__name__, together)
    earlier = together.models.get(name)
    together.models[name] = shared
    try:
        together.meet(
            ("attach", name, full),
            (shared.names_and_forms(), shared.ties()),
            lambda said, problem: _attach(recorder, shared, said, problem, full=full),
        )
    except BaseException:
        if earlier is None:
            together.models.pop(name, None)
        else:
            together.models[name] = earlier
        raise
    if together.ranks.rank:
        recorder.follow(shared)
    return shared


Said = tuple[dict[str, tuple[object, ...]], tuple[frozenset[frozenset[str]], frozenset[str]]]
"""What a rank says of its model: dtype and shape by name; its ties, and the names that have no bytes on this rank."""


def _attach(
    recorder: Recorder, shared: SharedModel, said: Sequence[Said], problem: RankError | None, *, full: bool
) -> None:
    """Attach the model as rank 0 does."""
    if problem is not None:
        raise problem
    forms, (ties, empty) = said[0]
    for rank, (their_forms, (their_ties, their_empty)) in enumerate(said):
        for name in sorted(set(forms) | set(their_forms)):
            if forms.get(name) != their_forms.get(name):
                raise RankError(
                    f"the ranks attach different models: {name!r} is {_spelled(forms.get(name))} on rank 0, and "
                    f"{_spelled(their_forms.get(name))} on rank {rank}",
                    remedy="build the same model on every rank; of pipelines every stage is a run of its own",
                )
        # Where a rank holds no bytes of a tensor, it cannot tell what that is tied to.
        hidden = empty | their_empty
        differing = _visible(ties, hidden) ^ _visible(their_ties, hidden)
        if differing:
            names = " and ".join(sorted(next(iter(sorted(differing, key=sorted)))))
            raise RankError(
                f"{names} are one tensor on rank 0 or on rank {rank}, and not on the other",
                remedy="tie the same weights on every rank",
            )
    recorder.take_in(shared, full=full)
    shared.tell_of_uneven()


def _visible(ties: frozenset[frozenset[str]], hidden: frozenset[str]) -> set[frozenset[str]]:
    return {left for tie in ties if len(left := tie - hidden) > 1}


def _spelled(form: tuple[object, ...] | None) -> str:
    return "not there" if form is None else " ".join(map(str, form))

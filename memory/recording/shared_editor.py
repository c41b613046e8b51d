"""Edits that all processes of a run make together: one event, and every shard put back where any of them fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from memory.errors import EditError, RankError
from memory.recording.acts import Act
from memory.recording.editing import Undo
from memory.recording.editor import Editor
from memory.recording.journal import Recorded
from memory.recording.recorder import Recorder
from memory.recording.sharded import SharedModel
from memory.recording.states import States
from memory.recording.together import Together
from memory.recording.writes import WriteDetails, targets_of
from memory.weights.live import Bytes, same_view

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class _Named:
    """What an edit is of, as rank 0 understood it."""

    model: str
    names: tuple[str, ...]
    alone: bool
    """Whether the block gets one tensor, and no dict."""


class SharedEditor(Editor):
    """Makes writes to weights that processes share out transactions: each of them runs the block on its own shards.

    Args:
        recorder: Where their events go.
        states: Keeps what leads from one state of a storage to the next.
        together: The calls that all processes make.
    """

    def __init__(self, recorder: Recorder, states: States, together: Together) -> None:
        super().__init__(recorder, states)
        self._together = together

    @contextmanager
    def edit(
        self, layer_name: str | Sequence[str], details: WriteDetails, *, model: str | None, act: Act | str | None
    ) -> Iterator[Tensor | dict[str, Tensor]]:
        """Yield this process's live shards; on leaving, record once what changed, or put everything back everywhere."""
        asked = layer_name if isinstance(layer_name, str) else tuple(layer_name)
        call = _Call(self, super().edit(layer_name, details, model=model, act=act))
        said = None if details.dose is None else float(details.dose)
        try:
            call.enter(("edit", asked, model, details.method, said, details.rows), lambda: self._named(asked, model))
            yield call.weights
        except BaseException as error:
            if call.named is None:
                raise
            call.leave(error)
            raise
        else:
            call.leave(None)
        act = self._recorder.act_of(act)
        if isinstance(act, Act) and self._together.ranks.rank:
            act.kept_elsewhere(lambda: self.undo([], act.id))

    def undo(self, undos: Sequence[Undo], act_id: str) -> tuple[Recorded, ...]:
        """Put every storage of an act back on every process, bit for bit, or none."""
        inherited = super().undo
        return self._together.call(("undo",), lambda: inherited(undos, act_id))

    def _named(self, asked: str | tuple[str, ...], model: str | None) -> _Named:
        """Say which tensors an edit is of.

        Raises:
            RankError: Copies of one differ between processes.
        """
        attached = self._recorder.model(model)
        self._recorder.note_sharing(attached)
        names = targets_of(attached, asked)
        if isinstance(attached, SharedModel):
            attached.refuse_uneven(_reached(attached, names))
        return _Named(attached.name, names, isinstance(asked, str) and len(names) == 1)

    @property
    def together(self) -> Together:
        """The calls that all processes make."""
        return self._together


class _Call:
    """One edit on one rank.

    Args:
        editor: Whose edit it is.
        block: The edit as rank 0 makes it.
    """

    def __init__(self, editor: SharedEditor, block: AbstractContextManager[Any]) -> None:
        self._together = editor.together
        self._recorder = editor._recorder
        self._block = block
        self._left = False
        self._committed = False
        self._held: dict[tuple[str, str], Bytes] = {}
        self._tensors: dict[str, Tensor] = {}
        self.named: _Named | None = None

    @property
    def weights(self) -> Tensor | dict[str, Tensor]:
        """What the block gets."""
        alone = self.named is not None and self.named.alone
        return next(iter(self._tensors.values())) if alone else dict(self._tensors)

    def enter(self, what: tuple[object, ...], name: Any) -> None:
        """Begin on every rank."""

        def begin(said: Sequence[None], problem: RankError | None) -> _Named:
            if problem is not None:
                raise problem
            named: _Named = name()
            self._block.__enter__()
            return named

        def begun(named: _Named) -> None:
            attached = self._recorder.model(named.model)
            self._tensors = {each: attached.tensor(each).detach() for each in named.names}
            self.named = named

        self._together.holding = self._held
        try:
            self._together.meet(what, None, begin, begun)
        finally:
            self._together.holding = None

    def leave(self, own: BaseException | None) -> None:
        """End on every rank: what one of them raised, all of them put back.

        Args:
            own: What the block raised on this rank.

        Raises:
            RankError: The block raised on another rank, or a rank cannot be reached.
        """
        own = own if own is not None else self._rebound()
        told = None if own is None else f"{type(own).__name__}: {own}"
        try:
            self._together.meet(("end of edit",), told, lambda said, problem: self._end(said, problem, own))
        except BaseException as error:
            self._put_back_alone(own if own is not None else error)
            if own is None:
                raise
            if error is not own and isinstance(error, RankError) and self._together.ranks.lost is not None:
                own.add_note(str(error))
        if own is not None:
            raise own

    def _end(self, said: Sequence[str | None], problem: RankError | None, own: BaseException | None) -> None:
        """End the edit as rank 0 makes it."""
        failure = own if own is not None else problem if problem is not None else _failed_elsewhere(said)
        if failure is None:
            failure = self._uneven()
        self._left = True
        if failure is None:
            self._block.__exit__(None, None, None)
            self._committed = True
            return
        self._block.__exit__(type(failure), failure, failure.__traceback__)
        raise failure

    def _uneven(self) -> RankError | None:
        named = self.named
        attached = None if named is None else self._recorder.model(named.model)
        if named is not None and isinstance(attached, SharedModel):
            try:
                attached.refuse_uneven(_reached(attached, named.names))
            except RankError as error:
                return error
        return None

    def _rebound(self) -> EditError | None:
        """Say so where a name was bound to another tensor on this rank."""
        named = self.named
        if named is None:
            return None
        attached = self._recorder.model(named.model)
        for name, tensor in self._tensors.items():
            if not same_view(attached.tensor(name), tensor):
                return EditError(
                    f"{name!r} was bound to another tensor inside the edit on rank {self._together.ranks.rank}, so "
                    "the write never reached its bytes",
                    remedy="write in place (weight.copy_, weight += ...), or rebind outside of edit: the map follows",
                )
        return None

    def _put_back_alone(self, error: BaseException) -> None:
        """Where the others cannot be reached any more, put back what this rank held."""
        ranks = self._together.ranks
        if ranks.lost is None or self._committed:
            return
        if ranks.rank == 0 and not self._left:
            # It ends the edit, and then fails to reach the others, as is known already.
            with suppress(BaseException):
                self._block.__exit__(type(error), error, error.__traceback__)
        self._together.put_back(self._held)


def _reached(attached: SharedModel, names: Sequence[str]) -> set[str]:
    """Give the storages under some names, and those that overlap them, of which processes hold copies."""
    keys = {attached.sharing.storage_key(name) for name in names}
    keys |= {key for name in names for key in attached.overlapping(name)}
    return {key for key in keys if attached.copied(key)}


def _failed_elsewhere(said: Sequence[str | None]) -> RankError | None:
    """Give what all ranks raise where the block raised on one of them."""
    for rank, told in enumerate(said):
        if told is not None:
            return RankError(
                f"the edit failed on rank {rank}, which raised {told}",
                remedy=f"every byte was put back on every rank; mend what rank {rank} raised",
            )
    return None

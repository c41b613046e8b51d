"""Calls that all processes of a run make together: rank 0 does what is asked, the others hold out their shards to it.

What is decided is decided once, on rank 0: the others learn how the call ended, and end it the same way.
"""

from __future__ import annotations

import pickle
import random
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from introspection.sharing import SharingMap
from memory.errors import PalimpsestError, RankError
from memory.recording.interrupts import deferred_interrupts
from memory.recording.rank_messages import (
    Raised,
    Read,
    Refusal,
    Returned,
    Signs,
    What,
    Write,
    disagreement,
    no_pieces_of_one,
    pickled,
    raise_refused,
    refused,
    told,
)
from memory.recording.ranks import Ranks, let_go_of_gathered
from memory.store.forking import ForkSafeLock

if TYPE_CHECKING:
    from memory.recording.sharded import Offer, SharedModel
    from memory.weights.live import Bytes, Form
    from memory.weights.shards import Piece

T = TypeVar("T")


class Together:
    """The calls that all processes of a run make, in the same order, on every rank.

    Args:
        ranks: The processes.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.models: dict[str, SharedModel] = {}
        self.holding: dict[tuple[str, str], Bytes] | None = None
        """Where this rank keeps what it held of each storage that is read: to put it back by itself."""
        self._lock = ForkSafeLock()
        self._leader: int | None = None
        self._told: dict[str, str] = {}

    @property
    def leading(self) -> bool:
        """Whether this is rank 0 inside such a call, so that the others answer."""
        return self._leader == threading.get_ident()

    def call(self, what: What, body: Callable[[], T]) -> T:
        """Make a call on every rank: `body` runs on rank 0, and every rank gets what it gave, or raises as it did.

        Args:
            what: What the call is.
            body: What to do; what it gives goes to every rank, so it can be pickled.

        Raises:
            RankError: The ranks did not make the same call, or one of them failed or cannot be reached.
        """

        def agreed(said: Sequence[None], problem: RankError | None) -> T:
            if problem is not None:
                raise problem
            return body()

        return body() if self.leading else self.meet(what, None, agreed)

    def meet(
        self,
        what: What,
        said: Any,
        body: Callable[[Sequence[Any], RankError | None], T],
        on_end: Callable[[T], None] | None = None,
    ) -> T:
        """As `call`, with something said by every rank.

        Args:
            what: What the call is.
            said: What this rank says.
            body: Gets what each rank said, in their order; and what is wrong where they did not make the same call.
            on_end: Called on every rank with what `body` gave, before an interrupt can be raised.
        """
        with self._lock, deferred_interrupts():
            problem = self._settle()
            heard = self.ranks.gather((what, said, problem))
            result: T = self._lead(heard, body) if self.ranks.rank == 0 else self._follow()
            if on_end is not None:
                on_end(result)
            return result

    def coins(self, generator: random.Random) -> random.Random:
        """Give a generator whose numbers are the same on every rank: each is drawn by a call that all make.

        Args:
            generator: Where rank 0 draws them.
        """
        return _CommonNumbers(self, generator)

    def _settle(self) -> str | None:
        """Let every model show its shards; say what went wrong."""
        try:
            for model in self.models.values():
                if model.module is not None:
                    let_go_of_gathered(model.module)
        except Exception as error:  # noqa: BLE001 - it is said, not raised: the other ranks wait for this one
            return told(error)
        return None

    # Rank 0

    def _lead(self, heard: Sequence[tuple[What, Any, str | None]], body: Callable[..., T]) -> T:
        problem, out_of_step = disagreement(heard)
        self._leader = threading.get_ident()
        try:
            result = body([said for _, said, _ in heard], problem)
            end = Returned(pickle.dumps(result), self._new_maps())
        except BaseException as error:
            if self.ranks.lost is None:
                self.ranks.broadcast(Raised(pickled(error), out_of_step))
            if out_of_step:
                self.ranks.give_up("they did not make the same calls")
            raise
        finally:
            self._leader = None
        self.ranks.broadcast(end)
        return result

    def _new_maps(self) -> dict[str, str]:
        found = {
            name: model.sharing.to_json()
            for name, model in self.models.items()
            if self._told.get(name) != model.sharing.digest
        }
        self._told |= {name: self.models[name].sharing.digest for name in found}
        return found

    def read(self, model: str, key: str, form: Form, into: Bytes) -> list[Offer]:
        """Put the whole of a storage together; give what each rank holds of it.

        Raises:
            UnsupportedStorage: A rank has no plain bytes of it.
            RankError: A rank failed.
        """
        import numpy as np

        self.ranks.broadcast(Read(model, key))
        offer, content = self._offer(model, key)
        offers = self.ranks.gather(offer)
        usable = not refused(offers) and all(each.piece.fits(form) for each in offers)
        for rank, each in enumerate(offers):
            if isinstance(each, Refusal) or not each.piece.first:
                continue
            if rank:
                # Also where it is of no use: the other rank sends it.
                content = np.empty(each.nbytes, np.uint8)
                self.ranks.receive(content, rank)
            if usable:
                each.piece.put_into(into, form, content)
        raise_refused(offers)
        if not usable:
            raise no_pieces_of_one(key)
        return offers

    def write(self, model: str, key: str, form: Form, content: Bytes) -> None:
        """Give every rank what it holds of a storage.

        Raises:
            RankError: A rank failed; others may have written.
        """
        self.ranks.broadcast(Write(model, key))
        ready = self._piece(model, key)
        pieces = self.ranks.gather(ready)
        usable = not refused(pieces) and all(piece.fits(form) for piece in pieces)
        self.ranks.broadcast(usable)
        raise_refused(pieces)
        if not usable:
            raise no_pieces_of_one(key)
        for rank, piece in enumerate(pieces[1:], start=1):
            self.ranks.send(piece.taken_from(content, form), rank)
        raise_refused(self.ranks.gather(self._take(model, key, pieces[0].taken_from(content, form))))

    def signs(self, model: str) -> frozenset[str]:
        """Give the storages that torch says were written to on any rank."""
        self.ranks.broadcast(Signs(model))
        found = self.ranks.gather(self._signs(model))
        raise_refused(found)
        return frozenset().union(*found)

    # The other ranks

    def _follow(self) -> Any:
        """Answer rank 0 until the call ends; end it the same way."""
        while True:
            message = self.ranks.broadcast()
            if isinstance(message, Returned):
                for name, text in message.maps.items():
                    if name in self.models:
                        self.models[name].adopt_map(SharingMap.from_json(text))
                return pickle.loads(message.value)
            if isinstance(message, Raised):
                if message.out_of_step:
                    self.ranks.give_up("they did not make the same calls")
                raise pickle.loads(message.error)
            self._answer(message)

    def _answer(self, message: Any) -> None:
        import numpy as np

        if isinstance(message, Read):
            offer, content = self._offer(message.model, message.key)
            self.ranks.gather(offer)
            if not isinstance(offer, Refusal) and offer.piece.first:
                self.ranks.send(content, 0)
        elif isinstance(message, Write):
            piece = self._piece(message.model, message.key)
            self.ranks.gather(piece)
            if self.ranks.broadcast() and not isinstance(piece, Refusal):
                content = np.empty(self.models[message.model].local(message.key)[0].nbytes, np.uint8)
                self.ranks.receive(content, 0)
                self.ranks.gather(self._take(message.model, message.key, content))
        else:
            self.ranks.gather(self._signs(message.model))

    # Every rank, on its own. What goes wrong is said, not raised: the other ranks wait for the answer.

    def _answered(self, answer: Callable[[], T]) -> T | Refusal:
        try:
            return answer()
        except PalimpsestError as error:
            return Refusal(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, rank 0 waits for an answer, and raises it
            return Refusal(RankError(f"rank {self.ranks.rank} raised {told(error)}", remedy="mend what it raised"))

    def _offer(self, model: str, key: str) -> tuple[Any, Bytes]:
        import numpy as np

        answer = self._answered(lambda: self.models[model].offer(key))
        if isinstance(answer, Refusal):
            return answer, np.empty(0, np.uint8)
        offer, content = answer
        if self.holding is not None:
            self.holding.setdefault((model, key), content)
        return offer, content

    def _piece(self, model: str, key: str) -> Piece | Refusal:
        def reachable() -> Piece:
            live, piece = self.models[model].local(key)
            if not live.reachable:
                raise RankError(f"rank {self.ranks.rank} freed the memory of {key!r}", remedy="attach the model again")
            return piece

        return self._answered(reachable)

    def _take(self, model: str, key: str, content: Bytes) -> Refusal | None:
        def take() -> None:
            self.models[model].local(key)[0].write(content)
            self.models[model].compared((key,))

        return self._answered(take)

    def _signs(self, model: str) -> frozenset[str] | Refusal:
        return self._answered(lambda: self.models[model].signs())

    def put_back(self, held: dict[tuple[str, str], Bytes]) -> None:
        """Put back, on this rank alone, what it held: the others cannot be reached."""
        for (model, key), content in held.items():
            live, _ = self.models[model].local(key)
            if live.reachable and live.nbytes == content.nbytes:
                live.write(content)


class _CommonNumbers(random.Random):
    """Draws numbers on rank 0 that every rank gets; names of acts are each rank's own, and rank 0's are recorded."""

    def __init__(self, together: Together, generator: random.Random) -> None:
        super().__init__()
        self._together = together
        self._generator = generator

    def random(self) -> float:
        """Draw the number that every rank gets."""
        return self._together.call(("flip",), self._generator.random)

    def getrandbits(self, k: int, /) -> int:
        """Draw bits of this rank's own."""
        return self._generator.getrandbits(k)

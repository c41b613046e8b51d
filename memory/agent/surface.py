"""What a memory offers to agents: functions to call, words for a prompt, and hypotheses that are scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from memory.recording.hypotheses import HypothesisKind, observation_of
from memory.recording.recorder import Envelope, Recorder

if TYPE_CHECKING:
    from memory.agent.hypothesis_scores import HypothesisScores
    from memory.agent.tools import AgentTools
    from memory.projections.runner import ProjectionRunner
    from memory.recording.journal import Recorded
    from memory.store.log import EventStore
    from memory.system import MemorySystem


class AgentSurface:
    """The part of `memory.MemorySystem` that is for agents."""

    _store: EventStore
    _runner: ProjectionRunner
    _recorder: Recorder

    def agent_tools(
        self,
        groups: Iterable[str] | None = None,
        *,
        tokenizer: Any = None,
        model: str | None = None,
        allow_writes: bool = False,
        hide_sharing: bool = False,
        max_tokens: int = 1000,
    ) -> AgentTools:
        """Give the functions an agent calls: about weights, activations, its own history, and what is known.

        Args:
            groups: Which: `weights`, `activations`, `architecture`, `attention`, `gradients`, `history`, `memory`,
                `safety`, `edit`; None for all.
            tokenizer: A transformers tokenizer: turns text into the model's tokens, and counts those of answers.
                Without one, functions that run the model say so, and tokens are estimated.
            model: Which attached model they are about; None for the only one.
            allow_writes: Whether it may change weights and put them back (group `edit`). Recording what it saw or holds
                likely is always allowed.
            hide_sharing: Leave out every function that would tell which names share memory: to find out whether the
                agent can.
            max_tokens: The most tokens one answer may cost.

        Returns:
            A list of plain functions, which `tokenizer.apply_chat_template(messages, tools=...)` takes, with `call` and
            `answer` to run what a model emitted, and `schemas()` for other loops.

        Raises:
            InvalidArgument: There is no such group, the tokenizer is none, or an answer could say nothing.

        Example:
            ```python
            tools = memory.agent_tools(tokenizer=tokenizer)
            prompt = tokenizer.apply_chat_template(messages, tools=tools, add_generation_prompt=True, tokenize=False)
            messages += tools.answer(emitted)
            ```
        """
        from memory.agent.desk import Desk
        from memory.agent.tools import AgentTools

        memory = cast("MemorySystem", self)
        desk = Desk(memory, self._recorder, self._runner, model=model, tokenizer=tokenizer, hide_sharing=hide_sharing)
        return AgentTools(desk, groups=groups, allow_writes=allow_writes, max_tokens=max_tokens)

    def agent_call(self, name: str, arguments: Mapping[str, Any] | str | None = None) -> str:
        """Call one of the functions `agent_tools()` gives, as a model asked for it; give the text of a `tool` message.

        Where the model is given a tokenizer, writes or a choice of functions, ask `agent_tools(...).call` instead.

        Args:
            name: The function.
            arguments: By name; or the JSON of that.
        """
        return self._plain_tools.call(name, arguments)

    @cached_property
    def _plain_tools(self) -> AgentTools:
        return self.agent_tools()

    def context_for_prompt(
        self, tokens: int, *, tokenizer: Any = None, topic: str | None = None, model: str | None = None
    ) -> str:
        """Give the self-history worth telling a model, in at most so many tokens.

        Who it is and what state it is in, core principles, beliefs with credence and interval, what is one tensor and
        which correlations were dropped for it, acts with their outcomes, what went wrong, open predictions. Lines are
        put into an order that no budget changes: who it is and a stop in force first, the rest by worth per token; and
        as many of them as fit are told, whole. A larger budget tells all that a smaller one does. What others wrote is
        quoted, escaped, and free of the control tokens of chat templates. It tells which names are one tensor: no text
        for an agent that is to find out.

        Args:
            tokens: The most tokens.
            tokenizer: Counts them; None for an estimate on the high side.
            topic: A weight (under any of its names), a metric, or words: lines that speak of it are worth four times as
                much.
            model: Which model; None for the only one attached, or whatever is on record.

        Returns:
            The text; its last line says how much was left out. Empty where not one line fits.

        Raises:
            InvalidArgument: The budget is no number of tokens, the topic is empty, or the tokenizer is none.
            AmbiguousModel: Several models are attached, and none was named.
        """
        from memory.agent.context import context_for_prompt
        from memory.agent.desk import Desk
        from memory.agent.tokens import counting

        desk = Desk(cast("MemorySystem", self), self._recorder, self._runner, model=model, tokenizer=tokenizer)
        return context_for_prompt(desk, tokens, counting(tokenizer), topic)

    def state_hypothesis(
        self,
        kind: HypothesisKind,
        subject: str,
        object: str,  # noqa: A002 - the column's name
        credence: float,
        grounds: str = "",
        *,
        model: str | None = None,
        occurred_at: datetime | None = None,
        key: str | None = None,
    ) -> Recorded:
        """Put on record how two names are held to be related, and how firmly; scored against the sharing map.

        It is held against the map in force where it is stated, or the first later one that knows both names. Nothing
        of how it is comes back from here: `hypothesis_scores` tells.

        Args:
            kind: `same_tensor`, `shares_bytes`, `independent` (neither shares bytes nor is computed from the other), or
                `derived_from` (the subject is computed from the object).
            subject: A tensor's name.
            object: Another.
            credence: The probability that it is so, strictly between 0 and 1.
            grounds: What it is concluded from, in words.
            model: Which model; None for the only one attached, or none.
            occurred_at: When it was stated; None for now.
            key: Makes the call idempotent.

        Raises:
            InvalidArgument: There is no such kind, both ends are one name, or the credence leaves no doubt.
            UnknownName: The attached model has nothing of that name.
            SeveralStorages: A module path that names more than one storage.
        """
        name = self._recorder.model_name(model)
        if name is not None:
            attached = self._recorder.model(name)
            # What a map says later about now is decided by what is on record now.
            self._recorder.note_sharing(attached)
            subject, object = (_tensor(attached.sharing, each) for each in (subject, object))  # noqa: A001
        fields = observation_of(kind, subject, object, credence, grounds)
        return self._recorder.observation(fields, model=model, envelope=Envelope(key=key, occurred_at=occurred_at))

    def hypothesis_scores(self, *, model: str | None = None) -> HypothesisScores:
        """Say how the hypotheses about sharing fared: scores, calibration, discrimination, and against chance.

        Can it discover weight sharing? `found` lists the ties it holds, of all there are (`ties`), and `p_value` says
        how often the same credences, dealt to the same questions at random, would tell as much.

        Args:
            model: Only about this model; None for every one.

        Returns:
            The scores, with one row a question in `questions`; print it for words.
        """
        from memory.agent.hypothesis_scores import scores_of
        from memory.query.stated_hypotheses import STATED_IN, Maps, stated_hypotheses
        from memory.recording.hypotheses import CATEGORY

        self._runner.catch_up(set(STATED_IN))
        database = self._store.database
        return scores_of(stated_hypotheses(database, category=CATEGORY, model=model), Maps(database), model=model)


def _tensor(sharing: Any, name: str) -> str:
    """Give the tensor's name that is meant: the first one under a module path, never another name of its bytes."""
    return cast("str", sharing.primary(name))

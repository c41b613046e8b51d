# ruff: noqa: PT012 - what raises is a whole block: that is what is tested
from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from introspection.fingerprint import fingerprint
from introspection.sharing import SharingMap
from memory import MemorySystem
from memory.errors import BatchError, EditError, InvalidArgument, NotAttached, PalimpsestError, RestoreError

WRITES = ("modification", "coupled_modification")


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=0.01, foreach=True)


def loss_of(model: nn.Module) -> Tensor:
    return model.head(model.middle(model.embed(torch.tensor([0, 1, 2, 3])))).square().mean()


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, after: Callable[[], None]) -> None:
    """Take some steps; call `after` at the end of each."""
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()
        after()


@pytest.fixture
def history(memory, attached, bits):
    """Train under watch; give the watch and the bits after each step."""

    def run(steps: int, **options):
        states = []
        optimizer = adam(attached)
        with memory.watch("finetune", **options) as watching:
            train(attached, optimizer, steps, lambda: states.append(bits(attached)))
        return watching, states

    return run


# What is recorded


@pytest.mark.parametrize("kind", [{"fused": True}, {"foreach": True}, {"foreach": False}])
def test_a_step_of_any_optimizer_is_one_event_for_every_storage_it_writes(memory, events, kind):
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=32,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    model = Qwen2ForCausalLM(config)
    memory.attach(model, name="qwen")
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, **kind)
    tokens = torch.arange(12).reshape(2, 6)
    with memory.watch("finetune") as watching:
        for _ in range(2):
            model(input_ids=tokens, labels=tokens).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    written = events(*WRITES)
    parameters = {name for name, _ in model.named_parameters()}
    assert watching.steps == 2
    for step in range(2):
        of_step = [event.payload for event in written if event.payload.modification["step"] == step]
        assert len(of_step) == len(parameters)
        assert {write.storage_key for write in of_step} == {
            "lm_head.weight" if name == "model.embed_tokens.weight" else name for name in parameters
        }
        (coupled,) = [write for write in of_step if write.coupled_layers]
        assert (coupled.primary_layer, coupled.coupled_layers) == ("lm_head.weight", ("model.embed_tokens.weight",))
        assert all(write.change.elements_changed for write in of_step)
    assert not events("unattributed_write")
    assert memory.verify().ok


def test_the_events_of_a_step_are_one_append_and_one_act_of_their_own(memory, attached, events, history):
    history(2)
    appends: dict[int, list] = {}
    for event in events(*WRITES):
        appends.setdefault(event.append.first_position, []).append(event)
    assert [len(each) for each in appends.values()] == [3, 3]
    acts = [{event.act_id for event in each} for each in appends.values()]
    assert all(len(each) == 1 and None not in each for each in acts)
    assert acts[0] != acts[1]


def test_an_event_says_its_step_the_label_the_operators_and_what_changed(memory, attached, events):
    before = attached.middle.weight.detach().clone()
    optimizer = torch.optim.SGD([attached.middle.weight], lr=0.5, foreach=False)
    attached.middle.weight.grad = torch.ones(4, 4)
    with memory.watch("finetune", reason="to see", tags=["run 7"]):
        optimizer.step()
    (event,) = events(*WRITES)
    write = event.payload
    assert write.modification == {"label": "finetune", "step": 0, "operators": {"aten.add_.Tensor": 1}}
    assert (write.method, write.reason, write.tags[-1]) == ("optimizer_step", "to see", "run 7")
    assert write.description == "finetune, step 0: middle.weight"
    assert write.change.weight_norm == pytest.approx(float(before.norm()))
    assert write.change.delta_norm == pytest.approx(2.0)
    assert (write.change.elements_changed, write.changed) == (16, True)


def test_an_act_that_is_open_around_a_step_is_the_act_of_the_step_and_undoes_it(memory, attached, events, bits):
    before = bits(attached)
    with memory.act("tune") as act, memory.watch("finetune"):
        train(attached, adam(attached), 2, lambda: None)
    assert {event.act_id for event in events(*WRITES)} == {act.id}
    act.undo()
    assert bits(attached) == before
    assert memory.verify_weights() == ()


def test_what_is_written_between_two_steps_is_a_step_of_its_own(memory, attached, events):
    with memory.watch("finetune"):
        with torch.no_grad():
            attached.middle.bias.add_(1)
        train(attached, adam(attached), 1, lambda: None)
    steps = [(event.payload.modification["step"], event.payload.storage_key) for event in events(*WRITES)]
    assert steps == [(0, "middle.bias"), (1, "embed.weight"), (1, "middle.bias"), (1, "middle.weight")]


def test_gradients_are_gathered_and_schedules_followed_as_without_a_watch(memory, attached, events):
    optimizer = adam(attached)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    with memory.watch("finetune") as watching:
        for _ in range(2):
            for _ in range(3):
                loss_of(attached).backward()
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    assert watching.steps == 2
    assert len(events(*WRITES)) == 6


def test_metrics_inside_are_recorded_between_the_steps_and_find_nothing_unannounced(memory, attached, types):
    with memory.watch("finetune"):
        train(attached, adam(attached), 2, lambda: memory.record_metrics({"loss": 1.0}))
    step = ["coupled_modification", "modification", "modification", "metrics_recorded"]
    assert types() == step * 2


@pytest.mark.parametrize("deltas", ["each", 2, "end"])
def test_storages_that_share_some_bytes_are_one_event_each_and_both_come_back(
    memory, overlapping, events, bits, deltas
):
    before = bits(overlapping)
    with memory.watch("finetune", deltas=deltas) as watching, torch.no_grad():
        overlapping.first.add_(1)
        overlapping.second.mul_(3)
    (first, second) = [event.payload for event in events(*WRITES)]
    assert (first.storage_key, second.storage_key) == ("first", "second")
    assert first.overlapping == {"second": second.change.fingerprint_after} if deltas == "each" else True
    after = bits(overlapping)
    memory.restore(watching.began)
    assert bits(overlapping) == before
    memory.restore(watching.positions[watching.steps - 1])
    assert bits(overlapping) == after
    assert not events("unattributed_write")


@pytest.mark.parametrize("deltas", ["each", "end"])
def test_a_storage_that_only_shares_bytes_with_what_was_written_comes_back_too(
    memory, overlapping, bits, events, deltas
):
    before = bits(overlapping)
    with memory.watch("finetune", deltas=deltas) as watching, torch.no_grad():
        overlapping.first.add_(1)
    (write,) = [event.payload for event in events(*WRITES)]
    kept = [delta.storage_key for event in events("states_read", *WRITES) for delta in event.payload.deltas]
    assert (list(write.overlapping), kept) == (["second"], ["first", "second"])
    memory.restore(watching.began)
    assert bits(overlapping) == before


@pytest.mark.parametrize("deltas", ["each", "end"])
def test_a_storage_in_no_plain_form_is_recorded_with_what_it_holds_and_no_way_back(memory, events, deltas):
    model = nn.Linear(2, 2)
    model.register_buffer("mask", torch.eye(3).to_sparse())
    memory.attach(model)
    with memory.watch("finetune", deltas=deltas), torch.no_grad():
        model.mask._values().mul_(2)
    (write,) = [event.payload for event in events(*WRITES)]
    assert (write.storage_key, write.change, write.deltas) == ("mask", None, ())
    told = [state.fingerprint for event in events("states_read") for state in event.payload.storages]
    assert (told if deltas == "end" else [write.fingerprint]) == [fingerprint(model.mask)]
    assert memory.verify_weights() == ()
    assert not events("unattributed_write")


def test_a_watch_in_which_nothing_was_written_records_nothing(memory, attached, types):
    with memory.watch("idle") as watching:
        loss_of(attached).backward()
    assert (types(), watching.steps) == ([], 0)


# Going back


def test_every_step_can_be_restored_bit_for_bit_and_so_can_what_was_before(memory, attached, bits, history):
    before = bits(attached)
    watching, states = history(4)
    for step in (2, 0, 3, 1):
        memory.restore(watching.positions[step])
        assert bits(attached) == states[step]
    memory.restore(watching.began)
    assert bits(attached) == before
    assert attached.head.weight is attached.embed.weight


def test_a_step_begins_with_the_bytes_that_the_step_before_left(memory, attached, events, history):
    history(3)
    written = [event.payload for event in events(*WRITES) if event.payload.storage_key == "embed.weight"]
    assert [write.change.fingerprint_before for write in written[1:]] == [
        write.change.fingerprint_after for write in written[:-1]
    ]


def test_the_act_of_a_step_can_be_gone_back_before(memory, attached, bits, events, history):
    _, states = history(3)
    (act,) = {event.act_id for event in events(*WRITES) if event.payload.modification["step"] == 2}
    memory.restore(before=act)
    assert bits(attached) == states[1]


def test_every_nth_step_can_be_restored_and_those_between_are_refused(memory, attached, bits, events, history):
    before = bits(attached)
    watching, states = history(7, deltas=3)
    assert sorted(watching.positions) == [2, 5, 6]
    for step in (5, 2, 6):
        memory.restore(watching.positions[step])
        assert bits(attached) == states[step]
    between = [event.position for event in events(*WRITES) if event.payload.modification["step"] == 3][-1]
    with pytest.raises(RestoreError, match="not read"):
        memory.restore(between)
    assert bits(attached) == states[6]
    memory.restore(watching.began)
    assert bits(attached) == before


def test_between_two_readings_events_say_what_was_written_and_not_what_changed(memory, attached, events, history):
    history(2, deltas=2)
    written = [event.payload for event in events(*WRITES)]
    assert len(written) == 6
    assert {(write.changed, write.change, write.fingerprint, write.deltas) for write in written} == {
        (None, None, None, ())
    }
    (read,) = [event.payload for event in events("states_read")]
    assert (read.label, read.step) == ("finetune", 1)
    assert [state.key for state in read.storages] == ["embed.weight", "middle.bias", "middle.weight"]
    assert [delta.after for delta in read.deltas] == [state.fingerprint for state in read.storages]


def test_one_delta_of_a_whole_watch_goes_back_to_before_it_and_forth_to_its_end(memory, attached, bits, history):
    before = bits(attached)
    watching, states = history(5, deltas="end")
    assert list(watching.positions) == [4]
    memory.restore(watching.began)
    assert bits(attached) == before
    memory.restore(watching.positions[4])
    assert bits(attached) == states[4]


def test_a_storage_that_the_last_step_did_not_write_is_read_with_the_others(memory, attached, bits):
    both = torch.optim.SGD([attached.middle.weight, attached.middle.bias], lr=0.1)
    one = torch.optim.SGD([attached.middle.bias], lr=0.1)
    states = []
    with memory.watch("finetune", deltas=2) as watching:
        train(attached, both, 1, lambda: None)
        train(attached, one, 1, lambda: states.append(bits(attached)))
        train(attached, both, 2, lambda: None)
    memory.restore(watching.positions[1])
    assert bits(attached) == states[0]


def test_what_was_before_a_watch_is_kept_with_its_first_step_even_if_nothing_is_ever_read(memory, attached, events):
    optimizer = adam(attached)
    with memory.watch("finetune", deltas="end"):
        train(attached, optimizer, 2, lambda: None)
    (start,) = [event.payload for event in events("model_attached")]
    before = [state.fingerprint for state in start.storages]
    first = [event.payload for event in events(*WRITES) if event.payload.modification["step"] == 0]
    assert [keyframe.fingerprint for write in first for keyframe in write.keyframes] == before
    later = [event.payload for event in events("states_read", *WRITES) if event.payload not in first]
    assert not {keyframe.fingerprint for payload in later for keyframe in payload.keyframes}.intersection(before)


def test_a_second_watch_and_edits_go_on_where_the_first_ended(memory, attached, bits, history):
    first, states = history(2)
    with memory.edit("head.weight") as weight:
        weight.mul_(2)
    second, more = history(2, deltas="end")
    for watching, step, expected in ((first, 1, states[1]), (second, 1, more[1]), (first, 0, states[0])):
        memory.restore(watching.positions[step])
        assert bits(attached) == expected


# However it ends


@pytest.mark.parametrize("deltas", ["each", 4, "end"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whatever_ends_a_watch_what_was_written_until_then_is_on_record(memory, attached, bits, events, deltas, error):
    before, states = bits(attached), []

    def after() -> None:
        states.append(bits(attached))
        if len(states) == 3:
            with torch.no_grad():
                attached.middle.bias.add_(1)
            states.append(bits(attached))
            raise error("enough")

    with pytest.raises(error, match="enough"), memory.watch("finetune", deltas=deltas) as watching:
        train(attached, adam(attached), 5, after)
    assert watching.steps == 4
    assert not events("unattributed_write")
    assert memory.verify_weights() == ()
    memory.restore(watching.began)
    assert bits(attached) == before
    memory.restore(watching.positions[3])
    assert bits(attached) == states[3]


def test_an_interrupt_that_comes_while_a_step_is_recorded_is_raised_when_it_is(
    memory, attached, events, bits, monkeypatch
):
    append, states = memory.store.append, []

    def interrupted(*args, **kwargs):
        if len(states) == 1:
            states.append(bits(attached))
            os.kill(os.getpid(), signal.SIGINT)
        return append(*args, **kwargs)

    monkeypatch.setattr(memory.store, "append", interrupted)
    with pytest.raises(KeyboardInterrupt), memory.watch("finetune") as watching:
        train(attached, adam(attached), 3, lambda: states.append(bits(attached)))
    assert (watching.steps, len(events(*WRITES))) == (2, 6)
    assert bits(attached) == states[1]
    assert memory.verify_weights() == ()


def test_a_step_the_database_refuses_stops_the_training_and_is_found_as_nobodys_later(memory, attached, types):
    from sqlalchemy import text

    with pytest.raises(PalimpsestError), memory.watch("finetune"):
        with memory.store.database.writing() as connection:
            connection.execute(
                text("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'full'); END")
            )
        train(attached, adam(attached), 1, lambda: None)
    with memory.store.database.writing() as connection:
        connection.execute(text("DROP TRIGGER full"))
    assert len(memory.verify_weights()) == 3
    assert types() == ["unattributed_write"] * 3
    with memory.edit("head.weight") as weight:
        weight.add_(1)


# What it cannot see


@pytest.mark.parametrize("deltas", ["each", "end"])
def test_a_write_that_nothing_saw_is_found_at_the_end_as_nobodys(memory, attached, events, deltas):
    optimizer = torch.optim.SGD([attached.embed.weight], lr=0.1)
    with memory.watch("finetune", deltas=deltas):
        train(attached, optimizer, 1, lambda: None)
        attached.middle.bias.detach().numpy()[:] = 7
    (found,) = [event.payload for event in events("unattributed_write")]
    assert (found.storage_key, found.found_by) == ("middle.bias", "watch")
    assert [event.payload.storage_key for event in events(*WRITES)] == ["embed.weight"]


def test_a_write_that_nothing_saw_between_two_steps_is_told_from_both(memory, attached, bits, types):
    optimizer = torch.optim.SGD([attached.middle.bias], lr=0.1)
    states = []

    def after() -> None:
        states.append(bits(attached))
        attached.middle.bias.detach().numpy()[:] += 7

    with memory.watch("finetune") as watching:
        train(attached, optimizer, 2, after)
    assert types() == ["modification", "unattributed_write"] * 2
    for step in (0, 1):
        memory.restore(watching.positions[step])
        assert bits(attached) == states[step]


def test_a_write_from_before_is_told_from_what_is_watched(memory, attached, types):
    attached.middle.bias.detach().numpy()[:] = 7
    with memory.watch("finetune"):
        assert types() == ["unattributed_write"]


@pytest.mark.parametrize("deltas", ["each", 2])
def test_names_that_are_bound_anew_inside_are_recorded_and_written_under_their_new_key(
    memory, attached, events, types, bits, deltas
):
    with memory.watch("finetune", deltas=deltas) as watching:
        optimizer = torch.optim.SGD(attached.parameters(), lr=0.1)
        train(attached, optimizer, 1, lambda: None)
        attached.head.weight = nn.Parameter(attached.embed.weight.detach().clone())
        optimizer = torch.optim.SGD(attached.parameters(), lr=0.1)
        train(attached, optimizer, 1, lambda: None)
        after = bits(attached)
    keys = [event.payload.storage_key for event in events(*WRITES) if event.payload.modification["step"] == 1]
    assert keys == ["embed.weight", "head.weight", "middle.bias", "middle.weight"]
    assert types().count("sharing_changed") == 1
    assert "unattributed_write" not in types()
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    memory.restore(watching.positions[1])
    assert bits(attached) == after


def test_bytes_that_are_replaced_under_the_same_names_are_read_at_the_end(memory, attached, bits):
    before = bits(attached)
    optimizer = torch.optim.SGD(attached.parameters(), lr=0.1)
    with memory.watch("finetune", deltas="end") as watching:
        train(attached, optimizer, 1, lambda: None)
        attached.middle.weight.data = torch.full((4, 4), 5.0)
        train(attached, optimizer, 1, lambda: None)
    after = bits(attached)
    assert memory.verify_weights() == ()
    memory.restore(watching.began)
    assert bits(attached) == before
    memory.restore(watching.positions[1])
    assert bits(attached) == after


# What is refused


def test_nothing_else_edits_a_model_that_is_watched(memory, attached, bits):
    before = bits(attached)
    with memory.watch("finetune"):
        with pytest.raises(EditError, match="being edited"), memory.edit("head.weight") as weight:
            weight.add_(1)
        with pytest.raises(EditError, match="being edited"), memory.watch("another"):
            pass
        with pytest.raises(EditError, match="being edited"):
            memory.restore(1)
    assert bits(attached) == before
    with memory.edit("head.weight") as weight:
        weight.add_(1)


def test_another_model_is_edited_and_watched_meanwhile(memory, attached, events):
    other = nn.Linear(2, 2)
    memory.attach(other, name="other")
    with memory.watch("finetune", model="tied"), memory.watch("more", model="other"), torch.no_grad():
        other.weight.add_(1)
        attached.middle.bias.add_(1)
    assert sorted((event.payload.model, event.payload.storage_key) for event in events(*WRITES)) == [
        ("other", "weight"),
        ("tied", "middle.bias"),
    ]


def test_a_watch_inside_a_batch_is_refused(memory, attached):
    with memory.batch(), pytest.raises(BatchError, match="rolled back"), memory.watch("finetune"):
        pass


def test_a_step_inside_a_batch_that_comes_to_nothing_is_on_record_all_the_same(memory, attached, types):
    with memory.watch("finetune"), pytest.raises(ValueError, match="no"), memory.batch():
        memory.record_metrics({"loss": 1.0})
        train(attached, torch.optim.SGD([attached.middle.bias], lr=0.1), 1, lambda: None)
        raise ValueError("no")
    assert types() == ["modification"]


def test_a_model_of_which_only_the_map_is_attached_cannot_be_watched(memory):
    memory.attach(SharingMap.from_relations(names=["a"]), name="sim")
    with pytest.raises(NotAttached), memory.watch("finetune"):
        pass


@pytest.mark.parametrize("wrong", [{"deltas": 0}, {"deltas": True}, {"deltas": "some"}, {"tags": "a"}])
def test_a_granularity_that_does_not_exist_is_refused(memory, attached, wrong):
    with pytest.raises(InvalidArgument):
        memory.watch("finetune", **wrong)


def test_what_could_not_be_recorded_of_a_step_is_refused_before_anything_is_written(memory, attached, types):
    with pytest.raises(PalimpsestError), memory.watch("finetune", method=3):
        pytest.fail("the block ran")
    assert types() == []
    with memory.edit("head.weight"):
        pass


# What is learned from it


def test_steps_are_no_evidence_about_the_storages_they_write(memory, attached):
    memory.define_metric("loss", better="lower")
    optimizer = torch.optim.SGD([attached.middle.weight], lr=0.1)
    with memory.watch("finetune"):
        for number in range(40):
            with memory.act(f"step {number}"):
                memory.record_metrics({"loss": 100.0 - number}, sample="same")
                train(attached, optimizer, 1, lambda: None)
                memory.record_metrics({"loss": 99.0 - number}, sample="same")
    memory.consolidate()
    assert [row for row in memory.patterns(status=None) if row.kind in ("effect", "impact")] == []


def test_a_watch_survives_the_end_of_the_process(tmp_path, attached, model, bits, history, memory):
    watching, states = history(2, deltas=2)
    memory.close()
    with MemorySystem(memory.store.database.location.path) as again:
        again.attach(attached, name="tied")
        again.restore(watching.began)
        again.restore(watching.positions[1])
        assert bits(attached) == states[1]

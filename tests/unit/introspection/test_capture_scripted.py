"""Writes into a model of TorchScript, whose registers are no dictionaries, are seen like others."""

from __future__ import annotations

import torch
from torch import nn

from introspection import WriteCapture

torch.set_num_threads(1)


def test_writes_into_a_scripted_model_are_seen() -> None:
    model = torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with WriteCapture(model) as capture:
        model(torch.randn(4, 3)).sum().backward()
        optimizer.step()
    written = {name for write in capture.writes for name in write.names} | set(capture.unattributed)
    assert written == {
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    }
    assert capture.rebound == ()

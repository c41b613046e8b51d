"""Memory that torch did not allocate: numpy, DLPack, files mapped shared and private, lazy clones."""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .case import Holder, case


@contextmanager
def _file(nbytes: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.bin")
        path.write_bytes(os.urandom(nbytes))
        yield str(path)


def _mapped(path: str, count: int, *, shared: bool) -> torch.Tensor:
    return torch.from_file(path, shared=shared, size=count, dtype=torch.uint8)


@case(partial={("a", "b"): 8, ("a", "c"): 24, ("b", "c"): 24})
def slices_of_one_numpy_array() -> nn.Module:
    array = np.zeros(10, dtype=np.float32)
    return Holder(a=torch.from_numpy(array[:6]), b=torch.from_numpy(array[4:]), c=torch.from_numpy(array))


@case(same=[["a", "b"]])
def one_numpy_array_wrapped_twice() -> nn.Module:
    array = np.random.default_rng(0).random((3, 4))
    return Holder(a=torch.from_numpy(array), b=torch.as_tensor(array.T))


@case()
def interleaved_columns_of_a_numpy_array() -> nn.Module:
    array = np.zeros((6, 4), dtype=np.float32)
    return Holder(even=torch.from_numpy(array[:, ::2]), odd=torch.from_numpy(array[:, 1::2]))


@case(same=[["layer.weight", "view"]])
def a_parameter_seen_through_its_numpy_array() -> nn.Module:
    model = Holder(layer=nn.Linear(4, 4))
    model.register_buffer("view", torch.from_numpy(model.layer.weight.detach().numpy()))
    return model


@case(same=[["layer.weight", "view"]])
def a_parameter_seen_through_dlpack() -> nn.Module:
    model = Holder(layer=nn.Linear(4, 4))
    model.register_buffer("view", torch.from_dlpack(model.layer.weight.detach()))
    return model


@case(same=[["layer.weight", "view"]])
def a_parameter_seen_through_ctypes() -> nn.Module:
    model = Holder(layer=nn.Linear(4, 4))
    memory = (ctypes.c_float * 16).from_address(model.layer.weight.data_ptr())
    model.register_buffer("view", torch.from_numpy(np.ctypeslib.as_array(memory)))
    return model


@case(partial={("part", "whole"): 32})
def a_slice_of_a_storage() -> nn.Module:
    whole = torch.randn(4, 4)
    part = torch.empty(0).set_(whole.untyped_storage()[16:48])
    return Holder(whole=whole, part=part)


@case(partial={("a", "b"): 1000})
def one_anonymous_shared_mapping_wrapped_twice() -> nn.Module:
    memory = mmap.mmap(-1, 4096)
    return Holder(
        a=torch.frombuffer(memory, dtype=torch.uint8, count=2000),
        b=torch.frombuffer(memory, dtype=torch.uint8, offset=1000, count=2000),
    )


@case(partial={("a", "b"): 16})
def one_bytearray_wrapped_twice() -> nn.Module:
    memory = bytearray(64)
    return Holder(
        a=torch.frombuffer(memory, dtype=torch.float32, count=8),
        b=torch.frombuffer(memory, dtype=torch.float32, offset=16),
    )


@case(same=[["a", "b"]])
def one_file_mapped_twice_and_shared() -> Iterator[nn.Module]:
    with _file(8192) as path:
        yield Holder(a=_mapped(path, 8192, shared=True), b=_mapped(path, 8192, shared=True))


@case(partial={("a", "b"): 4096})
def one_file_mapped_shared_from_two_places() -> Iterator[nn.Module]:
    with _file(12288) as path, open(path, "r+b") as file:
        first = mmap.mmap(file.fileno(), 8192, offset=0)
        second = mmap.mmap(file.fileno(), 8192, offset=4096)
        yield Holder(a=torch.frombuffer(first, dtype=torch.uint8), b=torch.frombuffer(second, dtype=torch.uint8))


@case()
def two_parts_of_one_file_mapped_shared() -> Iterator[nn.Module]:
    with _file(8192) as path:
        yield Holder(
            a=torch.from_numpy(np.memmap(path, np.uint8, "r+", 0, (4096,))),
            b=torch.from_numpy(np.memmap(path, np.uint8, "r+", 4096, (4096,))),
        )


@case(partial={("a", "b"): 100})
def unaligned_parts_of_one_file_mapped_shared() -> Iterator[nn.Module]:
    with _file(8192) as path:
        yield Holder(
            a=torch.from_numpy(np.memmap(path, np.uint8, "r+", 60, (1000,))),
            b=torch.from_numpy(np.memmap(path, np.uint8, "r+", 960, (1000,))),
        )


@case()
def one_file_mapped_twice_and_private() -> Iterator[nn.Module]:
    with _file(8192) as path:
        yield Holder(a=_mapped(path, 8192, shared=False), b=_mapped(path, 8192, shared=False))


@case()
def one_file_mapped_twice_for_copies_on_write_by_numpy() -> Iterator[nn.Module]:
    with _file(4096) as path:
        yield Holder(
            a=torch.from_numpy(np.memmap(path, np.uint8, "c")), b=torch.from_numpy(np.memmap(path, np.uint8, "c"))
        )


@case(same=[["a", "b"]])
def two_hard_links_of_one_file() -> Iterator[nn.Module]:
    with _file(4096) as path:
        other = f"{path}.link"
        os.link(path, other)
        yield Holder(a=_mapped(path, 4096, shared=True), b=_mapped(other, 4096, shared=True))


@case()
def two_files_of_the_same_bytes() -> Iterator[nn.Module]:
    with _file(4096) as path:
        other = Path(f"{path}.copy")
        other.write_bytes(Path(path).read_bytes())
        yield Holder(a=_mapped(path, 4096, shared=True), b=_mapped(str(other), 4096, shared=True))


@case(same=[["a", "b"]])
def a_mapped_file_that_was_deleted() -> Iterator[nn.Module]:
    with _file(4096) as path:
        model = Holder(a=_mapped(path, 4096, shared=True), b=_mapped(path, 4096, shared=True))
        os.unlink(path)
        yield model


@case()
def a_mapped_file_that_was_replaced() -> Iterator[nn.Module]:
    with _file(4096) as path:
        first = _mapped(path, 4096, shared=True)
        Path(f"{path}.new").write_bytes(os.urandom(4096))
        os.replace(f"{path}.new", path)
        yield Holder(a=first, b=_mapped(path, 4096, shared=True))


@case(same=[["a", "b"]])
def memory_without_a_file_mapped_twice() -> Iterator[nn.Module]:
    descriptor = os.memfd_create("weights")
    os.truncate(descriptor, 8192)
    first, second = mmap.mmap(descriptor, 8192), mmap.mmap(descriptor, 8192)
    os.close(descriptor)
    yield Holder(a=torch.frombuffer(first, dtype=torch.uint8), b=torch.frombuffer(second, dtype=torch.uint8))


@case()
def two_anonymous_shared_mappings() -> nn.Module:
    first, second = mmap.mmap(-1, 4096), mmap.mmap(-1, 4096)
    return Holder(a=torch.frombuffer(first, dtype=torch.uint8), b=torch.frombuffer(second, dtype=torch.uint8))


@case(same=[["here.weight", "there"]])
def shared_memory_opened_again_as_another_process_would() -> nn.Module:
    layer = nn.Linear(32, 32, bias=False)
    layer.share_memory()
    descriptor, size = layer.weight.untyped_storage()._share_fd_cpu_()
    again = torch.UntypedStorage._new_shared_fd_cpu(os.dup(descriptor), size)
    there = torch.empty(0).set_(again, 0, (32, 32), (32, 1))
    return Holder(here=layer, there=there)


@case()
def safetensors_loaded_from_one_file() -> Iterator[nn.Module]:
    from safetensors.torch import load_file, save_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.safetensors")
        save_file({"a": torch.randn(40, 4), "b": torch.randn(4, 40), "c": torch.randn(3)}, path)
        first, second = load_file(path), load_file(path)
        yield Holder(first=Holder(**first), second=Holder(**second))


@case()
def a_lazy_clone_and_its_origin() -> nn.Module:
    weight = torch.randn(100)
    return Holder(a=weight, b=torch._lazy_clone(weight))


@case(partial={("b", "rows"): 20})
def a_lazy_clone_and_a_view_of_it() -> nn.Module:
    weight = torch.randn(100)
    clone = torch._lazy_clone(weight)
    return Holder(a=weight, b=clone, rows=clone[:5])


@case(same=[["a", "c"]])
def a_lazy_clone_that_was_written() -> nn.Module:
    weight = torch.randn(100)
    clone = torch._lazy_clone(weight)
    clone.add_(1)
    return Holder(a=weight, b=clone, c=weight.view(10, 10))

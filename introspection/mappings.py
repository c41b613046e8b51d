"""Which memory is a window on a file: two windows at different addresses can be the same bytes."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch

Space = tuple[str, int]
"""What an address counts in: a device's memory, one file, one storage."""

_MAPS = Path("/proc/self/maps")

_is_resizable: Callable[[torch.UntypedStorage], bool] = torch._C.StorageBase.resizable  # type: ignore[attr-defined]
_is_shared: Callable[[torch.UntypedStorage], bool] = torch._C.StorageBase.is_shared  # type: ignore[attr-defined]


class _Window(NamedTuple):
    """Consecutive addresses at which a file is mapped, shared."""

    begin: int
    end: int
    file: Space
    offset: int
    """Where in the file the first byte is."""


# What was found for each storage, and the address it had then: a mapping stays while its storage does.
_found: WeakKeyDictionary[torch.UntypedStorage, tuple[int, tuple[Space, int] | None]] = WeakKeyDictionary()


def in_file(storage: torch.UntypedStorage, address: int) -> tuple[Space, int] | None:
    """The file that a storage in host memory is a shared mapping of, and where in it the storage begins; else None.

    Private mappings (what `from_pretrained` and safetensors load) are None: their bytes part from the file, and from
    every other mapping of it, at the first write. Where there is no `/proc` (not Linux) every storage is None.

    Args:
        storage: A storage in host memory.
        address: Where it begins; not asked of the storage, since asking can make a copy.

    Source: proc_pid_maps(5): address range, permissions (`s`: shared), offset, device, inode.
    """
    # What torch's own allocator gave is no mapping: only other memory needs a look, which costs half a millisecond.
    if _is_resizable(storage) and not _is_shared(storage):
        return None
    known = _found.get(storage)
    if known is None or known[0] != address:
        known = _found[storage] = address, _look(address, storage.nbytes())
    return known[1]


def file_space(path: str | os.PathLike[str]) -> Space | None:
    """The space in which the bytes of a file are addressed, the same as of its mappings; None if there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return _space(status.st_dev, status.st_ino)


def _look(address: int, size: int) -> tuple[Space, int] | None:
    windows = _windows()
    index = bisect_right(windows, address, key=lambda window: window.begin) - 1
    if index < 0:
        return None
    window = windows[index]
    return (window.file, window.offset + address - window.begin) if address + size <= window.end else None


def _windows() -> list[_Window]:
    """Every shared mapping of a file, in order of address; what lies end to end in memory and file is one."""
    try:
        lines = _MAPS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    windows: list[_Window] = []
    for line in lines:
        addresses, permissions, offset, device, inode, *_ = line.split(None, 5)
        if permissions[3] != "s" or inode == "0":
            continue
        begin, end = (int(part, 16) for part in addresses.split("-"))
        major, minor = (int(part, 16) for part in device.split(":"))
        window = _Window(begin, end, _space(os.makedev(major, minor), int(inode)), int(offset, 16))
        last = windows[-1] if windows else None
        if last and _goes_on(last, window):
            window = last._replace(end=end)
            windows.pop()
        windows.append(window)
    return windows


def _goes_on(last: _Window, window: _Window) -> bool:
    """Whether a window shows the file where the one before it in memory ended."""
    return (last.file, last.end, last.offset - last.begin) == (window.file, window.begin, window.offset - window.begin)


def _space(device: int, inode: int) -> Space:
    return "file", device << 64 | inode

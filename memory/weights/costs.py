"""What bringing bytes back costs, in the time that copying one byte takes: measured once, compared everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """What each part of a checkout costs in CPU time; the unit is one byte copied from host memory to host memory.

    Only their ratios matter, and they hardly differ between machines. None is negative.

    Source: measured on two cores with torch 2.13, 64 MiB of normal numbers in bfloat16 and in float32, where a copy
    runs at 8.5 GB/s: an overhead of 60 µs is half a million copied bytes.
    """

    copy: float = 1.0
    """Per byte copied out of the live weights, or into them."""
    read: float = 2.5
    """Per byte of a blob: 1.0 to read it from the page cache into memory that is there, 1.5 to check its digest."""
    unpack: float = 10.0
    """Per byte of a keyframe kept compressed: zstd gives back 7.0 (float32) to 12.3 (bfloat16) of it in this time."""
    read_checkpoint: float = 1.5
    """Per byte of a tensor in a checkpoint file, which is only read; what comes of it is verified at the end."""
    decode: float = 3.5
    """Per byte that a delta touches: unpacked, its planes interleaved, added."""
    identity: float = 1.5
    """Per byte hashed into a fingerprint: once of the live bytes before, once of the bytes that take their place."""
    step: float = 500_000.0
    """For one delta of any size: finding its row or its file, starting the decoder."""
    opening: float = 500_000.0
    """For one keyframe or checkpoint of any size: finding and opening it."""
    load: float = 2.0
    """Per byte of `torch.load` (1.5 to 2.4 once its memory is there; 3.6 to 4.5 the first time in a process)."""
    load_tensor: float = 500_000.0
    """For one tensor of any size in `torch.load`: 59 µs."""

    def of_live(self, raw_bytes: int) -> float:
        """Give the cost of copying the live bytes."""
        return self.copy * raw_bytes

    def of_keyframe(self, size: int, raw_bytes: int) -> float:
        """Give the cost of having the bytes of a keyframe; one smaller than they are is compressed."""
        packed = self.unpack * size + self.copy * raw_bytes if size < raw_bytes else 0.0
        return self.opening + self.read * size + packed

    def of_checkpoint(self, size: int) -> float:
        """Give the cost of reading one tensor of a checkpoint file."""
        return self.opening + self.read_checkpoint * size

    def of_deltas(self, steps: int, blob_bytes: int, changed_bytes: int) -> float:
        """Give the cost of applying deltas, of so many bytes together; either way costs the same."""
        return self.step * steps + self.read * blob_bytes + self.decode * changed_bytes

    def of_finishing(self, raw_bytes: int) -> float:
        """Give what every checkout of changed bytes pays besides: verifying the old and the new, putting them in."""
        return (2 * self.identity + self.copy) * raw_bytes

    def of_loading(self, raw_bytes: int) -> float:
        """Give what `torch.load` would take for this many bytes in one tensor."""
        return self.load_tensor + self.load * raw_bytes


MEASURED = Costs()
"""The costs that plans and policies go by."""

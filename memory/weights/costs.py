"""What bringing bytes back costs, in the time that copying one byte takes: measured once, compared everywhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """What each part of a checkout costs in CPU time; the unit is one byte copied from host memory to host memory.

    Only their ratios matter. None is negative.

    Source: measured on two cores with torch 2.13, 64 MiB of normal numbers in bfloat16 and in float32, where a copy
    runs at 8.5 GB/s: an overhead of 60 µs is half a million copied bytes.
    """

    copy: float = 1.0
    """Per byte copied out of the live weights, or into them."""
    read: float = 1.0
    """Per byte read from a file in the page cache into memory that is there (a `Scratch`); into new memory it is 4."""
    unpack: float = 10.0
    """Per byte of a compressed keyframe; zstd takes 7.0 of float32 weights to 12.3 of bfloat16 ones."""
    decode: float = 3.5
    """Per byte that a delta touches: unpacked, its planes interleaved, added."""
    scatter: float = 52.0
    """Per byte that a delta touches here and there: the place of every element is unpacked and gone to.

    3.5 MB of bfloat16 after a step of AdamW, which changes a sixth of the elements: 51 to 57.
    """
    scan: float = 0.5
    """Per byte of the live weights, looked through for writes that nobody announced before they are overwritten."""
    identity: float = 1.5
    """Per byte hashed into a fingerprint, to verify what was put together."""
    step: float = 500_000.0
    """For one delta of any size: finding its row or its file, starting the decoder."""
    opening: float = 500_000.0
    """For one keyframe or checkpoint of any size: finding and opening it."""
    load: float = 1.8
    """Per byte of `torch.load` into memory that was just freed (1.5 to 2.4); into new memory it is 3.3 to 4.5."""
    load_tensor: float = 500_000.0
    """For one tensor of any size in `torch.load`: 59 µs."""
    at_once: float = 1.3
    """How many threads' work a checkout gets done at a time; `torch.load` works on one.

    Plans do not depend on it; the policy does. At 1.0, two dense edits in a row already call for a keyframe.
    """

    def of_live(self, raw_bytes: int) -> float:
        """Give the cost of copying the live bytes."""
        return self.copy * raw_bytes

    def of_keyframe(self, size: int, raw_bytes: int) -> float:
        """Give the cost of having the bytes of a keyframe; one smaller than they are is compressed."""
        packed = self.unpack * size + self.copy * raw_bytes if size < raw_bytes else 0.0
        return self.opening + self.read * size + packed

    def of_checkpoint(self, size: int) -> float:
        """Give the cost of reading one tensor of a checkpoint file."""
        return self.opening + self.read * size

    def of_deltas(self, steps: int, blob_bytes: int, changed_bytes: int, scattered_bytes: int = 0) -> float:
        """Give the cost of applying deltas, of so many bytes together; either way costs the same.

        Args:
            steps: How many deltas.
            blob_bytes: Bytes of their blobs.
            changed_bytes: Bytes that they touch.
            scattered_bytes: Those of `changed_bytes` that are touched element by element, here and there.
        """
        together = self.decode * (changed_bytes - scattered_bytes) + self.scatter * scattered_bytes
        return self.step * steps + self.read * blob_bytes + together

    def of_finishing(self, raw_bytes: int) -> float:
        """Give what every checkout of changed bytes pays besides: scanning the old, verifying and copying the new."""
        return (self.scan + self.identity + self.copy) * raw_bytes

    def of_loading(self, raw_bytes: int) -> float:
        """Give what `torch.load` would take for this many bytes in one tensor."""
        return self.load_tensor + self.load * raw_bytes


MEASURED = Costs()
"""The costs that plans and policies go by."""

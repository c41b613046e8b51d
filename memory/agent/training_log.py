"""What a Trainer says of a training, sorted: numbers that measure the model, numbers about the run, saved folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

from blake3 import blake3

from memory.errors import InvalidArgument

_ABOUT_THE_RUN = frozenset({"epoch", "step", "learning_rate", "grad_norm", "total_flos", "num_input_tokens_seen"})
_ABOUT_THE_RUN_ENDS = ("_runtime", "_per_second", "_time", "_mem_gpu", "_mem_cpu")
_SUMMARY_END = "_runtime"


@dataclass(slots=True)
class Sorted:
    """What was logged at once."""

    metrics: dict[str, float] = field(default_factory=dict)
    """What measures the model."""
    run: dict[str, float] = field(default_factory=dict)
    """What is about the run: the schedule, the gradient, speed."""


def sort_logs(logs: Mapping[str, Any]) -> Sorted:
    """Sort what a Trainer logged; what is no number is left out.

    Evaluations and the end of a training are logged with how long they took. An evaluation is told a second time, by
    itself, and the mean loss of a whole training measures no one state of the model: there is no metric in either.
    """
    summary = any(key.endswith(_SUMMARY_END) for key in logs)
    found = Sorted()
    for key, value in logs.items():
        if not _is_number(value):
            continue
        if _about_the_run(key) or (summary and key.startswith("train_")):
            found.run[key] = float(value)
        elif not summary:
            found.metrics[key] = float(value)
    return found


def sort_evaluation(metrics: Mapping[str, Any]) -> Sorted:
    """Sort what an evaluation found."""
    numbers = {key: float(value) for key, value in metrics.items() if _is_number(value) and not _about_the_run(key)}
    return Sorted(numbers)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real)


def _about_the_run(key: str) -> bool:
    return key in _ABOUT_THE_RUN or key.endswith(_ABOUT_THE_RUN_ENDS)


def checkpoint_folder(output: str | Path, step: int) -> Path | None:
    """Find the folder that a Trainer saved a step in: below its output, or below that of one of its trials."""
    name = f"checkpoint-{step}"
    found = [path for path in (Path(output) / name, *Path(output).glob(f"run-*/{name}")) if path.is_dir()]
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


def describe_folder(folder: Path) -> dict[str, Any]:
    """Describe the files of a checkpoint, with the blake3 digest of each, and one over all of them.

    Raises:
        InvalidArgument: A file cannot be read.
    """
    whole, files = blake3(), []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name, hasher = path.relative_to(folder).as_posix(), blake3(max_threads=blake3.AUTO)
        try:
            hasher.update_mmap(path)
            size = path.stat().st_size
        except OSError as error:
            raise InvalidArgument("folder", str(folder), f"{name} cannot be read: {error}") from error
        files.append({"name": name, "size": size, "blake3": hasher.hexdigest()})
        whole.update(f"{name}\0{size}\0{hasher.hexdigest()}\n".encode())
    return {"path": str(folder.resolve()), "files": files, "blake3": whole.hexdigest()}

"""One process of a distributed run: does, one after the other, what functions of a test file say; answers in JSON.

Started as `python rank_script.py RANK SIZE STORE TEST_FILE`; reads a line of JSON for each function, its name and its
folder, and writes one with what it returned or raised.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from pathlib import Path

import torch
import torch.distributed as dist

torch.set_num_threads(1)


def main(rank: int, size: int, store: str, test_file: str) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=size)
    spec = importlib.util.spec_from_file_location("scenarios", test_file)
    assert spec is not None
    assert spec.loader is not None
    scenarios = importlib.util.module_from_spec(spec)
    sys.modules["scenarios"] = scenarios
    spec.loader.exec_module(scenarios)
    print(json.dumps({"ready": rank}), file=answers, flush=True)
    for line in sys.stdin:
        name, folder = json.loads(line)
        torch.manual_seed(0)
        try:
            answer = {"returned": getattr(scenarios, name)(rank, Path(folder))}
        except BaseException:  # noqa: BLE001 - the test that waits for the answer shows it
            answer = {"raised": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])

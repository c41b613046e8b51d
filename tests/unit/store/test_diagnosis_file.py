from __future__ import annotations

from pathlib import Path

import pytest

from memory.store.diagnosis_file import diagnose_file_system, file_system, has_reset_fix

MOUNTS = """\
proc /proc proc rw 0 0
server:/export /home nfs4 rw,vers=4.2 0 0
/dev/vdb1 /home/me/local xfs rw 0 0
/dev/vda1 / ext4 rw,relatime 0 0
//host/share /mnt/my\\040share cifs rw 0 0
tmpfs /scratch tmpfs rw 0 0
/dev/vdc1 /scratch ext4 rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/research.db", "ext4"),
        ("/home/me/research.db", "nfs4"),
        ("/homeless/research.db", "ext4"),
        ("/home/me/local/research.db", "xfs"),
        ("/mnt/my share/research.db", "cifs"),
        ("/scratch/research.db", "ext4"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_innermost_and_latest_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_where_the_system_lists_no_mounts_nothing_is_claimed() -> None:
    assert file_system(Path("/srv/research.db"), "") is None
    assert diagnose_file_system(None).level == "ok"


@pytest.mark.parametrize(
    ("kind", "level"),
    [("ext4", "ok"), ("overlay", "ok"), ("nfs4", "problem"), ("cifs", "problem"), ("9p", "problem"),
     ("fuse.sshfs", "problem"), ("fuse.mergerfs", "warning"), ("tmpfs", "warning")],
)  # fmt: skip
def test_a_network_is_no_place_for_a_write_ahead_log(kind: str, level: str) -> None:
    finding = diagnose_file_system(kind)
    assert finding.level == level
    assert kind in finding.message
    assert bool(finding.remedy) == (level != "ok")


@pytest.mark.parametrize(
    ("version", "fixed"),
    [((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False), ((3, 50, 7), True),
     ((3, 51, 2), False), ((3, 51, 3), True), ((3, 53, 0), True), ((4, 0, 0), True)],
)  # fmt: skip
def test_the_wal_reset_bug_is_known_by_its_versions(version: tuple[int, ...], fixed: bool) -> None:
    assert has_reset_fix(version) == fixed

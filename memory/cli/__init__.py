"""The command `palimpsest`."""

from __future__ import annotations


def main() -> None:
    """Run the command line; exits 0 when all is well, 1 on a problem found or an error of ours, 2 on wrong usage."""
    from memory.cli.app import run

    run()

"""The command `palimpsest`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; exits 0 when all is well, 1 on a problem found or an error of ours, 2 on wrong usage."""
    try:
        from memory.cli.app import run
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("introspection"):
            raise
        # `palimpsest doctor` would say so too, and cannot start: PyPI has a package of that name that is not ours.
        from memory.cli.installation import package_folder

        sys.stderr.write(
            f"error [palimpsest]: the package 'introspection' in {package_folder('introspection')} is not ours\n"
            "  remedy: pip uninstall -y introspection && pip install --force-reinstall --no-deps palimpsest-memory\n"
        )
        sys.exit(1)
    run()

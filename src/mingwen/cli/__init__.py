"""The command ``mingwen``: flags to a command to a service to text or ``--json``."""

import sys


def main() -> None:
    """Run the command and leave with its exit status (``exits``)."""
    from mingwen.cli.application import run  # noqa: PLC0415 - completion and --version need nothing else

    sys.exit(run(sys.argv[1:]))

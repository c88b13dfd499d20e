"""The command ``mingwen``: flags to a command to a service to text or ``--json``."""

import gc
import os
import sys


def main() -> None:
    """Run the command and leave with its exit status (``exits``)."""
    os.environ.setdefault("SVT_LOG", "1")  # the encoder of AV1 would tell of itself on standard error
    gc.disable()  # what is imported stays for good; to look through it again and again takes a tenth of a short run
    from mingwen.cli.application import run  # noqa: PLC0415 - completion and --version need nothing else

    gc.freeze()
    gc.enable()
    sys.exit(run(sys.argv[1:]))

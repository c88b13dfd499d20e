"""The options that several commands share."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")


def shared(*wanted: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give a command these options, in this order."""
    options = {
        "name": click.option("--name", help="The name of standard input: its suffix tells Markdown from plain text."),
        "jobs": click.option(
            "--jobs", "-j", type=click.IntRange(1, 256), default=2, show_default=True, help="How many files at a time."
        ),
        "regime": click.option("--regime", metavar="NAMES", help="Laws to satisfy: cn, eu, us-ca, or several: cn,eu,us-ca."),
        "json": click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line and file."),
        "language": click.option("--language", type=click.Choice(["auto", "zh", "en"]), help="Of messages."),
        "store": click.option("--store", metavar="URL", help="sqlite:///PATH, a path, or postgresql+psycopg://…"),
    }

    def add(command: Callable[P, R]) -> Callable[P, R]:
        for name in reversed(wanted):
            command = options[name](command)
        return command

    return add

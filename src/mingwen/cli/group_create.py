"""``mingwen create`` and its options; the work is done in ``authorship``."""

from typing import Final

import click

from mingwen.cli.options import shared
from mingwen.domain.steps import Act, Doer

_work: Final = click.argument("work", metavar="WORK")
_by: Final = click.option("--by", metavar="WHO", default="", help="Who did it; not given: the work's author.")


@click.group(short_help="Record how a work comes about, as it happens.")
def create() -> None:
    """Record how a work comes about: prompts, parameters, drafts, choices, edits, and the digests of every file.

    It shows what was stated, in which order, and no later than when. It does not show that the statements are true.
    """


@create.command("open", short_help="Begin the record of a work.")
@click.argument("title")
@click.option("--author", default="", help="Whose work it is; not given: the producer of the configuration.")
@click.option("--note", default="", metavar="TEXT", help="What it is to become.")
@shared("json", "language", "store")
def create_open(title: str, **given: str) -> int:
    """Begin the record of a work, and print its id."""
    from mingwen.cli import authorship  # noqa: PLC0415 - each command imports what it needs

    return authorship.open_work(title, given)


@create.command("step", short_help="Record a step.")
@_work
@click.option("--kind", type=click.Choice([a.value for a in Act]), help="What it was; not given: what the other options say.")
@click.option("--prompt", default="", metavar="TEXT|@FILE", help="What the system was asked for.")
@click.option("--parameters", multiple=True, metavar="JSON|NAME=VALUE", help="What it was set to; may be repeated.")
@click.option("--seed", type=int, metavar="N", help="The number that its chance began with.")
@click.option("--model", default="", metavar="NAME", help="Which model.")
@click.option("--tool", default="", metavar="NAME", help="Which program.")
@click.option("--human", "doer", flag_value=Doer.HUMAN.value, help="A human did it.")
@click.option("--machine", "doer", flag_value=Doer.MACHINE.value, help="A machine did it.")
@click.option("--note", default="", metavar="TEXT|@FILE", help="Why, and what else there is to say.")
@click.option(
    "--file", "files", multiple=True, metavar="FILE", help="What came of it: its digests are recorded; may be repeated."
)
@click.option("--chose", metavar="FILE", help="Which one was chosen.")
@click.option("--from", "choices", multiple=True, metavar="FILE", help="What there was to choose from, the chosen one too.")
@_by
@shared("json", "language", "store")
def create_step(work: str, **given: object) -> int:
    """Record a step of an open work, with the digest of what was recorded before it."""
    from mingwen.cli import authorship  # noqa: PLC0415 - each command imports what it needs

    return authorship.step(work, given)


@create.command("close", short_help="End the record of a work.")
@_work
@click.option("--file", "files", multiple=True, metavar="FILE", help="The finished work; may be repeated.")
@click.option("--statement", default="", metavar="TEXT|@FILE", help="What the author says of their part in it.")
@_by
@shared("json", "language", "store")
def create_close(work: str, **given: object) -> int:
    """End the record of a work: it takes no further step."""
    from mingwen.cli import authorship  # noqa: PLC0415 - each command imports what it needs

    return authorship.close(work, given)


@create.command("show", short_help="Show what was recorded, and check its chain.")
@_work
@shared("json", "language", "store")
def create_show(work: str, **given: object) -> int:
    """Show everything that was recorded of a work, oldest first, and check that no step is missing between."""
    from mingwen.cli import authorship  # noqa: PLC0415 - each command imports what it needs

    return authorship.show(work, given)


@create.command("timeline", short_help="Write the record as a page.")
@_work
@click.option("--output", "-o", metavar="HTML", required=True, help="The page.")
@click.option("--overwrite", is_flag=True, help="Replace a page that exists.")
@shared("json", "language", "store")
def create_timeline(work: str, **given: object) -> int:
    """Write everything that was recorded of a work as one page of HTML, which fetches nothing."""
    from mingwen.cli import authorship  # noqa: PLC0415 - each command imports what it needs

    return authorship.timeline(work, given)


@create.command("list", short_help="List the works.")
@shared("json", "language", "store")
def create_list(**given: object) -> int:
    """List the works, newest first."""
    from mingwen.cli import authorship  # noqa: PLC0415 - each command imports what it needs

    return authorship.every(given)

"""``mingwen retention`` and its options; the work is done in ``retention``."""

from typing import Final

import click

from mingwen.cli.options import shared

_reason: Final = click.option("--reason", metavar="TEXT", required=True, help="Why; stands in the log.")
_by: Final = click.option("--by", metavar="WHO", default="", help="Who decided; not given: the producer of the configuration.")


@click.group("retention", short_help="Keep what has to be kept, erase what may go.")
def keeping() -> None:
    """Keep entries as long as laws and holds want them, and erase what may go.

    What is erased leaves its digests: the log still verifies, and nobody can say any more what the entry was about. Not legal
    advice.
    """


@keeping.command("show", short_help="Show periods, and what is due.")
@shared("json", "language", "store")
def retention_show(**given: object) -> int:
    """Show for each kind of entry how long it is kept, by which clause, how many there are, are due, and are on hold."""
    from mingwen.cli import retention  # noqa: PLC0415 - each command imports what it needs

    return retention.show(given)


@keeping.command("expire", short_help="Erase entries whose period ended.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and erase nothing.")
@_by
@shared("json", "language", "store")
def retention_expire(**given: object) -> int:
    """Erase all fields of entries whose period (setting retention.periods) ended and that no hold covers."""
    from mingwen.cli import retention  # noqa: PLC0415 - each command imports what it needs

    return retention.expire(given)


@keeping.command("erase", short_help="Erase fields of entries on request.")
@click.argument("entries", metavar="ENTRY...", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1))
@click.option("--field", "fields", multiple=True, metavar="NAME", help="Which; not given: those that may tell of persons.")
@click.option("--all", "everything", is_flag=True, help="All fields.")
@_reason
@_by
@shared("json", "language", "store")
def retention_erase(entries: tuple[int, ...], **given: object) -> int:
    """Erase fields of entries, by their numbers. Refused while a hold covers one of them, or a law wants it kept."""
    from mingwen.cli import retention  # noqa: PLC0415 - each command imports what it needs

    return retention.erase(entries, given)


@keeping.command("hold", short_help="Hold back erasure, for a dispute.")
@click.option("--subject", metavar="ID|ENTRY", required=True, help="What entries are about, or the number of one.")
@_reason
@_by
@shared("json", "language", "store")
def retention_hold(**given: object) -> int:
    """Hold back every erasure of what is recorded about a subject, and print the hold's id."""
    from mingwen.cli import retention  # noqa: PLC0415 - each command imports what it needs

    return retention.hold(given)


@keeping.command("release", short_help="End a hold.")
@click.argument("hold", metavar="ID")
@_reason
@_by
@shared("json", "language", "store")
def retention_release(hold: str, **given: object) -> int:
    """End a hold."""
    from mingwen.cli import retention  # noqa: PLC0415 - each command imports what it needs

    return retention.release(hold, given)


@keeping.command("holds", short_help="List the holds that stand.")
@shared("json", "language", "store")
def retention_holds(**given: object) -> int:
    """List the holds that stand, oldest first."""
    from mingwen.cli import retention  # noqa: PLC0415 - each command imports what it needs

    return retention.holds(given)

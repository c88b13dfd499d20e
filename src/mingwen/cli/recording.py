"""``mingwen log add``: an act that happened elsewhere goes into the log."""

import click

from mingwen.cli.options import shared
from mingwen.domain.kinds import KINDS


@click.command("add", short_help="Record an act that happened elsewhere.")
@click.argument("kind", type=click.Choice([k.name for k in KINDS.values() if k.by_hand]))
@click.option("--subject", metavar="ID", required=True, help="What it is about: the id of other entries about the same.")
@click.option("--by", metavar="WHO", default="", help="Who acted; not given: the producer of the configuration.")
@click.option("--field", "fields", multiple=True, metavar="NAME=VALUE", help="What else there is to say; may be repeated.")
@click.option("--file", metavar="FILE", help="What it is laid down in: its name and digests are recorded.")
@shared("json", "language", "store")
def add(kind: str, **given: object) -> int:
    """Record a flag, a ruling or a licence. Each other act of this program records itself."""
    from mingwen.cli import authorship  # noqa: PLC0415 - each command imports what it needs

    return authorship.record(kind, given)

"""``mingwen log`` with what belongs to it, and ``mingwen audit``."""

import click

from mingwen.cli import exits
from mingwen.cli.options import shared
from mingwen.domain.kinds import KINDS


@click.group(invoke_without_command=True, short_help="Show what was labelled and verified; publish it as a log.")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    help="Only entries of this kind.",
)
@click.option("--subject", help="Only this ProduceID, or file name where there was no label.")
@click.option("--limit", "-n", type=click.IntRange(1, 1_000_000), default=20, show_default=True, help="How many.")
@shared("json", "language", "store")
@click.pass_context
def log(  # noqa: PLR0913 - filters, each by its name
    context: click.Context,
    *,
    kind: str | None,
    subject: str | None,
    limit: int,
    as_json: bool,
    language: str | None,
    store: str | None,
) -> int:
    """Show what was labelled and verified, newest first."""
    if context.invoked_subcommand:
        if any((kind, subject, as_json, language, store)):
            raise click.UsageError(f"give the options after {context.invoked_subcommand}", context)
        return exits.WELL
    from mingwen.cli import history  # noqa: PLC0415 - each command imports what it needs

    return history.run({"language": language, "store_url": store}, kind=kind, subject=subject, limit=limit, as_json=as_json)


@log.command(short_help="Show what was published, oldest first.")
@click.option("--limit", "-n", type=click.IntRange(0, 1_000_000), default=20, show_default=True, help="How many to begin with.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is published from now on.")
@shared("json", "language", "store")
def tail(*, limit: int, follow: bool, as_json: bool, language: str | None, store: str | None) -> int:
    """Show the last entries that a signed checkpoint covers, with their positions in the log."""
    from mingwen.cli import history  # noqa: PLC0415 - each command imports what it needs

    return history.tail({"language": language, "store_url": store}, limit=limit, follow=follow, as_json=as_json)


@log.command(short_help="Put entries in order, write the tiles and sign.")
@click.option("--follow", is_flag=True, help="Go on until stopped: a batch every 50 ms or 2,000 entries.")
@click.option("--rebuild", is_flag=True, help="First write all tiles anew from the store.")
@shared("json", "language", "store")
def publish(*, follow: bool, rebuild: bool, as_json: bool, language: str | None, store: str | None) -> int:
    """Publish the log: tiles and entry bundles (c2sp.org/tlog-tiles) and a signed checkpoint, into log.folder.

    Several may run at once, and each may be killed at any moment: the next run goes on from there. The first run makes the log's
    key, unless log.keys names one. Witnesses and time-stamping authorities are asked where they are configured.
    """
    from mingwen.cli import publishing  # noqa: PLC0415 - each command imports what it needs

    return publishing.run({"language": language, "store_url": store}, follow=follow, rebuild=rebuild, as_json=as_json)


@log.command(short_help="Put the newest signed checkpoint into the second place.")
@shared("json", "language", "store")
def adopt(*, as_json: bool, language: str | None, store: str | None) -> int:
    """Put the newest signed checkpoint into log.head, where that was lost, if all leaves in the store lead to its root."""
    from mingwen.cli import publishing  # noqa: PLC0415 - each command imports what it needs

    return publishing.adopt({"language": language, "store_url": store}, as_json=as_json)


@log.group(short_help="Make and look at keys that sign the log.")
def key() -> None:
    """Make and look at keys that sign the log."""


@key.command("new", short_help="Make a key.")
@click.option("--kind", type=click.Choice(["ed25519", "ml-dsa-44", "sm2"]), default="ed25519", show_default=True, help="Of key.")
@click.option("--output", "-o", metavar="PEM", required=True, help="A new file, for log.keys.")
@shared("json", "language")
def key_new(*, kind: str, output: str, as_json: bool, language: str | None) -> int:
    """Make a key that signs checkpoints: PEM of PKCS#8 with mode 0600. A log needs an Ed25519 key; others sign beside it."""
    from mingwen.cli import publishing  # noqa: PLC0415 - each command imports what it needs

    return publishing.new_key({"language": language}, kind=kind, output=output, as_json=as_json)


@key.command("show", short_help="Print the log's verifier keys.")
@shared("json", "store")
def key_show(*, as_json: bool, store: str | None) -> int:
    """Print the verifier keys (c2sp.org/signed-note) by which others check the log's checkpoints."""
    from mingwen.cli import publishing  # noqa: PLC0415 - each command imports what it needs

    return publishing.show_keys({"store_url": store}, as_json=as_json)


@click.command(short_help="Read the whole log again and name what is wrong.")
@shared("json", "language", "store")
def audit(*, as_json: bool, language: str | None, store: str | None) -> int:
    """Read everything again: each entry against its leaf, the tree against every signed checkpoint, every file of the log."""
    from mingwen.cli import auditing  # noqa: PLC0415 - each command imports what it needs

    return auditing.run({"language": language, "store_url": store}, as_json=as_json)

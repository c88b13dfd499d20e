"""``mingwen evidence``."""

import click

from mingwen.cli.options import shared


@click.group(short_help="Take evidence out of the log, and verify it offline.")
def evidence() -> None:
    """Take entries out of the log as bundles that strangers can check, and check such bundles."""


@evidence.command(short_help="Write a bundle about entries or a file.")
@click.argument("names", metavar="ENTRY|FILE...", nargs=-1, required=True)
@click.option("--output", "-o", metavar="ZIP", required=True, help="The bundle, or - for standard output.")
@click.option("--reveal", metavar="NAMES", help="Show only these fields: subject,label; the others are kept back.")
@click.option("--conceal", metavar="NAMES", help="Keep these fields back: by,file.")
@click.option("--custody", metavar="TEXT", multiple=True, help="Who had the file when, in words; may be repeated.")
@click.option("--overwrite", is_flag=True, help="Replace a bundle that exists.")
@shared("json", "language", "store")
def export(names: tuple[str, ...], **given: object) -> int:
    """Write a bundle: entries, what they disclose, proofs, checkpoints, time stamps, keys, and a report for people.

    ENTRY is a number of `mingwen log`, #POSITION in the log, or a ProduceID; FILE is found by its labels and its digest. What is
    not in a signed checkpoint yet is published first. The bundle is verified before it appears, and the export recorded.
    """
    from mingwen.cli import evidence as command  # noqa: PLC0415 - each command imports what it needs

    return command.export(names, given)


@evidence.command(short_help="Verify a bundle, offline.")
@click.argument("name", metavar="ZIP")
@click.option("--key", multiple=True, metavar="VKEY", help="The log's key, as its owner gave it to you: a text or a file.")
@click.option("--witness", multiple=True, metavar="VKEY", help="The key of a witness you know; may be repeated.")
@click.option("--root", multiple=True, metavar="PEM", help="The root of a time-stamping authority you know; may be repeated.")
@click.option("--content", metavar="FILE", help="The file that the bundle tells of.")
@shared("json", "language")
def verify(name: str, **given: object) -> int:
    """Verify a bundle in eleven steps, with nothing but the bundle: no network, no configuration, no store."""
    from mingwen.cli import evidence as command  # noqa: PLC0415 - each command imports what it needs

    return command.verify(name, given)


@evidence.command(short_help="Write the verifier as one Python file.")
@click.option("--output", "-o", metavar="PY", required=True, help="The file, for example verifier.py; - for standard output.")
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
def verifier(*, output: str, overwrite: bool) -> int:
    """Write the verifier as one file that needs Python and the package cryptography, and nothing of this program."""
    from mingwen.cli import evidence as command  # noqa: PLC0415 - each command imports what it needs

    return command.write("verifier.py", output, overwrite=overwrite)


@evidence.command(short_help="Write the verifier as one HTML page.")
@click.option("--output", "-o", metavar="HTML", required=True, help="The file, for example verify.html; - for standard output.")
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
def page(*, output: str, overwrite: bool) -> int:
    """Write the verifier as one page for a browser, which asks nothing of any network."""
    from mingwen.cli import evidence as command  # noqa: PLC0415 - each command imports what it needs

    return command.write("verify.html", output, overwrite=overwrite)

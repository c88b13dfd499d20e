"""``mingwen witness`` and ``mingwen monitor``: their options; the work stands in ``cli.watching``."""

import click

from mingwen.cli.options import shared

_NAME = click.option("--name", required=True, help="The witness's name: an address without scheme, witness.example/w1.")
_KEY = click.option(
    "--key", "keys", metavar="PEM", multiple=True, required=True, help="Its key; one Ed25519, one ML-DSA-44, or both."
)
_STATE = click.option("--state", metavar="FILE", required=True, help="Where it keeps what it cosigned last; made if missing.")
_LOG = click.option(
    "--log", "logs", metavar="VKEY", multiple=True, help="Verifier key of a log that it watches; may be repeated."
)


@click.group(short_help="Watch that the logs of others only grow, and sign that they do.")
def witness() -> None:
    """Be a witness of transparency logs (c2sp.org/tlog-witness)."""


@witness.command("serve", short_help="Answer logs over HTTP.")
@click.option(
    "--listen", metavar="HOST:PORT", default="127.0.0.1:8337", show_default=True, help="Where to listen; TLS is a proxy's."
)
@_NAME
@_KEY
@_LOG
@_STATE
@shared("json")
def serve(*, listen: str, as_json: bool, name: str, keys: tuple[str, ...], logs: tuple[str, ...], state: str) -> int:
    """Cosign the checkpoints of logs over HTTP until it is stopped, and show a page to people at /."""
    from mingwen.cli import watching  # noqa: PLC0415 - each command imports what it needs
    from mingwen.wiring_watch import Post  # noqa: PLC0415 - the same

    return watching.serve(listen, Post(name, keys, logs, state), as_json=as_json)


@witness.command("show", short_help="Print its verifier keys and what it cosigned last.")
@_NAME
@_KEY
@_LOG
@_STATE
@shared("json")
def show(*, as_json: bool, name: str, keys: tuple[str, ...], logs: tuple[str, ...], state: str) -> int:
    """Print the verifier keys of a witness, and of each log the checkpoint it cosigned last."""
    from mingwen.cli import watching  # noqa: PLC0415 - each command imports what it needs
    from mingwen.wiring_watch import Post  # noqa: PLC0415 - the same

    return watching.show(Post(name, keys, logs, state), as_json=as_json)


@witness.group("key", short_help="Make keys of a witness.")
def key() -> None:
    """Make keys of a witness."""


@key.command("new", short_help="Make a key.")
@click.option("--output", "-o", metavar="PEM", required=True, help="The private key; mode 0600.")
@_NAME
@click.option("--kind", type=click.Choice(["ed25519", "ml-dsa-44"]), default="ed25519", show_default=True, help="Of signature.")
@shared("json")
def key_new(*, output: str, name: str, kind: str, as_json: bool) -> int:
    """Make a private key as PEM, and print the verifier key that goes with it and with NAME."""
    from mingwen.cli import watching  # noqa: PLC0415 - each command imports what it needs

    return watching.new_key(output, name, kind, as_json=as_json)


@click.command(short_help="Check that somebody's log only grows.")
@click.argument("log", metavar="URL")
@click.option(
    "--key", "keys", metavar="VKEY", multiple=True, required=True, help="Verifier key of the log; each given has to sign."
)
@click.option(
    "--witness", "witnesses", metavar="VKEY", multiple=True, help="Verifier key of a witness that has to have cosigned."
)
@click.option("--entries", is_flag=True, help="Fetch the entries too, and check that each stands in the tree.")
@click.option(
    "--state", metavar="FILE", help="Where it remembers what it saw; evidence goes beside it.  [default: with your data]"
)
@click.option("--follow", type=click.FloatRange(min=1), metavar="SECONDS", help="Look again and again.")
@shared("json", "language")
def monitor(log: str, *, follow: float | None, as_json: bool, language: str | None, **given: object) -> int:
    """Look at a tiled log (c2sp.org/tlog-tiles) at URL, an address or a folder, and check it against what was seen before.

    A log that took entries back, forked, or lost a tile is a finding; both checkpoints of a fork are kept in files.
    """
    from mingwen.cli import watching  # noqa: PLC0415 - each command imports what it needs

    look = watching.Look(log, **given)  # type: ignore[arg-type] # click typed them
    return watching.monitor(look, follow=follow, language=language, as_json=as_json)

"""The commands and their options; each does its work in a module of its own."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from mingwen.adapters.files.disk import translated
from mingwen.cli import exits
from mingwen.domain.errors import MingwenError, only_ours
from mingwen.domain.labels import Claim
from mingwen.domain.notices import Ends, Position

app = typer.Typer(
    name="mingwen",
    help="Label what AI generates and verify labels, by GB 45438-2025. 为生成合成内容添加并核验标识。",
    epilog="Exit status: " + "; ".join(f"{status} {meaning}" for status, meaning in exits.MEANING.items()) + ".",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
key_app = typer.Typer(help="Make and look at SM2 keys that sign labels.", no_args_is_help=True)
app.add_typer(key_app, name="key")

Names = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Files, folders, patterns, or - for standard input.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line and file.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, max=256, help="How many files at a time.")]
Language = Annotated[str | None, typer.Option("--language", help="Of messages: zh, en or auto.", metavar="LANG")]
StoreUrl = Annotated[str | None, typer.Option("--store", help="sqlite:///PATH, a path, or postgresql+psycopg://…", metavar="URL")]

_TARGET: Final = "Output"
_EXPLICIT: Final = "Explicit label (GB 45438-2025 §5)"
_RECORD: Final = "Metadata label (Annex E)"


@app.command("label")
def label(  # noqa: PLR0913 - one parameter a flag
    names: Names,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="OUT", help="File, folder, or - for standard output.", rich_help_panel=_TARGET),
    ] = None,
    *,
    in_place: Annotated[
        bool, typer.Option("--in-place", "-i", help="Replace the file itself, in one step.", rich_help_panel=_TARGET)
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output that exists.", rich_help_panel=_TARGET)
    ] = False,
    wording: Annotated[str | None, typer.Option(help="Words of the explicit label.", rich_help_panel=_EXPLICIT)] = None,
    position: Annotated[Position | None, typer.Option(help="Corner or edge, in pictures.", rich_help_panel=_EXPLICIT)] = None,
    ends: Annotated[Ends | None, typer.Option(help="Where in texts and sounds.", rich_help_panel=_EXPLICIT)] = None,
    no_explicit: Annotated[
        bool,
        typer.Option("--no-explicit", help="Leave it out (Measures Art. 9); needs the three below.", rich_help_panel=_EXPLICIT),
    ] = False,
    recipient: Annotated[str | None, typer.Option(help="Who receives the unmarked file.", rich_help_panel=_EXPLICIT)] = None,
    agreement: Annotated[str | None, typer.Option(help="Version of the agreement with them.", rich_help_panel=_EXPLICIT)] = None,
    reason: Annotated[str | None, typer.Option(help="Why they asked.", rich_help_panel=_EXPLICIT)] = None,
    producer: Annotated[str | None, typer.Option(help="ContentProducer: code or name.", rich_help_panel=_RECORD)] = None,
    produce_id: Annotated[str | None, typer.Option(help="ProduceID; a fresh UUID if not given.", rich_help_panel=_RECORD)] = None,
    claim: Annotated[
        Claim, typer.Option(help="Label: 1 is, 2 may be, 3 is suspected to be generated.", rich_help_panel=_RECORD)
    ] = Claim.GENERATED,
    propagate: Annotated[
        bool,
        typer.Option("--propagate", help="As the platform: change only fields 5 to 7.", rich_help_panel=_RECORD),
    ] = False,
    propagator: Annotated[str | None, typer.Option(help="ContentPropagator, with --propagate.", rich_help_panel=_RECORD)] = None,
    propagate_id: Annotated[str | None, typer.Option(help="PropagateID, with --propagate.", rich_help_panel=_RECORD)] = None,
    key_file: Annotated[
        str | None, typer.Option("--key", metavar="PEM", help="SM2 key that signs (ReservedCode1).", rich_help_panel=_RECORD)
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key again gives the same label.", rich_help_panel=_RECORD)
    ] = None,
    jobs: Jobs = 2,
    as_json: Json = False,
    language: Language = None,
    store: StoreUrl = None,
) -> None:
    """Write the explicit and the metadata label; without -o, beside the file as NAME.labelled.EXT."""
    from mingwen.cli import labelling  # noqa: PLC0415 - each command imports what it needs

    flags = {
        "producer": producer, "propagator": propagator, "notice_wording": wording, "notice_position": position,
        "notice_ends": ends,
        "key_file": key_file, "language": language, "store_url": store,
    }  # fmt: skip
    options = labelling.Options(
        names=names, output=output, in_place=in_place, overwrite=overwrite, explicit=not no_explicit,
        delivery=(recipient, agreement, reason), produce_id=produce_id, claim=claim, propagate=propagate,
        propagate_id=propagate_id, key=idempotency_key, jobs=jobs, as_json=as_json,
    )  # fmt: skip
    raise typer.Exit(labelling.run(options, flags))


@app.command("verify")
def verify(
    names: Names,
    *,
    trust: Annotated[
        list[str] | None, typer.Option(help="Pin this key: file or fingerprint; may be repeated.", metavar="KEY")
    ] = None,
    jobs: Jobs = 2,
    as_json: Json = False,
    language: Language = None,
    store: StoreUrl = None,
) -> None:
    """Find every label in files and say: compliant, non-compliant, not found or inconclusive."""
    from mingwen.cli import verification  # noqa: PLC0415 - each command imports what it needs

    flags = {"language": language, "store_url": store, "trust_keys": trust or None}
    raise typer.Exit(verification.run(names, flags, jobs=jobs, as_json=as_json))


@app.command("inspect")
def inspect(
    name: Annotated[str, typer.Argument(metavar="FILE", show_default=False)], *, as_json: Json = False, language: Language = None
) -> None:
    """Show everything a file says about its making: places, fields, provider codes, signatures. Records nothing."""
    from mingwen.cli import inspection  # noqa: PLC0415 - each command imports what it needs

    raise typer.Exit(inspection.run(name, {"language": language}, as_json=as_json))


@app.command("log")
def log(
    *,
    kind: Annotated[str | None, typer.Option(help="label.produced, label.propagated or verdict.given.")] = None,
    subject: Annotated[str | None, typer.Option(help="A ProduceID, or a file's name where it had no label.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000_000, help="How many, newest first.")] = 20,
    as_json: Json = False,
    language: Language = None,
    store: StoreUrl = None,
) -> None:
    """Show what was labelled and verified, newest first."""
    from mingwen.cli import history  # noqa: PLC0415 - each command imports what it needs

    raise typer.Exit(
        history.run({"language": language, "store_url": store}, kind=kind, subject=subject, limit=limit, as_json=as_json)
    )


@app.command("config")
def config(
    *,
    template: Annotated[bool, typer.Option("--template", help="Print a configuration file to begin with.")] = False,
    path: Annotated[bool, typer.Option("--path", help="Print where the configuration file is looked for.")] = False,
    as_json: Json = False,
) -> None:
    """Show every setting, its value and where the value comes from."""
    from mingwen.cli import settings  # noqa: PLC0415 - each command imports what it needs

    raise typer.Exit(settings.run(template=template, path=path, as_json=as_json))


@key_app.command("new")
def key_new(
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PEM", help="Where the private key goes; the public one beside it.")
    ] = "mingwen-key.pem",
    *,
    as_json: Json = False,
) -> None:
    """Make an SM2 key pair: PEM with mode 0600, and the public key beside it as .pub.pem."""
    from mingwen.cli import keys  # noqa: PLC0415 - each command imports what it needs

    raise typer.Exit(keys.new(output, as_json=as_json))


@key_app.command("show")
def key_show(name: Annotated[str, typer.Argument(metavar="FILE", show_default=False)], *, as_json: Json = False) -> None:
    """Print the fingerprint of a private key, public key or certificate, for trust.keys."""
    from mingwen.cli import keys  # noqa: PLC0415 - each command imports what it needs

    raise typer.Exit(keys.show(name, as_json=as_json))


def _version(value: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if value:
        import mingwen  # noqa: PLC0415 - not needed otherwise

        sys.stdout.write(f"mingwen {mingwen.__version__}\n")
        raise typer.Exit


@app.callback()
def top(
    *, version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False
) -> None:
    """Hold the options that every command shares."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; an error becomes two lines, never a traceback."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `mingwen … | head` ends quietly
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: unfinished outputs are taken away
    try:
        with only_ours():
            status = _told(arguments)
            _flushed()
    except MingwenError as e:
        from mingwen.cli import terminal  # noqa: PLC0415 - only failures need it

        terminal.report_error(e, language="en")
        return exits.of_error(e)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    return status


def _told(arguments: Sequence[str]) -> int:
    """Let Typer parse and run: a wrong command line gives its usage and status 2, as ``exits`` has it."""
    try:
        app(list(arguments))
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else exits.WELL
    return exits.WELL


def _flushed() -> None:
    """Bring everything to standard output while a failure can still be told."""
    try:
        with translated("write to standard output"):
            sys.stdout.flush()
    except MingwenError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter would try again at its end
        raise

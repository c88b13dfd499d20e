"""The commands and their options; each does its work in a module of its own."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Final, ParamSpec, TypeVar

import click

from mingwen.cli import exits
from mingwen.cli.group_create import create
from mingwen.cli.group_evidence import evidence
from mingwen.cli.group_log import audit, log
from mingwen.cli.group_retention import keeping
from mingwen.cli.group_witness import monitor, witness
from mingwen.cli.options import shared
from mingwen.cli.recording import add
from mingwen.domain.errors import MingwenError, only_ours
from mingwen.domain.labels import Claim
from mingwen.domain.notices import Layout, Pages, Position, TextForm
from mingwen.domain.tiers import Declared
from mingwen.settings import RECOGNISERS, VOICES
from mingwen.wiring import translated

P = ParamSpec("P")
R = TypeVar("R")

_EPILOG: Final = "Exit status: " + "; ".join(f"{status} {meaning}" for status, meaning in exits.MEANING.items()) + "."


_STYLE: Final = (
    click.option("--wording", help="Words of the explicit label (§5.1 to §5.4)."),
    click.option(
        "--position", type=click.Choice([p.value for p in Position]), help="Of the explicit label in pictures and films."
    ),
    click.option("--layout", type=click.Choice([v.value for v in Layout]), help="Of its letters in pictures and films."),
    click.option("--moments", metavar="LIST", help="When texts, sounds and films bear it: some of start,middle,end."),
    click.option("--middle", is_flag=True, help="In the middle too."),
    click.option("--end", is_flag=True, help="At the end too."),
    click.option("--persistent", is_flag=True, default=None, help="A film bears it as long as it lasts."),
    click.option("--every", type=float, metavar="MINUTES", help="A sound bears it again whenever so much has gone by."),
    click.option("--voice", type=click.Choice(VOICES), help="Says the label beside sounds, in place of the rhythm."),
    click.option("--recording", metavar="AUDIO", help="A file in which the label is said, for sounds."),
    click.option("--said", metavar="WORDS", help="What is said in it."),
    click.option("--text-form", type=click.Choice([v.value for v in TextForm]), help="Of the explicit label in texts."),
    click.option("--pages", type=click.Choice([v.value for v in Pages]), help="Of a document, slides, sheets that bear it."),
)


def _styled(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the flags that say how explicit labels look and sound."""
    for option in reversed(_STYLE):
        command = option(command)
    return command


_names = click.argument("names", metavar="FILE...", nargs=-1, required=True)


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click calls it so
    if wanted:
        import mingwen  # noqa: PLC0415 - not needed otherwise

        click.echo(f"mingwen {mingwen.__version__}")
        context.exit()


@click.group(
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Label what AI generates and verify labels, by GB 45438-2025. 为生成合成内容添加并核验标识。\n\n"
    "FILE may be a file, a folder, a pattern, or - for standard input.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version.")
def cli() -> None:
    """Hold the commands."""


@cli.command(short_help="Write the explicit and the metadata label.")
@_names
@click.option(
    "--output", "-o", metavar="OUT", help="File, folder, or - for standard output; not given: NAME.labelled.EXT beside the file."
)
@click.option("--in-place", "-i", is_flag=True, help="Replace the file itself, in one step.")
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
@_styled
@click.option("--no-explicit", is_flag=True, help="Leave the explicit label out (Measures Art. 9); needs the next three.")
@click.option("--recipient", help="Who receives the file without explicit label.")
@click.option("--agreement", help="The version of the agreement with them.")
@click.option("--reason", help="Why they asked.")
@click.option("--marked", metavar="WORDS", help="The content bears an explicit label already, this one; draw none.")
@click.option("--manifest", is_flag=True, help="Sign a C2PA manifest too (settings manifest.key and manifest.chain).")
@click.option("--producer", help="ContentProducer: your provider code or name.")
@click.option("--produce-id", help="ProduceID; a fresh UUID if not given.")
@click.option(
    "--claim",
    type=click.Choice([c.value for c in Claim]),
    default="1",
    show_default=True,
    help="Label: 1 is, 2 may be, 3 is suspected.",
)
@click.option(
    "--propagate", is_flag=True, help="As the platform that spreads it: change only fields 5 to 7 of the label there is."
)
@click.option("--propagator", help="ContentPropagator, with --propagate.")
@click.option("--propagate-id", help="PropagateID, with --propagate.")
@click.option("--key", "key_file", metavar="PEM", help="SM2 key that signs the label (ReservedCode1).")
@click.option("--idempotency-key", metavar="TEXT", help="The same key again gives the same label and no second entry.")
@shared("regime", "name", "jobs", "json", "language", "store")
def label(names: tuple[str, ...], **given: object) -> int:
    """Write the explicit and the metadata label of generated content.

    Whatever is in FILE stays as it is but for the label: metadata byte for byte, and with --no-explicit or --propagate also every
    pixel, sample and packet. The output is read back before it appears.
    """
    from mingwen.cli import labelling  # noqa: PLC0415 - each command imports what it needs

    return labelling.run(labelling.options(names, given), labelling.flags(given))


@cli.command(short_help="Find every label and give a verdict.")
@_names
@click.option("--trust", multiple=True, metavar="KEY", help="Pin this key: a file or a fingerprint; may be repeated.")
@click.option("--explicit", is_flag=True, help="Measure the labels people perceive too: height, place, time (needs tesseract).")
@shared("name", "jobs", "json", "language", "store")
def verify(
    names: tuple[str, ...], *, trust: tuple[str, ...], explicit: bool, jobs: int, as_json: bool, **given: str | None
) -> int:
    """Find every label in files, whoever wrote them, and say: compliant, non-compliant, not found or inconclusive."""
    from mingwen.cli import verification  # noqa: PLC0415 - each command imports what it needs

    flags = {"language": given["language"], "store_url": given["store"], "trust_keys": list(trust) or None}
    return verification.run(names, flags, name=given["name"], jobs=jobs, as_json=as_json, explicit=explicit)


@cli.command(short_help="Show what label would draw, and write nothing else.")
@click.argument("name", metavar="FILE", type=click.Path())
@click.option("--output", "-o", metavar="PNG", help="The picture; not given: FILE.preview.png beside the file.")
@click.option("--overwrite", is_flag=True, help="Replace a picture that exists.")
@_styled
@shared("json", "language")
def preview(name: str, **given: object) -> int:
    """Draw the explicit label into a copy, and show it on one page.

    A picture as it is, a film as a sheet of its moments, a sound as its wave, a text as the lines that change. Nothing is
    labelled, and nothing recorded.
    """
    from mingwen.cli import previewing  # noqa: PLC0415 - each command imports what it needs

    return previewing.run(name, given)


@cli.command(short_help="Rule uploads by Measures Art. 6, and add the platform's part.")
@_names
@click.option("--declared", type=click.Choice([d.value for d in Declared]), help="What the user says of them (Measures Art. 10).")
@click.option("--output", "-o", metavar="OUT", help="Write the file with the platform's label: a file, a folder, or -.")
@click.option("--in-place", "-i", is_flag=True, help="Write it in place of the file itself, in one step.")
@click.option("--overwrite", is_flag=True, help="Replace an output that exists.")
@click.option("--propagator", help="ContentPropagator: your platform's code or name.")
@click.option("--propagate-id", help="PropagateID; a fresh UUID if not given.")
@click.option("--recogniser", type=click.Choice(RECOGNISERS), help="Read explicit labels from pictures and films.")
@click.option("--jobs", "-j", type=click.IntRange(1, 256), help="How many files at a time; one a core if not given.")
@shared("name", "json", "language", "store")
def gate(names: tuple[str, ...], *, declared: str | None, jobs: int | None, **given: object) -> int:
    """Say what uploads are: generated (1), possibly (2), suspected (3), nothing found, or undecided; with every reason.

    With -o or -i the file is written with Label 1, 2 or 3 and this platform's fields; a producer's fields are never touched, and
    a file that bears the platform's part already stays as it is.
    """
    from mingwen.cli import gating  # noqa: PLC0415 - each command imports what it needs

    return gating.run(*gating.options(names, {**given, "declared": declared, "jobs": jobs}))


@cli.command(short_help="Say which duties of which laws a file meets.")
@_names
@shared("regime", "jobs", "json", "language", "store")
def duties(
    names: tuple[str, ...], *, regime: str | None, jobs: int, as_json: bool, language: str | None, store: str | None
) -> int:
    """Say for generated files which duties of which regimes are met, which are not, and why. Not legal advice."""
    from mingwen.cli import duties as command  # noqa: PLC0415 - each command imports what it needs

    return command.run(names, {"language": language, "store_url": store, "regimes": regime}, jobs=jobs, as_json=as_json)


@cli.command(short_help="Say whether a producer's label was changed between two versions.")
@click.argument("before")
@click.argument("after")
@shared("json", "language")
def compare(before: str, after: str, *, as_json: bool, language: str | None) -> int:
    """Say whether the producer's label of BEFORE was changed or removed in AFTER (Measures Art. 10)."""
    from mingwen.cli import gating  # noqa: PLC0415 - each command imports what it needs

    return gating.compare(before, after, {"language": language}, as_json=as_json)


@cli.command(short_help="Show everything a file says about its making.")
@click.argument("name", metavar="FILE")
@shared("json", "language")
def inspect(name: str, *, as_json: bool, language: str | None) -> int:
    """Show the places, fields, provider codes and signatures of the labels in FILE. Records nothing."""
    from mingwen.cli import inspection  # noqa: PLC0415 - each command imports what it needs

    return inspection.run(name, {"language": language}, as_json=as_json)


@cli.command(short_help="Show the settings and where they come from.")
@click.option("--template", is_flag=True, help="Print a configuration file to begin with.")
@click.option("--path", is_flag=True, help="Print where the configuration file is looked for.")
@shared("json")
def config(*, template: bool, path: bool, as_json: bool) -> int:
    """Show every setting, its value and where the value comes from: default, file, environment."""
    from mingwen.cli import settings  # noqa: PLC0415 - each command imports what it needs

    return settings.run(template=template, path=path, as_json=as_json)


@cli.group(short_help="Make and look at keys that sign labels.")
def key() -> None:
    """Make and look at SM2 keys that sign labels."""


@key.command("new", short_help="Make a key pair.")
@click.option(
    "--output",
    "-o",
    metavar="PEM",
    help="The private key; the public one goes beside it.  [default: mingwen-key.pem; with --c2pa the beginning of three names]",
)
@click.option("--c2pa", is_flag=True, help="Make a TEST chain for C2PA manifests instead: key, certificates and root.")
@shared("json")
def key_new(*, output: str | None, c2pa: bool, as_json: bool) -> int:
    """Make an SM2 key pair: the private key as PEM with mode 0600, the public key beside it as .pub.pem.

    With --c2pa: a root of nobody's and an ES256 key under it, as OUTPUT.key.pem, .chain.pem and .root.pem, to try manifests with.
    """
    from mingwen.cli import keys  # noqa: PLC0415 - each command imports what it needs

    if c2pa:
        return keys.new_chain(output or "mingwen-test", as_json=as_json)
    output = output or "mingwen-key.pem"
    return keys.new(output, as_json=as_json)


@key.command("show", short_help="Print a key's fingerprint.")
@click.argument("name", metavar="FILE")
@shared("json")
def key_show(name: str, *, as_json: bool) -> int:
    """Print the fingerprint of a private key, public key or certificate, for trust.keys and verify --trust."""
    from mingwen.cli import keys  # noqa: PLC0415 - each command imports what it needs

    return keys.show(name, as_json=as_json)


cli.add_command(create)
cli.add_command(keeping)
log.add_command(add)


@cli.command(short_help="Print a script that completes commands.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print a completion script: for bash, put `eval "$(mingwen completion bash)"` into ~/.bashrc."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only this command needs it

    if chosen := get_completion_class(shell):
        click.echo(chosen(cli, {}, "mingwen", "_MINGWEN_COMPLETE").source())
    return exits.WELL


cli.add_command(log)
cli.add_command(audit)
cli.add_command(evidence)
cli.add_command(witness)
cli.add_command(monitor)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; an error becomes two lines, never a traceback."""
    for name in ("stdout", "stderr"):  # closed by the caller, as `>&-` does: what would be said is said to nobody
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - it lives as long as the process
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `mingwen … | head` ends quietly
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: unfinished outputs are taken away
    try:
        with only_ours():
            return _told(arguments)
    except MingwenError as e:
        from mingwen.cli import terminal  # noqa: PLC0415 - only failures need it

        terminal.report_error(e, language="en")
        return exits.of_error(e)


def _told(arguments: Sequence[str]) -> int:
    try:
        status = cli.main(list(arguments), prog_name="mingwen", standalone_mode=False)
        _flush()
    except click.ClickException as e:
        e.show()
        return exits.USAGE
    except (click.Abort, KeyboardInterrupt):
        return exits.INTERRUPTED
    return status if isinstance(status, int) else exits.WELL


def _flush() -> None:
    """Bring everything to standard output while a failure can still be told."""
    try:
        with translated("write to standard output"):
            sys.stdout.flush()
    except MingwenError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter would try again at its end
        raise

"""``mingwen evidence``."""

import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from mingwen import face, settings, wiring
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, complaint, line, object_line, report_error
from mingwen.cli.words import say as spoken
from mingwen.domain.digests import of_stream
from mingwen.domain.errors import Malformed, Misused, Refused
from mingwen.proofs import verifier, words
from mingwen.proofs.verifier import Report
from mingwen.proofs.words import say
from mingwen.wiring import Configuration, opened, staged

if TYPE_CHECKING:  # whoever verifies opens no store
    from mingwen.ports import LogWorld
    from mingwen.proofs.bundle import Case
    from mingwen.services.evidence import ExportEvidence, File

MOST_KEY_BYTES: Final = 1 << 20
_AT_ONCE: Final = 1 << 20
_NUMBER: Final = re.compile("[0-9]{1,18}")
"""Of an entry; what is longer fits no store."""
_STANDARD: Final = "-"
"""As a name: standard output."""
_COLOURS: Final = {"proven": "green", "consistent": "yellow", "broken": "red"}


def export(names: Sequence[str], given: Mapping[str, object]) -> int:
    """Write a bundle, and record that it was made."""
    from mingwen import wiring_log  # noqa: PLC0415 - see above
    from mingwen.services import evidence  # noqa: PLC0415 - see above

    config = wiring.configuration(language=given["language"], store_url=given["store"])
    wiring_log.begin(config)
    world = wiring_log.log_world(config)
    paths = [n for n in names if os.path.isfile(n)]  # noqa: PTH113 - never raises, whatever the name
    if len(paths) > 1:
        raise Misused("usage.combination", "expected one file at most, got several", hint="make a bundle for each")
    command, target = _command([n for n in names if n not in paths], given, config), str(given["output"])
    with _file(paths) as file, _sink(target, overwrite=bool(given["overwrite"])) as sink:
        try:
            made = evidence.export(world, command, file=file, reports=_reports)
        except Refused as e:
            if e.code != "evidence.unpublished":
                raise
            _publish(world, config)
            made = evidence.export(world, command, file=file, reports=_reports)
        sink.write(made.data)
    content = made.case.content
    for name, places in made.repeated.items():
        complaint(spoken(config.language, "evidence-repeated", name=clean(name), places=clean(", ".join(places))))
    if given["as_json"] and target != _STANDARD:
        more: dict[str, object] = {"bound": content.bound} if content else {}
        more |= {"repeated": made.repeated} if made.repeated else {}
        object_line({"bundle": target, "sha256": made.sha256, "bytes": len(made.data), "entries": made.numbers, **more})
        return exits.WELL
    _tell(target, f"{len(made.data)} bytes, SHA-256 {made.sha256}")
    if content and not content.bound:
        complaint(say(words.PARTS, "unbound", config.language))
    return exits.WELL


def _command(asked: Sequence[str], given: Mapping[str, object], config: Configuration) -> "ExportEvidence":
    from mingwen.proofs.bundle import Handover  # noqa: PLC0415 - see above
    from mingwen.services.evidence import ExportEvidence  # noqa: PLC0415 - see above

    now = datetime.now(UTC)
    return ExportEvidence(
        by=config.producer,
        numbers=tuple(int(n) for n in asked if _NUMBER.fullmatch(n)),
        positions=tuple(int(n[1:]) for n in asked if n[:1] == "#" and _NUMBER.fullmatch(n[1:])),
        subjects=tuple(n for n in asked if not _NUMBER.fullmatch(n.removeprefix("#"))),
        reveal=_names(given["reveal"]) if given["reveal"] else None,
        conceal=_names(given["conceal"]),
        custody=tuple(Handover(now, config.producer, text) for text in _texts(given["custody"])),
        environment=_environment(),
    )


def _names(value: object) -> frozenset[str]:
    return frozenset(name.strip() for name in str(value or "").split(",") if name.strip())


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _environment() -> dict[str, str]:
    """Say by what the bundle was made: claims, as the format says."""
    try:
        version = metadata.version("mingwen")
    except metadata.PackageNotFoundError:  # run from its sources
        version = "from sources"
    return {
        "program": f"mingwen {version}",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": platform.node(),
        "clock": "the system's, as it was set",
    }


@contextmanager
def _file(paths: Sequence[str]) -> Iterator["File | None"]:
    if not paths:
        yield None
        return
    from mingwen.services.evidence import File  # noqa: PLC0415 - see above

    with opened(Path(paths[0])) as source:
        yield File(paths[0], source, face.near(paths[0]), _iscc(source))


def _iscc(source: BinaryIO) -> str | None:
    """Return the ISCC of a file's bytes (ISO 24138): its Data-Code and Instance-Code; None without the library."""
    try:
        from iscc_lib import SumHasher  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    made = SumHasher()
    while data := source.read(_AT_ONCE):
        made.update(data)
    return str(made.finalize().iscc)


def _reports(case: "Case") -> dict[str, bytes]:
    """Write the reports in every language."""
    from mingwen import reports  # noqa: PLC0415 - see above

    return {name: data for language in reports.LANGUAGES for name, data in reports.render(case, language).items()}


def _publish(world: "LogWorld", config: Configuration) -> None:
    """Publish what waits, and ask those who attest; that one of them fails is told, and does not stop the export."""
    from mingwen.services import publishing  # noqa: PLC0415 - see above

    while publishing.publish(world):
        pass
    for failed in publishing.attest(world, stamp_seconds=config.number("log.stamp_seconds")):
        report_error(failed, language=config.language)


def verify(name: str, given: Mapping[str, object]) -> int:
    """Verify a bundle; neither a configuration nor a store is opened."""
    flags = {"language": given["language"]} if given["language"] else {}
    language = Configuration(settings.resolve("", "", {}, flags)).language
    keys, witnesses = (tuple(_key(text) for text in _texts(given[flag])) for flag in ("key", "witness"))
    roots = tuple(_read(Path(text), MOST_KEY_BYTES) for text in _texts(given["root"]))
    with opened(Path(name)) as source:
        data = source.read(verifier.MOST_BYTES + 1)
    content = None
    if given["content"]:
        with opened(Path(str(given["content"]))) as source:
            size, sha256, sm3 = of_stream(source)
        content = (size, sha256.hex(), sm3.hex())
    try:
        report = verifier.verify(data, keys, witnesses, roots, content)
    except ValueError as e:
        hint = "a key looks like example.com/log+530d903a+AekyeRrm…; a root is a certificate in PEM"
        raise Misused("usage.key", f"expected verifier keys and roots, but: {e}", hint=hint) from e
    if given["as_json"]:
        object_line({"bundle": name, **asdict(report)})
    else:
        _print(report, language, idle=_idle(report, pinned=bool(keys)))
    return exits.FINDING if report.outcome == "broken" else exits.WELL


def _key(text: str) -> str:
    """Take a verifier key, or the file that holds one."""
    if not os.path.isfile(text):  # noqa: PTH113 - never raises, whatever the text
        return text
    try:
        return _read(Path(text), MOST_KEY_BYTES).decode().strip()
    except UnicodeDecodeError as e:
        raise Malformed("key.verifier", f"expected a verifier key in {text}, got other bytes", hint="it is one line") from e


def _read(path: Path, most: int) -> bytes:
    with opened(path) as source:
        return source.read(most)


def _idle(report: Report, *, pinned: bool) -> set[int]:
    """Return the steps that had nothing to check: to say that they hold would be too much."""
    if not report.entries:  # the archive could not be read
        return set(words.STEPS) - {1}
    kinds = {a["kind"] for a in report.attested}
    there = {7: "cosignature" in kinds, 8: "stamp" in kinds, 9: bool(kinds), 10: report.content is not None, 11: pinned}
    return {number for number, something in there.items() if not something}


def _print(report: Report, language: str, *, idle: set[int]) -> None:
    """Print the steps, what the entries say, and the outcome."""
    for number in words.STEPS:
        faults = [f for f in report.findings if f["step"] == number]
        mark = coloured("✗", "red") if faults else "·" if number in idle else coloured("✓", "green")
        meaning = say(words.PARTS, "idle", language) if number in idle and not faults else say(words.MEANINGS, number, language)
        line(f"{mark} {number:2} {say(words.STEPS, number, language)}: {meaning}")
        for f in faults:
            detail = f" ({clean(f['detail'])})" if f["detail"] else ""
            line(f"     {coloured(f['code'], 'red')} {clean(f['place'])}: {say(words.WORDS, f['code'], language)}{detail}")
    for entry in report.entries:
        _print_entry(entry, language)
    if report.content:
        _print_content(report.content, language)
    for key in report.keys:
        line(f"{say(words.PARTS, 'key', language)} {clean(key)}")
    if report.outcome == "consistent":
        line(f"  {say(words.PARTS, 'unpinned', language)}")
    line(coloured(say(words.OUTCOMES, report.outcome, language), _COLOURS[report.outcome]))


def _print_entry(entry: Mapping[str, object], language: str) -> None:
    line(f"{say(words.PARTS, 'entry', language)} #{entry['index']}: {clean(str(entry.get('kind', '?')))}")
    line(f"  {say(words.PARTS, 'at', language)}: {clean(str(entry.get('at', '?')))}")
    disclosed = entry["disclosed"]
    for name, value in disclosed.items() if isinstance(disclosed, dict) else ():
        line(f"  {clean(name)}: {clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))}")
    if entry["hidden"]:
        line(f"  {say(words.PARTS, 'hidden', language)}: {entry['hidden']}")
    for name in ("after", "before"):
        bound = entry.get(name)
        if isinstance(bound, dict):
            line(f"  {say(words.PARTS, name, language)}: {bound['at']} ({clean(str(bound['by']))})")


def _print_content(content: Mapping[str, object], language: str) -> None:
    digest = f"SHA-256 {content['sha256']}" if content["sha256"] else ""
    about = (clean(str(content["name"])), f"{content['bytes']} bytes", digest)
    line(f"{say(words.PARTS, 'content', language)}: {', '.join(filter(None, about))}")
    if not content["bound"]:
        line(f"  {say(words.PARTS, 'unbound', language)}")


def write(name: str, output: str, *, overwrite: bool) -> int:
    """Write one of the verifiers that stand alone."""
    data = resources.files("mingwen.proofs").joinpath(name).read_bytes()
    with _sink(output, overwrite=overwrite) as sink:
        sink.write(data)
    _tell(output, f"{len(data)} bytes")
    return exits.WELL


@contextmanager
def _sink(output: str, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a file that appears whole or not at all, or standard output."""
    if output == _STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with staged(Path(output), replace=overwrite) as sink:
            yield sink


def _tell(output: str, what: str) -> None:
    """Say what was written; beside standard output where that took it."""
    (complaint if output == _STANDARD else line)(f"{clean(output)}: {what}")

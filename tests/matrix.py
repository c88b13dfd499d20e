"""The cases of the matrix: for every format the files that a verifier has to tell apart, made from one sample.

A format joins by having a sample in ``test_formats.MAKERS``. The tables below say what is right to say of each
file, where that is not the usual, and why; ``foreign`` says which tools write the labels of others.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from foreign import BEHIND, FOREIGN, SECOND, Tool, module, rezipped
from mingwen import formats
from mingwen.domain.errors import Malformed, MingwenError
from mingwen.domain.findings import Finding
from mingwen.domain.labels import produced, to_json
from mingwen.domain.media import Keep
from mingwen.domain.verdicts import Report, Verdict
from mingwen.formats import Format, beside
from mingwen.ports import World
from mingwen.services import verification
from mingwen.services.verification import VerifyContent

CODE: Final = "001191310104MACE0YX63918020"
LABEL: Final = to_json(produced(producer=CODE, produce_id="142569260085903360"))
OTHER: Final = to_json(produced(producer=CODE, produce_id="999999999999999999"))
ILLEGAL: Final = LABEL.replace('"Label":"1"', '"Label":"9"')
ODD: Final = to_json(produced(producer="明文 科技", produce_id="142569260085903360"))
"""Chinese and a space, as JSON escapes: well-formed, and outside Annex E j."""
PLACEHOLDER: Final = b"WXYZWXYZWXYZWXYZ"
GBK: Final = "明文科技有限公司".encode("gbk")
"""As long as the placeholder, which it replaces in the finished file."""


class Case(StrEnum):
    """What a file is like; the columns of the matrix."""

    NONE = "no label"
    OURS = "ours"
    FOREIGN = "foreign tool"
    DUPLICATED = "duplicated"
    CONTRADICTORY = "contradictory"
    TRUNCATED = "truncated"
    CHARSET = "wrong charset"
    ODD = "odd characters"
    ILLEGAL = "illegal Label"


@dataclass(frozen=True)
class File:
    """One file of the matrix."""

    data: bytes
    beside: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Absent:
    """A file that cannot be made."""

    reason: str


@dataclass(frozen=True)
class Expected:
    """What is right to say of a file."""

    verdict: Verdict
    """An error of the kind ``Malformed`` counts as inconclusive."""
    codes: frozenset[str] = frozenset()
    """Findings that must be there; others may."""
    why: str = ""
    """Where it is not what the column says."""


@dataclass(frozen=True)
class Told:
    """What was said of a file."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    error: str = ""
    """The code of the ``Malformed`` that was raised instead of a report."""
    report: Report | None = None

    @property
    def codes(self) -> set[str]:
        """The codes of all findings, or of the error."""
        return {f.code for f in self.findings} | ({self.error} if self.error else set())


COLUMNS: Final = {
    Case.NONE: Expected(Verdict.NOT_FOUND),
    Case.OURS: Expected(Verdict.COMPLIANT),
    Case.FOREIGN: Expected(Verdict.COMPLIANT),
    Case.DUPLICATED: Expected(Verdict.NON_COMPLIANT, frozenset({"label.duplicate"})),
    Case.CONTRADICTORY: Expected(Verdict.NON_COMPLIANT, frozenset({"label.duplicate", "label.disagree"})),
    Case.TRUNCATED: Expected(Verdict.INCONCLUSIVE),
    Case.CHARSET: Expected(Verdict.COMPLIANT, frozenset({"label.charset"})),
    Case.ODD: Expected(Verdict.COMPLIANT, frozenset({"label.charset"})),
    Case.ILLEGAL: Expected(Verdict.NON_COMPLIANT, frozenset({"label.value-illegal"})),
}
"""What is right where no exception stands."""

_UNREAD: Final = frozenset({"channel.unread"})
_ENDLESS: Final = Expected(
    Verdict.COMPLIANT, why="the format has no end mark: the cut file is a shorter one, and the label stands at its front"
)
_XML: Final = Expected(
    Verdict.INCONCLUSIVE, _UNREAD, "the label stands in XML, which is not well-formed with such bytes, so nothing is read of it"
)
_STREAM: Final = Expected(
    Verdict.INCONCLUSIVE, _UNREAD, "a transport stream has no place for a label: what looks like one is told, and not read"
)
_TEXT: Final = Expected(
    Verdict.INCONCLUSIVE, frozenset({"format.unknown"}), "bytes that are of no one encoding throughout are taken for no text"
)
_UTF8: Final = Expected(Verdict.INCONCLUSIVE, _UNREAD, "the place says that it holds UTF-8, so other bytes are not read")


def _cells(names: str, cases: Iterable[Case], right: Expected) -> dict[tuple[str, Case], Expected]:
    return {(name, case): right for name in names.split() for case in cases}


EXCEPTIONS: Final = {
    **_cells("adts markdown mp3 sse", [Case.TRUNCATED], _ENDLESS),
    **_cells("docx epub odp ods odt pptx svg xlsx", [Case.CHARSET], _XML),
    **_cells("adts m4a mov mp4", [Case.CHARSET], _UTF8),
    **_cells("text", [Case.CHARSET], _TEXT),
    **_cells("mpegts", set(Case) - {Case.NONE, Case.OURS}, _STREAM),
}
REFUSED: Final = {"adts", "mpegts"}
"""Formats that our writer refuses; the other cases of theirs are labelled by others."""


def expected(member: Format, case: Case) -> Expected:
    """Say what is right for a format and a case."""
    usual = COLUMNS[case]
    if case is Case.CHARSET and member.place.startswith("XMP"):
        usual = _XML
    if case is Case.FOREIGN and member.name in FOREIGN and FOREIGN[member.name].elsewhere:
        usual = Expected(usual.verdict, frozenset({"label.place"}), "not the guide's place, as `label.place` says")
    return EXCEPTIONS.get((member.name, case), usual)


def samples(media: Path, folder: Path) -> dict[str, bytes]:
    """Make one small real file of every format."""
    out = {}
    for member in formats.every():
        path = folder / f"sample{member.suffixes[0]}"
        module("family.test_formats").MAKERS[member.name](media, path)
        out[member.name] = path.read_bytes()
    return out


def told(world: World, member: Format, file: File) -> Told:
    """Verify a file under its suffix."""
    command = VerifyContent(name_of(member))
    try:
        report = verification.examine(world, command, source=io.BytesIO(file.data), near=file.beside)
    except Malformed as e:
        return Told(Verdict.INCONCLUSIVE, error=e.code)
    return Told(report.verdict, report.findings, report=report)


def name_of(member: Format) -> str:
    return f"file{member.suffixes[0]}"


def made(member: Format, case: Case, sample: bytes, folder: Path) -> File | Absent:
    """Make the file of a format and a case; ``folder`` is for the tools."""
    try:
        return _made(member, case, sample, folder)
    except _Impossible as e:
        return Absent(str(e))


class _Impossible(Exception):
    pass


def ours(member: Format, sample: bytes, label: str) -> File:
    """Label a sample as our own writer does."""
    try:
        pieces = member.splice(io.BytesIO(sample), label)
    except MingwenError as e:
        raise _Impossible(f"refused: `{e.code}`") from e
    if member.sidecar:
        return File(sample, {beside.SUFFIX: beside.edited(None, label)})
    return File(b"".join(sample[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces))


def by(tool: Tool, member: Format, file: File, label: str, folder: Path) -> File:
    """Let a tool write into a file, or beside it."""
    path = folder / name_of(member)
    path.write_bytes(file.data)
    outside = Path(f"{path}{beside.SUFFIX}")
    outside.unlink(missing_ok=True)
    tool.write(path, label)
    near = {beside.SUFFIX: outside.read_bytes()} if outside.exists() else {}
    return File(path.read_bytes(), {**file.beside, **near})


def foreign(member: Format, sample: bytes, label: str, folder: Path) -> File:
    if member.name not in FOREIGN:
        raise _Impossible("no tool that writes one is known to us")
    return by(FOREIGN[member.name], member, File(sample), label, folder)


def labelled(member: Format, sample: bytes, label: str, folder: Path) -> File:
    """Label a sample as we do, or, where we refuse, as others do."""
    try:
        return ours(member, sample, label)
    except _Impossible:
        return foreign(member, sample, label, folder)


def twice(member: Format, sample: bytes, folder: Path, second: str) -> File:
    tool = SECOND.get(member.name, BEHIND)
    first = foreign if tool.drops_ours else labelled
    return by(tool, member, first(member, sample, LABEL, folder), second, folder)


def cut(member: Format, sample: bytes, folder: Path) -> File:
    whole = labelled(member, sample, LABEL, folder)
    return File(whole.data[: len(whole.data) // 2], whole.beside)


def miscoded(member: Format, sample: bytes, folder: Path) -> File:
    """Put GBK where the label says a producer's name, and mend the checksums around it."""
    label = to_json(produced(producer=PLACEHOLDER.decode(), produce_id="142569260085903360"))
    file = labelled(member, sample, label, folder)
    data = resealed(file.data, lambda part: part.replace(PLACEHOLDER, GBK))
    near = {suffix: packet.replace(PLACEHOLDER, GBK) for suffix, packet in file.beside.items()}
    if (data, near) == (file.data, file.beside):
        raise _Impossible("the place holds no bytes of its own that could be wrong")
    return File(data, near)


def _made(member: Format, case: Case, sample: bytes, folder: Path) -> File:  # noqa: PLR0911 - one a case
    match case:
        case Case.NONE:
            return File(sample)
        case Case.OURS:
            return ours(member, sample, LABEL)
        case Case.FOREIGN:
            return foreign(member, sample, LABEL, folder)
        case Case.DUPLICATED:
            return twice(member, sample, folder, LABEL)
        case Case.CONTRADICTORY:
            return twice(member, sample, folder, OTHER)
        case Case.TRUNCATED:
            return cut(member, sample, folder)
        case Case.CHARSET:
            return miscoded(member, sample, folder)
        case Case.ODD:
            return labelled(member, sample, ODD, folder)
        case Case.ILLEGAL:
            return labelled(member, sample, ILLEGAL, folder)


def resealed(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change what a container holds, byte for byte of the same length, and mend its checksums."""
    if data.startswith(b"PK"):
        return rezipped(data, change)
    data = change(data)
    if data.startswith(b"\x89PNG"):
        return data[:8] + b"".join(data[a : b - 4] + zlib.crc32(data[a + 4 : b - 4]).to_bytes(4) for a, b in chunks(data))
    if data.startswith(b"OggS"):
        return b"".join(
            page[:22] + struct.pack("<I", ogg_crc(page[:22] + bytes(4) + page[26:])) + page[26:] for page in pages(data)
        )
    return data


def chunks(data: bytes) -> Iterator[tuple[int, int]]:
    at = 8
    while at < len(data):
        stop = at + 12 + int.from_bytes(data[at : at + 4])
        yield at, stop
        at = stop


def pages(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        table = data[at + 27 : at + 27 + data[at + 26]]
        stop = at + 27 + len(table) + sum(table)
        yield data[at:stop]
        at = stop


def ogg_crc(data: bytes) -> int:
    """RFC 3533 §6: CRC-32 of the polynomial 0x04c11db7, unreflected."""
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x104C11DB7 if crc & 0x80000000 else 0)
    return crc

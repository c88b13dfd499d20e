"""ODT, ODS and ODP: the user-defined metadata AIGC in ``meta.xml`` (our documented default; the guide: UNKNOWN).

``meta:user-defined meta:name="AIGC"`` of the type string: ODF 1.3 part 3 §4.3.3. Read too: all other metadata, the settings,
and texts named AIGC. A missing ``meta.xml`` is made and registered in the manifest (part 2 §3.2).
"""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

from mingwen.containers import zip_archive
from mingwen.containers.edits import Edit, size_of, spliced
from mingwen.containers.zip_archive import Archive, Entry
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import WRAPPER_KEY, mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _parts
from mingwen.formats._parts import Element, Finding, Found, Part
from mingwen.formats._shape import MAX_CLUES, Channel, Clue, Reading, Site, Unread, Wrapper

PLACE: Final = "user-defined metadata AIGC"

_META: Final = "meta.xml"
_MANIFEST: Final = "META-INF/manifest.xml"
_CONTENT: Final = "content.xml"
_URN: Final = "urn:oasis:names:tc:opendocument:xmlns"
_META_NAMESPACE: Final = f"{_URN}:meta:1.0"
_OFFICE: Final = f"{_URN}:office:1.0"
_MANIFEST_NAMESPACE: Final = f"{_URN}:manifest:1.0"
_NAME: Final = f"{_META_NAMESPACE} name"
_PATH: Final = f"{_MANIFEST_NAMESPACE} full-path"
_OTHERS: Final = frozenset({"settings.xml", "manifest.rdf"})
_SIGNATURES: Final = r"meta-inf/[^/]*signatures[^/]*\.xml"


def read(source: BinaryIO) -> Reading:
    """Find labels in the metadata, the settings, and behind the archive."""
    finding = Finding(zip_archive.opened(source))
    archive = finding.archive
    locked = _locked(archive)
    for entry in archive.named(_META):
        if _META in locked:
            finding.known.append(entry)
            finding.unread.append(Unread(_META, "is encrypted"))
        else:
            finding.part(entry, _labels)
    if archive.named("encrypted-package"):
        finding.unread.append(Unread("encrypted-package", "is encrypted"))
    return finding.reading(lambda e: e.key in _OTHERS - locked)


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the metadata; a missing ``meta.xml`` or its line in the manifest is added.

    Raises:
        Refused: the metadata are encrypted (``odf.encrypted``), or a digital signature covers them (``odf.signed``).
    """
    archive = zip_archive.opened(source)
    locked = _locked(archive)
    if _META in locked or archive.named("encrypted-package"):
        raise Refused(
            "odf.encrypted", "expected metadata that can be read, but they are encrypted", hint="save it without password"
        )
    manifest, meta = archive.one(_MANIFEST), archive.one(_META)
    if manifest is None:
        raise _parts.broken(_MANIFEST, "is missing")
    listed = _parts.parsed(archive, manifest)
    changed: dict[Entry, bytes] = {}
    added: dict[str, bytes] = {}
    if all(e.attributes.get(_PATH) != _META for e in listed.elements):
        own, declare = _prefix(listed, _MANIFEST_NAMESPACE, "manifest")
        line = f'<{own}file-entry{declare} {own}full-path="{_META}" {own}media-type="text/xml"/>'
        changed[manifest] = listed.edited([listed.within(listed.root, line)])
    if meta:
        changed[meta] = _labelled(_parts.parsed(archive, meta), meta, label)
    else:
        added[_META] = _new(label, listed.root.attributes.get(f"{_MANIFEST_NAMESPACE} version", "1.3"))
    changed |= _parts.cleared(archive, [*changed], lambda e: e.key in _OTHERS - locked)
    changed = {e: new for e, new in changed.items() if new != archive.unpacked(e, _parts.MAX_OTHERS_BYTES)}
    _require_unsigned(archive, {e.key for e in changed} | set(added))
    return spliced(zip_archive.edits(archive, changed, added), size_of(source))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the metadata, a C2PA manifest, and the visible text's beginning and end."""
    return _clues.bounded(_clues_of(zip_archive.opened(source)))


def _clues_of(archive: Archive) -> Iterator[Clue]:
    locked = _locked(archive)
    for entry in archive.named(_META)[:1]:
        try:
            part = _parts.parsed(archive, entry)
        except Malformed:
            continue
        yield from islice(_tags(part), MAX_CLUES // 2)
    yield from _parts.manifests(archive)
    content = next(iter(archive.named(_CONTENT)), None) if _CONTENT not in locked else None
    yield from _parts.body(archive, content, content)


def _locked(archive: Archive) -> set[str]:
    """Return the parts that the manifest says are encrypted: ODF 1.3 part 2 §4.8.1."""
    out = set()
    for entry in archive.named(_MANIFEST):
        try:
            part = _parts.parsed(archive, entry)
        except Malformed:
            continue
        locks = (e.parent for e in part.elements if e.local == "encryption-data" and e.parent)
        out |= {e.attributes.get(_PATH, "").casefold() for e in locks}
    return out


def _user_defined(part: Part) -> list[Element]:
    return [e for e in part.elements if e.name == f"{_META_NAMESPACE} user-defined"]


def _labels(part: Part, entry: Entry) -> Iterator[Found]:
    """Find the metadata that are named AIGC or hold a label; Annex E a asks for a name that contains the word."""
    known = _user_defined(part)
    for element in known:
        name = element.attributes.get(_NAME, "")
        if WRAPPER_KEY in name.upper() or mentions(element.text):
            guide = name == WRAPPER_KEY
            place = PLACE if guide else f"{entry.name} {name}"
            wrapper = Wrapper.BARE if guide else Wrapper.EITHER
            yield Found(Site(place, element.text, wrapper, guide=guide), Edit(element.start, element.stop, b""))
    yield from _parts.loose(part, entry, known)


def _labelled(part: Part, entry: Entry, label: str) -> bytes:
    """Set the metadata: the first of its name keeps its place, other labels go."""
    if part.root.name != f"{_OFFICE} document-meta":
        raise _parts.broken(entry.name, f"holds {part.root.local!r}, no metadata")
    old = next((e for e in _user_defined(part) if e.attributes.get(_NAME) == WRAPPER_KEY), None)
    edits = [f.gone for f in _labels(part, entry) if old is None or f.gone.start != old.start]
    new = _metadata(part, label)
    if old:
        return part.edited([*edits, Edit(old.start, old.stop, new.encode())])
    if holder := next((e for e in part.elements if e.name == f"{_OFFICE} meta"), None):
        return part.edited([*edits, part.within(holder, new)])
    own, _ = part.prefix(_OFFICE, "office")
    return part.edited([*edits, part.within(part.root, f"<{own}meta>{new}</{own}meta>")])


def _prefix(part: Part, namespace: str, usual: str) -> tuple[str, str]:
    """Return a prefix that attributes can have too, which know no default namespace."""
    own, declare = part.prefix(namespace, usual)
    return (own, declare) if own else (f"{usual}:", f' xmlns:{usual}="{namespace}"')


def _metadata(part: Part, label: str) -> str:
    own, declare = _prefix(part, _META_NAMESPACE, "meta")
    opening = f'<{own}user-defined{declare} {own}name="{WRAPPER_KEY}" {own}value-type="string">'
    return f"{opening}{_parts.escaped(label)}</{own}user-defined>"


def _new(label: str, version: str) -> bytes:
    spaces = f'xmlns:office="{_OFFICE}" xmlns:meta="{_META_NAMESPACE}"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<office:document-meta {spaces} office:version="{_parts.escaped(version)}"><office:meta>'
        f'<meta:user-defined meta:name="{WRAPPER_KEY}" meta:value-type="string">{_parts.escaped(label)}</meta:user-defined>'
        "</office:meta></office:document-meta>"
    ).encode()


def _require_unsigned(archive: Archive, changed: set[str]) -> None:
    """Refuse to break a signature: part 2 §5.2 lets one cover every file of the package."""
    covered = {path for path, _ in _parts.signed(archive, _SIGNATURES)}
    if broken := sorted(changed & covered):
        raise Refused(
            "odf.signed",
            f"expected a document whose signature leaves room for the label, but it covers {broken[0]!r}",
            hint="label the document first and sign it then",
        )


def _tags(part: Part) -> Iterator[Clue]:
    named = {id(e): e.attributes.get(_NAME, "") for e in _user_defined(part)}
    for element in part.elements:
        name = named.get(id(element), element.local)
        if element.leaf and element.text and WRAPPER_KEY not in name.upper():
            yield Clue(Channel.TAG, name, element.text)

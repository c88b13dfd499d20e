"""EPUB: ``<meta name="AIGC" content="{…}"/>`` in the package document (our documented default; the guide: UNKNOWN).

The default is the form of EPUB 2 (OPF 2.0.1 §2.2), which every version allows; the alternative is a property of EPUB 3
(EPUB 3.3 §5.5.5) under a declared prefix. Read too: all other metadata, of every rendition, and texts named AIGC.
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
from mingwen.formats import _clues, _parts, _xmp
from mingwen.formats._parts import Element, Finding, Found, Part
from mingwen.formats._shape import MAX_CLUES, Channel, Clue, Reading, Site, Unread, Wrapper

PLACE: Final = "OPF meta AIGC"
PROPERTY_PLACE: Final = "OPF property AIGC"
MAX_RENDITIONS: Final = 16

_CONTAINER: Final = "META-INF/container.xml"
_LOCKS: Final = "META-INF/encryption.xml"
_OPF: Final = "http://www.idpf.org/2007/opf"
_PREFIX: Final = "TC260"
"""EPUB 3.3 §D.1.3: a property that is none of EPUB's own needs a prefix; the one that the guides use in XMP."""
_OTHERS: Final = frozenset({"meta-inf/metadata.xml"})
_SIGNATURES: Final = r"meta-inf/signatures\.xml"


def read(source: BinaryIO) -> Reading:
    """Find labels in the package documents, and behind the archive."""
    finding = Finding(zip_archive.opened(source))
    archive = finding.archive
    locked = _locked(archive)
    try:
        packages = _packages(archive)
    except Malformed as e:
        packages = []
        finding.unread.append(Unread(_CONTAINER, e.message))
    for path in packages:
        entries = archive.named(path)
        if not entries or path.casefold() in locked:
            finding.unread.append(Unread(path, "is encrypted" if entries else "is missing"))
        for entry in () if path.casefold() in locked else entries:
            finding.part(entry, _labels)
    return finding.reading(_wanted)


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the ``meta`` of the default rendition's package document.

    Raises:
        Refused: the package document is encrypted (``epub.encrypted``), or a digital signature covers it (``epub.signed``).
    """
    return _spliced(source, label, as_property=False)


def splice_property(source: BinaryIO, label: str) -> Splice:
    """Set the property of EPUB 3 instead.

    Raises:
        Refused: as ``splice``, and if it is an EPUB 2 (``epub.no-properties``).
    """
    return _spliced(source, label, as_property=True)


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the metadata, a C2PA manifest, and the visible beginning of the first and end of the last document."""
    return _clues.bounded(_clues_of(zip_archive.opened(source)))


def _clues_of(archive: Archive) -> Iterator[Clue]:
    try:
        path = _packages(archive)[0]
        package = next(iter(archive.named(path)))
        part = _parts.parsed(archive, package)
    except (Malformed, IndexError, StopIteration):
        yield from _parts.manifests(archive)
        return
    yield from islice(_tags(part), MAX_CLUES // 2)
    yield from _parts.manifests(archive)
    spine = [e for e in _spine(archive, part, path) if e.key not in _locked(archive)]
    if spine:
        yield from _parts.body(archive, spine[0], spine[-1])


def _wanted(entry: Entry) -> bool:
    return entry.key in _OTHERS


def _spliced(source: BinaryIO, label: str, *, as_property: bool) -> Splice:
    archive = zip_archive.opened(source)
    locked = _locked(archive)
    packages = [p for path in _packages(archive) if (p := archive.one(path))]
    if not packages:
        raise _parts.broken(_CONTAINER, "names no package document that is there")
    if packages[0].key in locked:
        raise Refused("epub.encrypted", "expected a package document that can be read, but it is encrypted", hint="decrypt it")
    changed: dict[Entry, bytes] = {}
    for entry in packages:
        part = _parts.parsed(archive, entry)
        if entry == packages[0]:
            changed[entry] = _labelled(part, entry, label, as_property=as_property)
        elif found := list(_labels(part, entry)):
            changed[entry] = part.edited(f.gone for f in found)
    changed |= _parts.cleared(archive, packages, _wanted)
    changed = {e: new for e, new in changed.items() if new != archive.unpacked(e, _parts.MAX_OTHERS_BYTES)}
    covered = {path for path, _ in _parts.signed(archive, _SIGNATURES)}
    if broken := sorted({e.key for e in changed} & covered):
        raise Refused(
            "epub.signed",
            f"expected a book whose signature leaves room for the label, but it covers {broken[0]!r}",
            hint="label the book first and sign it then",
        )
    return spliced(zip_archive.edits(archive, changed, {}), size_of(source))


def _packages(archive: Archive) -> list[str]:
    """Return the paths of the package documents, the default rendition's first: OCF 3.3 §4.2.6.3.1."""
    entry = archive.one(_CONTAINER)
    if entry is None:
        raise _parts.broken(_CONTAINER, "is missing")
    files = [e for e in _parts.parsed(archive, entry).elements if e.local == "rootfile"]
    paths = dict.fromkeys(e.attributes["full-path"] for e in files if e.attributes.get("full-path"))
    if not paths or len(paths) > MAX_RENDITIONS:
        raise _parts.broken(_CONTAINER, f"names {len(paths)} package documents, expected 1 to {MAX_RENDITIONS}")
    return list(paths)


def _locked(archive: Archive) -> set[str]:
    """Return the files that are encrypted: OCF 3.3 §4.2.6.3.2."""
    out = set()
    for entry in archive.named(_LOCKS):
        try:
            part = _parts.parsed(archive, entry)
        except Malformed:
            continue
        references = (e.attributes.get("URI", "") for e in part.elements if e.local == "CipherReference")
        out |= {_parts.resolved("", r).casefold() for r in references}
    return out


def _name(element: Element) -> tuple[str, str]:
    """Return what a ``meta`` is called, without a prefix, and what it says; of either form."""
    if element.local != "meta":
        return "", ""
    if name := element.attributes.get("name", ""):
        return name, element.attributes.get("content", element.text).strip()
    return element.attributes.get("property", "").rpartition(":")[2], element.text


def _labels(part: Part, entry: Entry) -> Iterator[Found]:
    """Find the ``meta`` of either form that are named AIGC or hold a label."""
    known = []
    for element in part.elements:
        name, text = _name(element)
        if not name:
            continue
        known.append(element)
        if WRAPPER_KEY in name.upper() or mentions(text):
            yield Found(_site(entry, element, name, text), Edit(element.start, element.stop, b""))
    yield from _parts.loose(part, entry, known)


def _site(entry: Entry, element: Element, name: str, text: str) -> Site:
    if name != WRAPPER_KEY:
        return Site(f"{entry.name} meta {name}", text, Wrapper.EITHER, guide=False)
    own = "name" in element.attributes
    return Site(PLACE if own else PROPERTY_PLACE, text, Wrapper.BARE, guide=own)


def _labelled(part: Part, entry: Entry, label: str, *, as_property: bool) -> bytes:
    """Set the ``meta``: the first of its name keeps its place, other labels go."""
    metadata = next((e for e in part.elements if e.local == "metadata" and e.parent is part.root), None)
    if metadata is None:
        raise _parts.broken(entry.name, "holds no metadata")
    # OPF 1 and 2 allow the metadata to be parted in two; the second holds what is no Dublin Core.
    holder = next((e for e in part.elements if e.local == "x-metadata" and e.parent is metadata), metadata)
    new, edits = _property(part, label) if as_property else (_meta(part, label), [])
    place = PROPERTY_PLACE if as_property else PLACE
    found = list(_labels(part, entry))
    old = next((f for f in found if f.site.place == place), None)
    edits += [f.gone for f in found if f is not old]
    edits.append(Edit(old.gone.start, old.gone.stop, new.encode()) if old else part.within(holder, new))
    return part.edited(edits)


def _meta(part: Part, label: str) -> str:
    own, declare = part.prefix(_OPF, "opf") if part.root.name.startswith(_OPF) else ("", "")
    return f'<{own}meta{declare} name="{WRAPPER_KEY}" content="{_parts.escaped(label)}"/>'


def _property(part: Part, label: str) -> tuple[str, list[Edit]]:
    """Return the property, and the edit that declares its prefix (EPUB 3.3 §D.1.4)."""
    root = part.root
    if not root.attributes.get("version", "").startswith("3"):
        raise Refused("epub.no-properties", "expected an EPUB 3, whose metadata have properties", hint="use the default place")
    own, declare = part.prefix(_OPF, "opf")
    new = f'<{own}meta{declare} property="{_PREFIX}:{WRAPPER_KEY}">{_parts.escaped(label)}</{own}meta>'
    declared = root.attributes.get("prefix", "")
    if _xmp.NAMESPACE in declared.split():
        return new, []
    return new, [part.attribute(root, "prefix", f"{declared} {_PREFIX}: {_xmp.NAMESPACE}".strip())]


def _tags(part: Part) -> Iterator[Clue]:
    for element in part.elements:
        name, text = _name(element)
        if not name and element.leaf and element.name.startswith("http://purl.org/dc/"):
            name, text = element.local, element.text
        if name and text and WRAPPER_KEY not in name.upper():
            yield Clue(Channel.TAG, name, text)


def _spine(archive: Archive, part: Part, path: str) -> list[Entry]:
    """Return the first and the last document in the order of reading that are there."""
    folder = path.rpartition("/")[0]
    items = {e.attributes.get("id", ""): e.attributes.get("href", "") for e in part.elements if e.local == "item"}
    order = [items[r] for e in part.elements if e.local == "itemref" and (r := e.attributes.get("idref", "")) in items]
    return [e for href in (*order[:1], *order[-1:]) for e in archive.named(_parts.resolved(folder, href))[:1]]

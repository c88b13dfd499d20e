"""PDF: a text string under ``/AIGC`` in the document information dictionary (TC260-PG-20258A §6.3).

Read too: other entries of that dictionary, the catalog's XMP, embedded files that are named AIGC, and what stands behind the last
%%EOF. The label is written as an incremental update (ISO 32000-1 §7.5.6), so that every byte of the file stays where it is and
signatures still cover what they covered. What counts is the last revision; a label that only an earlier one holds was taken out.

Not read: XMP of single pages and pictures, which speaks of these alone; form fields; what a page shows.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

from mingwen.containers import pdf_update, stray
from mingwen.containers.edits import Edit, read_at, spliced
from mingwen.containers.pdf_file import File, Object, opened
from mingwen.containers.pdf_objects import Entry, Parser, Ref, Value, broken, text_of
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.labels import mentions
from mingwen.domain.media import Splice
from mingwen.formats import _clues, _pdf_text, _xmp
from mingwen.formats._shape import Channel, Clue, Reading, Site, Unread, Wrapper

KEY: Final = "AIGC"
PLACE: Final = "Info /AIGC"
MAX_EARLIER: Final = 16
"""Earlier cross-reference sections that are searched for a label when the last revision has none."""
MAX_ENTRIES: Final = 1000
"""Of Info."""
MAX_NODES: Final = 256
"""Of the tree that names embedded files."""
MAX_FILES: Final = 1000
MAX_FILE_BYTES: Final = 64 << 10
"""A larger embedded file is no label, whatever its name; C2PA manifests may be larger."""

_TAIL: Final = "behind %%EOF"
_MIRROR: Final = "http://ns.adobe.com/pdfx/1.3/"
"""The namespace in which Acrobat repeats Info's keys in XMP when it saves: a label there is none of its own while it is equal."""


@dataclass(frozen=True, slots=True)
class _Found:
    """One label, and the object that it stands in."""

    site: Site
    where: Object


_Search: TypeAlias = Callable[[File], "Iterator[_Found | Unread]"]


def read(source: BinaryIO) -> Reading:
    """Find labels in Info, XMP, embedded files and behind the end; if there are none, look for one that was taken out."""
    file = opened(source)
    sites: list[Site] = []
    unread: list[Unread] = []
    if file.broken or not file.ended:
        unread.append(Unread("cross-reference", file.broken or "ends without %%EOF, so the last revision may be cut off"))
    for place, search in _SEARCHES.items():
        try:
            for found in search(file):
                if isinstance(found, Unread):
                    unread.append(found)
                else:
                    sites.append(found.site)
        except Malformed as e:
            unread.append(Unread(place, e.message))
    around = _around(file)
    if not (sites or unread or around.sites or around.unread) and any(_holds_label(f) for f in file.earlier(MAX_EARLIER)):
        unread.append(Unread("earlier revision", "holds a label that a later revision took out"))
    return Reading((*sites, *around.sites), (*unread, *around.unread))


def splice(source: BinaryIO, label: str) -> Splice:
    """Add a revision with the label in Info; labels in XMP and embedded files are blanked in it, those behind the end go.

    Raises:
        Refused: a password is needed (``pdf.encrypted``), the author's certification forbids changes (``pdf.certified``), or
            offsets have no room (``pdf.too-large``).
        Malformed: the last revision, or a place that may hold a label, cannot be read.
    """
    file = opened(source)
    if file.broken or not file.ended:
        raise broken(f"expected whole revisions of a PDF, but: {file.broken or 'the last one does not end with %%EOF'}")
    _require_open(file)
    found = [f for search in _SEARCHES.values() for f in search(file) if isinstance(f, _Found)]
    strays = stray.edits(source, file.stop)
    if not strays and [f.site for f in found] == [_guided(label)]:
        return spliced([], file.size)
    _require_uncertified(file)
    info = _info(file)
    changed = {f.where.ref: pdf_update.stream_with(file, f.where, b"") for f in found if f.where.data is not None}
    changed |= _blanked_packet(file)
    ref, body = pdf_update.info_with(file, info, label, drop={e.start for e in _labelled(file, info)})
    cut = sum(e.stop - e.start for e in strays)
    new = pdf_update.revision(file, changed | {ref: body}, info=ref, at=file.size - cut, seed=label)
    return spliced([*strays, Edit(file.size, file.size, new)], file.size)


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Give Info, XMP, manifests, and of the pages the texts of the first and the last, as far as ``_pdf_text`` reads them."""
    return _clues.bounded(_clues_of(opened(source)))


def _clues_of(file: File) -> Iterator[Clue]:
    for some in (_xmp_clues, _manifests, _pdf_text.clues, _info_clues):
        with suppress(Malformed):
            yield from some(file)


def _guided(label: str) -> Site:
    return Site(PLACE, label, Wrapper.BARE, guide=True)


def _require_open(file: File) -> None:
    try:
        if "Encrypt" in file.trailer:
            _ = file.keys
    except Malformed as e:
        if e.code != "pdf.locked":
            raise
        raise Refused("pdf.encrypted", f"expected a PDF that opens without a password, but it {e.message}", hint=e.hint) from e


def _require_uncertified(file: File) -> None:
    """ISO 32000-1 §12.8.2.2: even the most that a certification permits is filling in, signing and annotating."""
    permissions = file.dictionary(_catalog(file).get("Perms"))
    if file.resolved(permissions.get("DocMDP")) is not None:
        raise Refused(
            "pdf.certified",
            "expected a PDF that may be changed, but its author's certification (DocMDP) would become invalid by a label",
            hint="label the PDF first and certify it then",
        )


def _catalog(file: File) -> Mapping[str, Value]:
    catalog = file.dictionary(file.trailer.get("Root"))
    if not catalog:
        raise broken("expected the document's catalog under Root, found none")
    return catalog


def _info(file: File) -> Object | None:
    """Find the document information dictionary (§14.3.3); some writers put it into the trailer itself."""
    info = file.trailer.get("Info")
    if isinstance(info, Ref):
        found = file.load(info)
        return found if found and isinstance(found.value, Mapping) else None
    if not isinstance(info, Mapping):
        return None
    raw = file.sections[0].raw
    entry = [e for e in Parser(raw + b" ").entries() if e.key == "Info"][-1]
    return Object(Ref(0, 0), info, raw[entry.middle : entry.stop].strip(), packed=True)


def _texts(file: File, info: Object | None) -> Iterator[tuple[Entry, str | None]]:
    """Yield the entries of Info with their texts, doubled ones too; None for what is no string."""
    entries = Parser(info.raw + b" ").entries() if info else []
    if len(entries) > MAX_ENTRIES:
        raise broken(f"expected at most {MAX_ENTRIES} entries in Info, found {len(entries)}")
    for entry in entries:
        owner = file.load(entry.value) if isinstance(entry.value, Ref) else info
        value = owner.value if isinstance(entry.value, Ref) and owner else entry.value
        yield entry, text_of(file.text(value, owner)) if isinstance(value, bytes) and owner else None


def _labelled(file: File, info: Object | None) -> list[Entry]:
    return [e for e, text in _texts(file, info) if KEY in e.key or (text and mentions(text))]


def _in_info(file: File) -> Iterator[_Found | Unread]:
    info = _info(file)
    if info is None:
        return
    sites = []
    for entry, text in _texts(file, info):
        place = f"Info /{entry.key}"
        if text is None and KEY in entry.key and entry.value is not None:
            yield Unread(place, "is no string")
        elif text and (KEY in entry.key or mentions(text)):
            wrapper = Wrapper.BARE if entry.key == KEY else Wrapper.EITHER if KEY in entry.key else Wrapper.WRAPPED
            sites.append(Site(place, text, wrapper, guide=entry.key == KEY))
    yield from (_Found(s, info) for s in sites)
    yield from stray.unexplained(info.raw, sites, "Info")


def _packet(file: File) -> tuple[Object, bytes] | None:
    """Find the catalog's metadata stream (§14.3.2)."""
    ref = _catalog(file).get("Metadata")
    found = file.load(ref) if isinstance(ref, Ref) else None
    return (found, file.data(found)) if found else None


def _in_xmp(file: File) -> Iterator[_Found | Unread]:
    if packet := _packet(file):
        where, data = packet
        sites = _xmp.sites(data, guide=False)
        yield from stray.unexplained(data, sites, "XMP")
        mirrored = any(_MIRROR in s.place for s in sites)
        copied = {f.site.text for f in _in_info(file) if isinstance(f, _Found)} if mirrored else set()
        yield from (_Found(s, where) for s in sites if _MIRROR not in s.place or s.text not in copied)


def _in_files(file: File) -> Iterator[_Found | Unread]:
    for name, _, stream in _files(file):
        length = file.resolved(stream.dictionary.get("Length"))
        if KEY not in name.upper() or (isinstance(length, int) and length > MAX_FILE_BYTES):
            continue
        text = file.data(stream).decode("utf-8-sig", "replace").strip()
        if mentions(text):
            yield _Found(Site(f"embedded file {name}", text, Wrapper.EITHER, guide=False), stream)


_SEARCHES: Final[dict[str, _Search]] = {"Info": _in_info, "XMP": _in_xmp, "embedded files": _in_files}


def _files(file: File) -> Iterator[tuple[str, str, Object]]:
    """Yield name, relationship and stream of the embedded files: of the name tree (§7.7.4, §7.9.6) and the catalog's AF."""
    catalog = _catalog(file)
    specifications = [v for node in _nodes(file, catalog) for v in _items(file, node.get("Names"))[1::2]]
    specifications += _items(file, catalog.get("AF"))
    if len(specifications) > MAX_FILES:
        raise broken(f"expected at most {MAX_FILES} embedded files, found {len(specifications)}")
    seen: set[int] = set()
    for value in specifications:
        owner = file.load(value) if isinstance(value, Ref) else None
        specification = owner.dictionary if owner else value if isinstance(value, Mapping) else {}
        streams = file.dictionary(specification.get("EF"))
        ref = streams.get("F") or streams.get("UF")
        stream = file.load(ref) if isinstance(ref, Ref) and ref.number not in seen else None
        if stream and stream.data is not None:
            seen.add(stream.ref.number)
            name = file.resolved(specification.get("UF") or specification.get("F"))
            plain = file.text(name, owner) if isinstance(name, bytes) and owner else name
            relation = file.resolved(specification.get("AFRelationship"))
            yield text_of(plain) if isinstance(plain, bytes) else "", relation if isinstance(relation, str) else "", stream


def _nodes(file: File, catalog: Mapping[str, Value]) -> Iterator[Mapping[str, Value]]:
    waiting = [file.dictionary(catalog.get("Names")).get("EmbeddedFiles")]
    for _ in range(MAX_NODES):
        if not waiting:
            return
        node = file.dictionary(waiting.pop())
        yield node
        waiting += _items(file, node.get("Kids"))
    raise broken(f"expected at most {MAX_NODES} nodes in the tree of embedded files, found more")


def _items(file: File, value: Value) -> list[Value]:
    found = file.resolved(value)
    return found if isinstance(found, list) else []


def _around(file: File) -> Reading:
    """Search before the header and behind the last %%EOF, where no viewer looks."""
    before = stray.unexplained(read_at(file.source, 0, file.header, what="what stands before the header"), (), "before %PDF")
    behind = stray.read(file.source, file.stop, _TAIL)
    begun = read_at(file.source, file.stop, min(64, file.size - file.stop), what="what follows the end")
    if re.match(rb"[\0\t\n\f\r ]*\d", begun):
        before.append(Unread(_TAIL, "holds the beginning of a revision that is not whole"))
    return Reading(behind.sites, (*before, *behind.unread))


def _holds_label(file: File) -> bool:
    for search in (_in_info, _in_xmp):
        with suppress(Malformed):
            if any(isinstance(f, _Found) for f in search(file)):
                return True
    return False


def _blanked_packet(file: File) -> dict[Ref, bytes]:
    """Write XMP anew without its labels, if it has any."""
    packet = _packet(file)
    if packet is None or not _xmp.sites(packet[1], guide=False):
        return {}
    return {packet[0].ref: pdf_update.stream_with(file, packet[0], _xmp.without(packet[1]).rstrip())}


def _info_clues(file: File) -> Iterator[Clue]:
    for entry, text in _texts(file, _info(file)):
        if text:
            yield Clue(Channel.TAG, entry.key, text)


def _xmp_clues(file: File) -> Iterator[Clue]:
    if packet := _packet(file):
        yield _clues.xmp("Metadata", packet[1])


def _manifests(file: File) -> Iterator[Clue]:
    """C2PA 2.2 Appendix A: an embedded file whose relationship says so."""
    for name, relation, stream in _files(file):
        if relation == "C2PA_Manifest":
            store = file.data(stream)
            yield _clues.manifest(name, io.BytesIO(store), 0, len(store))

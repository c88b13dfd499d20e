"""The label on a PDF's pages, as an incremental update (ISO 32000-1 §7.5.6): no byte of the file changes, a revision follows it.

Each page that bears it gets one more content stream, which a form and a font of the whole file serve. What the page drew
before is set between ``q`` and ``Q``, as many as it needs, so that its transformations end where it does. Documents are
texts to §5.1, which asks for no size; we take half of what pictures have, and never less than a body text's.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from math import floor
from typing import BinaryIO

from mingwen.containers.pdf_file import File, Object, opened
from mingwen.containers.pdf_objects import Entry, Parser, Ref, Value, broken
from mingwen.containers.pdf_update import moved, new_stream, revision, with_entry
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.media import Keep
from mingwen.domain.notices import Moment, Pages, Style
from mingwen.notices import _splicing
from mingwen.notices._pdf_letters import form
from mingwen.notices._pdf_pages import MAX_PAGES, Page, geometry, leaves, matrix
from mingwen.notices._vector import Plate, place, plate

MAX_SEARCHED_PAGES = 512
MAX_SIZES = 256
"""Of pages for which a label is laid out to the point; beyond, pages of about one size share theirs."""
ROOM_STEPS = 2
"""To a height of ink."""
NAME = "AigcNotice"
"""Of the form, in the resources of a page; numbered where it is taken."""
_CONFORMS = re.compile(rb"pdfaid|pdfxid|pdfx:GTS|GTS_PDFX")
"""PDF/A-1 and PDF/X know no transparency."""
_STACKED = re.compile(
    rb"\((?:[^()\\]++|\\.|\((?:[^()\\]++|\\.)*+\))*+\)|%[^\r\n]*+|(?<!\S)BI\s.*?\sEI(?=\s)|(?<![^\s\])>}])([qQ])(?=[\s/\[(<%]|\Z)",
    re.DOTALL,
)
"""Strings, comments and pictures within the line, which are passed over, or an operator that saves or restores (§8.4.2)."""


@dataclass(slots=True)
class _Revision:
    """The objects of a revision while it grows."""

    file: File
    bodies: dict[Ref, bytes] = field(default_factory=dict)
    changed: dict[Ref, tuple[Object, bytes]] = field(default_factory=dict)
    streams: dict[bytes, Ref] = field(default_factory=dict)

    def add(self, entries: bytes, data: bytes | None) -> Ref:
        """Add an object; a stream without entries that is there already is used again."""
        if data is not None and not entries and data in self.streams:
            return self.streams[data]
        ref = Ref(self.file.free_number + len(self.bodies), 0)
        self.bodies[ref] = b"<<" + entries + b">>" if data is None else new_stream(self.file, ref, entries, data)
        if data is not None:
            self.streams[data] = ref
        return ref

    def raw(self, found: Object) -> bytes:
        """Return an object's bytes as they are to be."""
        return self.changed[found.ref][1] if found.ref in self.changed else found.raw

    def change(self, found: Object, raw: bytes) -> None:
        self.changed[found.ref] = (found, raw)

    def all(self) -> dict[Ref, bytes]:
        """Return all bodies."""
        return self.bodies | {ref: moved(self.file, found, raw) for ref, (found, raw) in self.changed.items()}


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> str:
    """Draw the label on the pages of the style's moments, or on all.

    Raises:
        Refused: the PDF is locked, or certified (``pdf.encrypted``, ``pdf.certified``); a page is too small (``notice.no-room``).
        Malformed: its structure or its pages cannot be read (``pdf.broken``).
        Misused: the font cannot draw the wording.
    """
    file = opened(source, pages=MAX_PAGES)
    if file.broken or not file.ended:
        raise broken(f"expected whole revisions of a PDF, but: {file.broken or 'the last one does not end with %%EOF'}")
    catalog = _catalog(file)
    signed = _signed(file, catalog)
    opaque, tagged = _is_opaque(file, catalog), file.dictionary(catalog.get("MarkInfo")).get("Marked") is True
    new = _Revision(file)
    plates: dict[tuple[float, float], Plate] = {}
    forms: dict[Plate, Ref] = {}
    looking = opened(source)  # what its contents cost is not taken from what the pages may
    pages = _chosen(file, style)
    for page in pages:
        box, turn, ink = geometry(file, page)
        shown = (box[3] - box[1], box[2] - box[0]) if turn % 180 else (box[2] - box[0], box[3] - box[1])
        room = shown[0] / ink, shown[1] / ink
        if len(plates) >= MAX_SIZES:
            room = floor(room[0] * ROOM_STEPS) / ROOM_STEPS, floor(room[1] * ROOM_STEPS) / ROOM_STEPS
        made = plates[room] = plates.get(room) or plate(style, room)
        if made not in forms:
            forms[made] = form(new.add, style, made, opaque=opaque, tagged=tagged)
        name = _named(new, page, forms[made])
        x, y = place(style.position, made, room)
        numbers = " ".join(f"{v:.4f}".rstrip("0").rstrip(".") for v in matrix(box, turn, ink, (x * ink, y * ink)))
        _drawn(new, page, f"q {numbers} cm /{name} Do Q\n".encode(), looking)
    body = revision(file, new.all(), info=None, at=file.size, seed=style.wording)
    _splicing.write(source, (Keep(0, file.size), body), sink)
    where = f"{len(pages)} pages" if len(pages) > 1 else "one page"
    return f"drew {style.wording} at {style.position.value} of {where}{signed}"


def found(source: BinaryIO) -> tuple[Moment, ...]:
    """Return on which pages our label stands: the first, one between, the last."""
    file = opened(source, pages=MAX_SEARCHED_PAGES)
    first = list(islice(_pages(file), MAX_SEARCHED_PAGES))
    last = next(_pages(file, reverse=True), None) if len(first) == MAX_SEARCHED_PAGES else None
    bears = [_is_drawn(file, page) for page in [*first, *([last] if last else [])]]
    moments = {Moment.START: any(bears[:1]), Moment.MIDDLE: any(bears[1:-1]), Moment.END: len(bears) > 1 and bears[-1]}
    return tuple(moment for moment, is_there in moments.items() if is_there)


def _is_drawn(file: File, page: Page) -> bool:
    """Look for our form among a page's, and for its name in the last of its contents, since resources may be shared."""
    forms = file.dictionary(file.dictionary(page.entries.get("Resources")).get("XObject"))
    contents = file.resolved(page.entries.get("Contents"))
    if (
        not any(name.startswith(NAME) for name in forms)
        or not isinstance(contents, list)
        or not (contents and isinstance(contents[-1], Ref))
    ):
        return False
    last = file.load(contents[-1])
    return last is not None and last.data is not None and f"/{NAME}".encode() in file.data(last)


def _catalog(file: File) -> Mapping[str, Value]:
    try:
        if "Encrypt" in file.trailer:
            _ = file.keys
    except Malformed as e:
        if e.code != "pdf.locked":
            raise
        raise Refused("pdf.encrypted", f"expected a PDF that opens without a password, but it {e.message}", hint=e.hint) from e
    catalog = file.dictionary(file.trailer.get("Root"))
    if not catalog:
        raise broken("expected the document's catalog under Root, found none")
    return catalog


def _signed(file: File, catalog: Mapping[str, Value]) -> str:
    """Refuse to break a certification (§12.8.2.2); of another signature say what a viewer will."""
    if file.resolved(file.dictionary(catalog.get("Perms")).get("DocMDP")) is not None:
        raise Refused(
            "pdf.certified",
            "expected a PDF that may be changed, but its author's certification (DocMDP) would become invalid by a label",
            hint="label the PDF first and certify it then",
        )
    flags = file.resolved(file.dictionary(catalog.get("AcroForm")).get("SigFlags"))
    return "; its signatures cover the pages without it" if isinstance(flags, int) and flags & 1 else ""


def _is_opaque(file: File, catalog: Mapping[str, Value]) -> bool:
    """Say whether transparency is not to be had: before PDF 1.4, in PDF/A and PDF/X."""
    file.source.seek(file.header)
    if file.source.read(8) < b"%PDF-1.4" and not catalog.get("Version"):
        return True
    ref = catalog.get("Metadata")
    with suppress(Malformed):
        packet = file.load(ref) if isinstance(ref, Ref) else None
        if packet and _CONFORMS.search(file.data(packet)):
            return True
    with suppress(Malformed):
        return "GTS_PDFXVersion" in file.dictionary(file.trailer.get("Info"))
    return False


def _pages(file: File, *, reverse: bool = False) -> Iterator[Page]:
    return leaves(file, _catalog(file).get("Pages"), reverse=reverse)


def _chosen(file: File, style: Style) -> list[Page]:
    """Return the pages that bear the label, each once."""
    if style.pages is Pages.ALL or Moment.MIDDLE in style.moments:
        pages = list(_pages(file))
        at = {Moment.START: 0, Moment.MIDDLE: len(pages) // 2, Moment.END: len(pages) - 1}
        wanted = range(len(pages)) if style.pages is Pages.ALL else sorted({at[m] for m in style.moments})
        chosen = [pages[n] for n in wanted if pages]
    else:
        ends = {Moment.START: False, Moment.END: True}
        chosen = [page for m in style.moments for page in [next(_pages(file, reverse=ends[m]), None)] if page]
    if not chosen:
        raise broken("expected pages in a PDF, found none")
    return list({page.leaf.ref: page for page in chosen}.values())


def _drawn(new: _Revision, page: Page, content: bytes, looking: File) -> None:
    """Put the page's contents between our streams."""
    value = page.leaf.dictionary.get("Contents")
    array = new.file.resolved(value)
    old = [v for v in (array if isinstance(array, list) else [value]) if isinstance(v, Ref)]
    lowest, left = _balance(looking, old)
    first, last = new.add(b"", b"q\n" * (1 - lowest)), new.add(b"", b"\n" + b"Q\n" * (1 - lowest + left) + content)
    refs = b" ".join(b"%d %d R" % ref for ref in (first, *old, last))
    new.change(page.leaf, with_entry(new.raw(page.leaf), "Contents", b"[" + refs + b"]"))


def _balance(looking: File, contents: list[Ref]) -> tuple[int, int]:
    """Return how far contents restore beyond what they saved, and how much they leave saved; 0 where that cannot be read."""
    lowest = left = 0
    try:
        streams = [found for ref in contents if (found := looking.load(ref))]
        for operator in _STACKED.finditer(b"\n".join(looking.data(stream) for stream in streams)):
            left += {b"q": 1, b"Q": -1}.get(operator[1], 0)
            lowest = min(lowest, left)
    except Malformed:
        return 0, 0
    return lowest, left


def _named(new: _Revision, page: Page, target: Ref) -> str:
    """Give the form a name among the resources of a page, in the dictionary where they stand; return the name."""
    file = new.file
    where, path = page.resources, ["Resources", "XObject"]
    for key in tuple(path):
        inner = _entry(new.raw(where), path[: path.index(key) + 1])
        if inner is not None and isinstance(inner.value, Ref):
            followed = file.load(inner.value)
            if followed is None or not isinstance(followed.value, Mapping):
                raise broken(f"expected a dictionary as {key} of a page, found none")
            where, path = followed, path[path.index(key) + 1 :]
    raw = new.raw(where)
    taken = {e.key: e.value for e in Parser(_inside(raw, path) + b" ").entries()}
    names = (NAME + (str(n) if n else "") for n in range(len(taken) + 1))
    name = next(n for n in names if n not in taken or taken[n] == target)
    new.change(where, _with(raw, path, name, b"%d 0 R" % target.number))
    return name


def _entry(raw: bytes, path: list[str]) -> Entry | None:
    """Return the entry that a path of keys leads to."""
    found = None
    for key in path:
        if found is not None and not isinstance(found.value, Mapping):
            return None
        inner = raw if found is None else raw[found.middle : found.stop].strip()
        raw, found = inner, next((e for e in reversed(Parser(inner + b" ").entries()) if e.key == key), None)
        if found is None:
            return None
    return found


def _inside(raw: bytes, path: list[str]) -> bytes:
    """Return the dictionary that a path of keys leads to, an empty one where it leads nowhere."""
    for key in path:
        found = _entry(raw, [key])
        raw = raw[found.middle : found.stop].strip() if found and isinstance(found.value, Mapping) else b"<<>>"
    return raw


def _with(raw: bytes, path: list[str], name: str, value: bytes) -> bytes:
    """Return a dictionary's bytes with an entry set in the one that a path leads to."""
    if not path:
        return with_entry(raw, name, value)
    return with_entry(raw, path[0], _with(_inside(raw, path[:1]), path[1:], name, value))

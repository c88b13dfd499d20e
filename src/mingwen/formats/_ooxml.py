"""DOCX, XLSX and PPTX: the custom property AIGC (TC260-PG-20258A §6.1).

``property name="AIGC"`` with a ``vt:lpwstr`` stands in the part that ``_rels/.rels`` calls the custom properties, usually
``docProps/custom.xml``, which ``[Content_Types].xml`` names. Read too: the core and extended properties, document variables,
custom XML, and texts named AIGC. Embedded media and documents are not opened. Structure: ECMA-376 part 1 §22.3, part 2 §8 to §10.
"""

import re
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

PLACE: Final = "custom property AIGC"
MAX_TARGETS: Final = 8
"""Parts of custom properties, of which there may be one."""

_RELATIONS: Final = "_rels/.rels"
_TYPES: Final = "[Content_Types].xml"
_CUSTOM: Final = "docProps/custom.xml"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006"
_STRICT: Final = "http://purl.oclc.org/ooxml/officeDocument"
_FORMAT_ID: Final = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
"""Part 1 §22.3.2.1: of the properties that users define."""
_CUSTOM_TYPE: Final = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_CUSTOM_RELATIONS: Final = (f"{_OFFICE}/relationships/custom-properties", f"{_STRICT}/relationships/customProperties")
_FAMILIES: Final = (
    (f"{_OFFICE}/custom-properties", f"{_OFFICE}/docPropsVTypes"),
    (f"{_STRICT}/customProperties", f"{_STRICT}/docPropsVTypes"),
)
"""Namespaces of the properties and of their values: transitional, strict."""
_KNOWN: Final = frozenset({"docprops/core.xml", "docprops/app.xml"})
_VARIABLES: Final = frozenset({"word/settings.xml", "ppt/presprops.xml"})
_ITEM: Final = re.compile(r"customxml/item\d*\.xml")
_SIGNATURES: Final = r"_xmlsignatures/[^/]*\.xml"
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
_SLIDE: Final = re.compile(r"ppt/slides/slide(\d{1,9})\.xml")
_MARGIN: Final = re.compile(r"word/(?:header|footer)\d{0,9}\.xml")
MAX_MARGINS: Final = 8
"""Headers and footers whose text is given; a section has at most three of each."""
_SHEET: Final = re.compile(r"xl/worksheets/sheet(\d{1,9})\.xml")


def read(source: BinaryIO) -> Reading:
    """Find labels in the custom properties, the other properties, custom XML, and behind the archive."""
    finding = Finding(zip_archive.opened(source))
    archive = finding.archive
    related: list[str] = []
    relations = archive.named(_RELATIONS)
    if not relations:
        finding.unread.append(Unread(_RELATIONS, "is missing, so the properties may stand anywhere"))
    for entry in relations:
        if part := finding.part(entry, _related):
            related += _targets(part)
    for target in {t.casefold(): t for t in (*related, _CUSTOM)}.values():
        guide = target.casefold() in {t.casefold() for t in related}
        for entry in archive.named(target):
            finding.part(entry, _registered if guide else _unregistered)
        if guide and not archive.named(target):
            finding.unread.append(Unread(target, "is named as the custom properties, but missing"))
    return finding.reading(_wanted)


def splice(source: BinaryIO, label: str) -> Splice:
    """Set the property in the part that is related, or in a new one; only the parts that tell of it are written anew.

    Raises:
        Refused: a digital signature covers a part that would have to change (``ooxml.signed``).
    """
    archive = zip_archive.opened(source)
    relations, types = archive.one(_RELATIONS), archive.one(_TYPES)
    if not relations or not types:
        raise _parts.broken(_RELATIONS if types else _TYPES, "is missing")
    changed: dict[Entry, bytes] = {}
    added: dict[str, bytes] = {}
    part = _parts.parsed(archive, relations)
    targets = _targets(part)
    target = targets[0] if targets else _CUSTOM
    strict = f"{_STRICT}/relationships/officeDocument".encode() in part.view
    if not targets:
        changed[relations] = part.edited([_relation(part, strict=strict)])
    changed[types] = _typed(_parts.parsed(archive, types), target)
    if custom := archive.one(target):
        changed[custom] = _labelled(_parts.parsed(archive, custom), custom, label)
    else:
        added[target] = _new(label, strict=strict)
    changed |= _emptied(archive, {*targets, _CUSTOM}, custom)
    changed |= _parts.cleared(archive, [*changed], _wanted)
    changed = {e: new for e, new in changed.items() if new != archive.unpacked(e, _parts.MAX_OTHERS_BYTES)}
    _require_unsigned(archive, {e.key for e in changed} | {n.casefold() for n in added}, strict=strict)
    return spliced(zip_archive.edits(archive, changed, added), size_of(source))


def clues(source: BinaryIO) -> Iterator[Clue]:
    """Yield the properties, a C2PA manifest, and the visible text's beginning and end."""
    return _clues.bounded(_clues_of(zip_archive.opened(source)))


def _clues_of(archive: Archive) -> Iterator[Clue]:
    for name in (*sorted(_KNOWN), _CUSTOM):
        for entry in archive.named(name)[:1]:
            try:
                part = _parts.parsed(archive, entry)
            except Malformed:
                continue
            named = _named(part) if name == _CUSTOM else _parts.tags(part)
            yield from islice(named, MAX_CLUES // 4)
    yield from _parts.manifests(archive)
    first, last = _bodies(archive)
    yield from _parts.body(archive, first, last)
    for margin in islice((e for e in archive.entries if _MARGIN.fullmatch(e.key)), MAX_MARGINS):
        yield from _parts.body(archive, margin, None)


def _wanted(entry: Entry) -> bool:
    return entry.key in _KNOWN | _VARIABLES or _ITEM.fullmatch(entry.key) is not None


def _targets(part: Part) -> list[str]:
    """Return the paths that the package relates as custom properties; ECMA-376 part 2 §8.3 allows one."""
    out: list[str] = []
    for element in part.elements:
        if element.local == "Relationship" and element.attributes.get("Type") in _CUSTOM_RELATIONS:
            target = element.attributes.get("Target", "")
            if element.attributes.get("TargetMode") != "External" and target:
                out.append(_parts.resolved("", target))
    if len(out) > MAX_TARGETS:
        raise _parts.broken(_RELATIONS, f"names {len(out)} parts of custom properties, expected one")
    return out


def _properties(part: Part) -> Iterator[tuple[Element, Element | None]]:
    """Yield the properties and their values."""
    values = {id(e.parent): e for e in reversed(part.elements)}
    for element in part.elements:
        if element.parent is part.root and element.local == "property":
            yield element, values.get(id(element))


def _related(part: Part, entry: Entry) -> Iterator[Found]:
    _targets(part)  # so that too many are told of
    return _parts.loose(part, entry)


def _registered(part: Part, entry: Entry) -> Iterator[Found]:
    return _custom(part, entry, guide=True)


def _unregistered(part: Part, entry: Entry) -> Iterator[Found]:
    return _custom(part, entry, guide=False)


def _custom(part: Part, entry: Entry, *, guide: bool) -> Iterator[Found]:
    """Find the properties that are named AIGC or hold a label; Annex E a asks for a name that contains the word."""
    known = []
    for element, value in _properties(part):
        name = element.attributes.get("name", "")
        text = value.text if value else ""
        known += [element, value] if value else [element]
        if WRAPPER_KEY not in name.upper() and not mentions(text):
            continue
        exact = guide and name == WRAPPER_KEY and value is not None and value.local == "lpwstr"
        place = PLACE if exact else f"{entry.name} {name}"
        wrapper = Wrapper.BARE if name == WRAPPER_KEY else Wrapper.EITHER
        yield Found(Site(place, text, wrapper, guide=exact), Edit(element.start, element.stop, b""))
    yield from _parts.loose(part, entry, known)


def _named(part: Part) -> Iterator[Clue]:
    for element, value in _properties(part):
        name = element.attributes.get("name", "")
        if value and value.text and WRAPPER_KEY not in name.upper():
            yield Clue(Channel.TAG, name, value.text)


def _family(part: Part) -> tuple[str, str]:
    for family in _FAMILIES:
        if part.root.name == f"{family[0]} Properties":
            return family
    raise _parts.broken(_CUSTOM, f"holds {part.root.local!r}, no properties")


def _labelled(part: Part, entry: Entry, label: str) -> bytes:
    """Set the property: the first of its name keeps its place and number, other labels go."""
    family = _family(part)
    numbers = [int(p) for e, _ in _properties(part) if _NUMBER.fullmatch(p := e.attributes.get("pid", ""))]
    old = next((e for e, _ in _properties(part) if e.attributes.get("name") == WRAPPER_KEY), None)
    edits = [f.gone for f in _custom(part, entry, guide=True) if old is None or f.gone.start != old.start]
    if old is None:
        return part.edited([*edits, part.within(part.root, _property(part, family, max([1, *numbers]) + 1, label))])
    number = next((n for n in numbers if str(n) == old.attributes.get("pid") and numbers.count(n) == 1 and n > 1), 0)
    new = _property(part, family, number or max([1, *numbers]) + 1, label)
    return part.edited([*edits, Edit(old.start, old.stop, new.encode())])


def _property(part: Part, family: tuple[str, str], number: int, label: str) -> str:
    """Write the property in the prefixes of the part: part 1 §22.3.2.1, §22.4.2.21."""
    own, declare = part.prefix(family[0], "cp")
    value, declare_value = part.prefix(family[1], "vt")
    return (
        f'<{own}property{declare} fmtid="{_FORMAT_ID}" pid="{number}" name="{WRAPPER_KEY}">'
        f"<{value}lpwstr{declare_value}>{_parts.escaped(label)}</{value}lpwstr></{own}property>"
    )


def _new(label: str, *, strict: bool) -> bytes:
    own, values = _FAMILIES[strict]
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
        f'<Properties xmlns="{own}" xmlns:vt="{values}"><property fmtid="{_FORMAT_ID}" pid="2" name="{WRAPPER_KEY}">'
        f"<vt:lpwstr>{_parts.escaped(label)}</vt:lpwstr></property></Properties>"
    ).encode()


def _relation(part: Part, *, strict: bool) -> Edit:
    taken = {e.attributes.get("Id") for e in part.elements}
    number = next(n for n in range(1, len(part.elements) + 2) if f"rId{n}" not in taken)
    own, declare = part.prefix(f"{_PACKAGE}/relationships", "r")
    new = f'<{own}Relationship{declare} Id="rId{number}" Type="{_CUSTOM_RELATIONS[strict]}" Target="{_CUSTOM}"/>'
    return part.within(part.root, new)


def _typed(part: Part, target: str) -> bytes:
    """Name the part's content type; ECMA-376 part 2 §10.1.2.2."""
    name = f"/{target}"
    if any(e.attributes.get("PartName", "").casefold() == name.casefold() for e in part.elements if e.local == "Override"):
        return part.edited([])
    own, declare = part.prefix(f"{_PACKAGE}/content-types", "ct")
    new = f'<{own}Override{declare} PartName="{_parts.escaped(name)}" ContentType="{_CUSTOM_TYPE}"/>'
    return part.edited([part.within(part.root, new)])


def _emptied(archive: Archive, targets: set[str], custom: Entry | None) -> dict[Entry, bytes]:
    """Take labels from further parts of custom properties, which no program should read."""
    out = {}
    for entry in {e for t in targets if (e := archive.one(t)) and e != custom}:
        part = _parts.parsed(archive, entry)
        out[entry] = part.edited(f.gone for f in _custom(part, entry, guide=False))
    return out


def _require_unsigned(archive: Archive, changed: set[str], *, strict: bool) -> None:
    """Refuse to break a signature; one that covers single relationships is not broken by a new one (part 2 §13.2.4.24)."""
    for path, inner in _parts.signed(archive, _SIGNATURES):
        filtered = [e for e in inner if e.local in {"RelationshipReference", "RelationshipsGroupReference"}]
        ours = any(e.attributes.get("SourceType") == _CUSTOM_RELATIONS[strict] for e in filtered)
        if path in changed and (not filtered or ours):
            raise Refused(
                "ooxml.signed",
                f"expected a document whose signature leaves room for the label, but it covers {path!r}",
                hint="label the document first and sign it then",
            )


def _bodies(archive: Archive) -> tuple[Entry | None, Entry | None]:
    """Return the parts where the visible text begins and ends."""
    if document := archive.named("word/document.xml"):
        return document[0], document[0]
    if shared := archive.named("xl/sharedStrings.xml"):
        return shared[0], shared[0]
    numbered = [(int(m[1]), e) for e in archive.entries if (m := _SLIDE.fullmatch(e.key) or _SHEET.fullmatch(e.key))]
    if not numbered:
        return None, None
    return min(numbered, key=lambda n: n[0])[1], max(numbered, key=lambda n: n[0])[1]

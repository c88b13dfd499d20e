"""The label as objects of a PDF: a form that draws it, and a font that holds its letters and nothing else.

The letters are a font of Type 3 (ISO 32000-1 §9.6.5): outlines as they stand in any TrueType or OpenType file, embedded by their
nature, a few hundred bytes each; ToUnicode (§9.10.3) tells programs which characters they are.
"""

from collections.abc import Callable, Iterable, Sequence

from mingwen.containers.pdf_objects import Ref
from mingwen.domain.notices import Style
from mingwen.notices._outlines import Glyph, glyph, points, strokes
from mingwen.notices._vector import EDGE, INK_GREY, PLATE_GREY, PLATE_OPACITY, Plate, outline

Add = Callable[[bytes, bytes | None], Ref]
"""Adds a dictionary's entries, and the data if it is a stream's, as a new object."""

_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<00> <FF>
endcodespacerange
{ranges}
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""
_RANGE = 100
"""Lines that a range of a CMap holds at most."""


def form(add: Add, style: Style, made: Plate, *, opaque: bool, tagged: bool) -> Ref:
    """Add what draws the label, one unit an ink height.

    In a tagged document it is an artifact (§14.8.2.2), since it belongs to the page and to no part of its text.
    """
    characters = dict.fromkeys(letter.character for line in made.lines for letter in line)
    codes = {character: code for code, character in enumerate(characters, 1)}
    font = _font(add, style, codes)
    opacity = f"/ExtGState << /P << /Type /ExtGState /ca {PLATE_OPACITY} >> >>" if not opaque else ""
    entries = (
        f"/Type /XObject /Subtype /Form /BBox [{-EDGE} {-EDGE} {made.width + EDGE:.3f} {made.height + EDGE:.3f}] "
        f"/Resources << /Font << /L {font.number} 0 R >> {opacity} >>"
    )
    path = _path(outline(made), 1)
    said = style.wording.encode("utf-16-be").hex()
    letters = "\n".join(
        f"1 0 0 1 {letter.x:.4f} {letter.y:.4f} Tm <{codes[letter.character]:02x}> Tj" for line in made.lines for letter in line
    )
    mark = "/Artifact << /Type /Pagination /Subtype /Watermark" if tagged else "/Span <<"
    drawn = (
        f"{mark} /ActualText <feff{said}> >> BDC\nq {'' if opaque else '/P gs '}{PLATE_GREY:.3f} g\n{path} f Q\n"
        f"{INK_GREY:g} G {EDGE} w {path} S\nBT /L {made.em:.4f} Tf {INK_GREY:g} g\n{letters}\nET\nEMC"
    )
    return add(entries.encode(), drawn.encode())


def _font(add: Add, style: Style, codes: dict[str, int]) -> Ref:
    glyphs = {code: glyph(character, style.font) for character, code in codes.items()}
    drawings = " ".join(f"/g{code} {add(b'', _drawing(one)).number} 0 R" for code, one in glyphs.items())
    names = " ".join(f"/g{code}" for code in glyphs)
    widths = " ".join(f"{one.advance * 1000:.0f}" for one in glyphs.values())
    ranges = "\n".join(_ranges(list(codes.items())))
    unicode = add(b"", _CMAP.format(ranges=ranges).encode())
    left, bottom, right, top = _box(p for one in glyphs.values() for p in points(one.segments))
    entries = (
        f"/Type /Font /Subtype /Type3 /FontBBox [{left} {bottom} {right} {top}] /FontMatrix [0.001 0 0 0.001 0 0] "
        f"/CharProcs << {drawings} >> /Encoding << /Type /Encoding /Differences [1 {names}] >> /FirstChar 1 "
        f"/LastChar {len(glyphs)} /Widths [{widths}] /ToUnicode {unicode.number} 0 R /Resources << >>"
    )
    return add(entries.encode(), None)


def _ranges(codes: Sequence[tuple[str, int]]) -> Iterable[str]:
    for at in range(0, len(codes), _RANGE):
        part = codes[at : at + _RANGE]
        lines = "\n".join(f"<{code:02x}> <{character.encode('utf-16-be').hex()}>" for character, code in part)
        yield f"{len(part)} beginbfchar\n{lines}\nendbfchar"


def _drawing(one: Glyph) -> bytes:
    box = " ".join(map(str, _box(points(one.segments))))
    return f"{one.advance * 1000:.0f} 0 {box} d1\n{_path(one.segments, 1000)} f".encode()


def _box(dots: Iterable[tuple[float, float]]) -> tuple[int, int, int, int]:
    xs, ys = zip(*dots, strict=True)
    return int(min(xs) * 1000) - 1, int(min(ys) * 1000) - 1, int(max(xs) * 1000) + 1, int(max(ys) * 1000) + 1


def _path(segments: Iterable[tuple[float, ...]], scale: float) -> str:
    """Write segments as path operators (§8.5.2)."""
    places = 0 if scale > 1 else 4
    return "\n".join(
        " ".join([*(f"{n * scale:.{places}f}" for n in numbers), operator]) for operator, numbers in strokes(segments)
    )

"""The pages of a PDF: their tree with what they inherit (ISO 32000-1 §7.7.3), and where on one the label stands upright."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mingwen.containers.pdf_file import File, Object
from mingwen.containers.pdf_objects import Ref, Value, broken

LEAST_INK_POINTS = 9.0
INK_SHARE = 0.025
"""Of the page's shortest side: half of §5.2, which is made for pictures."""
MAX_PAGES = 20_000
MAX_DEPTH = 64
"""Of the tree of pages."""
LETTER = (0.0, 0.0, 612.0, 792.0)
"""What viewers take for a page that says no size."""

_INHERITED = ("Resources", "MediaBox", "CropBox", "Rotate")


@dataclass(frozen=True, slots=True)
class Page:
    """A leaf of the tree, with what it inherits (§7.7.3.4)."""

    leaf: Object
    entries: Mapping[str, Value]
    resources: Object
    """The node whose entry Resources counts; the leaf itself if there is none."""


def leaves(file: File, root: Value, *, reverse: bool) -> Iterator[Page]:
    """Walk through the tree of pages (§7.7.3), from the first or from the last."""
    waiting: list[tuple[Value, Mapping[str, Value], Object | None]] = [(root, {}, None)]
    seen: set[int] = set()
    while waiting:
        ref, above, owner = waiting.pop()
        node = file.load(ref) if isinstance(ref, Ref) and ref.number not in seen else None
        if node is None or len(seen) > MAX_PAGES:
            raise broken(f"expected a tree of at most {MAX_PAGES} pages, each once, found {ref!r:.40}")
        seen.add(node.ref.number)
        own = node.dictionary
        entries = {**above, **{k: own[k] for k in _INHERITED if own.get(k) is not None}}
        owner = node if own.get("Resources") is not None else owner
        kids = file.resolved(own.get("Kids"))
        if isinstance(kids, list):
            waiting += [(kid, entries, owner) for kid in (kids if reverse else kids[::-1])]
        else:
            yield Page(node, {**own, **entries}, owner or node)


def geometry(file: File, page: Page) -> tuple[tuple[float, ...], int, float]:
    """Return the box that is seen, by how many degrees it is turned clockwise (Table 30), and the ink height."""
    media = _box(file, page.entries.get("MediaBox")) or LETTER
    crop = _box(file, page.entries.get("CropBox")) or media
    seen = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    box = seen if seen[0] < seen[2] and seen[1] < seen[3] else media
    turn, unit = file.resolved(page.entries.get("Rotate")), file.resolved(page.entries.get("UserUnit"))
    points = float(unit) if isinstance(unit, int | float) and 0 < unit < LETTER[2] else 1.0
    ink = max(INK_SHARE * min(box[2] - box[0], box[3] - box[1]), LEAST_INK_POINTS / points)
    return box, turn % 360 // 90 * 90 if isinstance(turn, int) else 0, ink


def _box(file: File, value: Value) -> tuple[float, float, float, float] | None:
    array = file.resolved(value)
    numbers = [file.resolved(v) for v in array] if isinstance(array, list) else []
    sides = [float(v) for v in numbers if isinstance(v, int | float) and abs(v) < 1e6]  # noqa: PLR2004 - beyond any page
    if len(sides) != 4:  # noqa: PLR2004
        return None
    box = min(sides[0], sides[2]), min(sides[1], sides[3]), max(sides[0], sides[2]), max(sides[1], sides[3])
    return box if box[0] < box[2] and box[1] < box[3] else None


def matrix(box: tuple[float, ...], turn: int, ink: float, at: tuple[float, float]) -> tuple[float, ...]:
    """Return what maps the label to the page's own space, upright where ``at`` counts from the shown lower left corner."""
    x0, y0, x1, y1 = box
    a, b, e, f = {0: (1, 0, x0, y0), 90: (0, 1, x1, y0), 180: (-1, 0, x1, y1), 270: (0, -1, x0, y1)}[turn]
    return a * ink, b * ink, -b * ink, a * ink, a * at[0] - b * at[1] + e, b * at[0] + a * at[1] + f

"""The label in documents that are packed: which program's they are decides, by their main part, where a reader sees it first."""

from collections.abc import Callable, Mapping
from typing import BinaryIO, NamedTuple, TypeAlias

from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Moment, Style, has_elements
from mingwen.notices import _docx, _epub, _odf, _package, _pptx, _xlsx
from mingwen.notices._markup import broken
from mingwen.notices._package import Package

MAX_LABEL_CHARACTERS = 120
"""A longer paragraph that has both elements speaks of them, and is no label."""

Mark: TypeAlias = Callable[[Package, str, Style], str]
Moments: TypeAlias = Callable[[Package, str], tuple[Moment, ...]]


class _Program(NamedTuple):
    """How the documents of one program bear a label, and tell of it."""

    mark: Mark
    moments: Moments


def _told(texts: Callable[[Package, str], list[str]]) -> Moments:
    """Make of a reader of paragraphs, or of the labels of slides and sheets, one of moments."""

    def moments(package: Package, path: str) -> tuple[Moment, ...]:
        bears = [len(text) <= MAX_LABEL_CHARACTERS and has_elements(text) for text in texts(package, path)]
        there = {Moment.START: any(bears[:1]), Moment.MIDDLE: any(bears[1:-1]), Moment.END: len(bears) > 1 and bears[-1]}
        return tuple(moment for moment, is_there in there.items() if is_there)

    return moments


_PROGRAMS: Mapping[str, _Program] = {
    "document": _Program(_docx.mark, _told(_docx.texts)),
    "presentation": _Program(_pptx.mark, _told(_pptx.texts)),
    "workbook": _Program(_xlsx.mark, _told(_xlsx.texts)),
    "document-content": _Program(_odf.mark, _told(_odf.texts)),
    "container": _Program(_epub.mark, _epub.moments),
}
"""By the main part's root element."""
_MAIN_PARTS = ("META-INF/container.xml", "content.xml")
"""Of packages that have no relationships."""


def mark(source: BinaryIO, sink: BinaryIO, style: Style) -> str:
    """Write the label into the parts that a reader sees; all others stay byte for byte.

    Raises:
        Malformed: the archive or a part cannot be followed (``zip.broken``, ``part.broken``).
        Refused: the document is signed (``notice.signed``), or a slide has no room (``notice.no-room``).
    """
    package = _package.opened(source)
    path, program = _main(package)
    note = program.mark(package, path, style)
    package.write(sink)
    return note


def found(source: BinaryIO) -> tuple[Moment, ...]:
    """Return the moments at which a short text with both elements stands alone."""
    package = _package.opened(source, to_change=False)
    path, program = _main(package)
    return program.moments(package, path)


def _main(package: Package) -> tuple[str, _Program]:
    related = (r.path for r in package.relations("").values() if r.kind == "officeDocument")
    path = next(iter((*related, *(p for p in _MAIN_PARTS if package.archive.named(p)))), "")
    if not path:
        raise broken("_rels/.rels", "names no document")
    root = package.tree(path, 0).root.local
    if root not in _PROGRAMS:
        raise Malformed(
            "part.broken", f"expected a text, a presentation, sheets or a book, found {root!r:.40}", hint="convert it"
        )
    return path, _PROGRAMS[root]

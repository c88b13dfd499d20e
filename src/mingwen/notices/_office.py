"""The label in documents that are packed: which program's they are decides, by their main part, where a reader sees it first."""

from collections.abc import Callable, Mapping
from typing import BinaryIO, NamedTuple, TypeAlias

from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Moment, Style, has_elements
from mingwen.notices import _docx, _package, _pptx, _xlsx
from mingwen.notices._markup import broken
from mingwen.notices._package import Package

MAX_LABEL_CHARACTERS = 120
"""A longer paragraph that has both elements speaks of them, and is no label."""

Mark: TypeAlias = Callable[[Package, str, Style], str]
Texts: TypeAlias = Callable[[Package, str], list[str]]


class _Program(NamedTuple):
    """How the documents of one program bear a label."""

    mark: Mark
    texts: Texts
    """What a reader sees, in its order: paragraphs, or the labels of slides and sheets."""


_PROGRAMS: Mapping[str, _Program] = {
    "document": _Program(_docx.mark, _docx.texts),
    "presentation": _Program(_pptx.mark, _pptx.texts),
    "workbook": _Program(_xlsx.mark, _xlsx.texts),
}
"""By the main part's root element."""


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
    texts = program.texts(package, path)
    bears = [len(text) <= MAX_LABEL_CHARACTERS and has_elements(text) for text in texts]
    moments = {Moment.START: any(bears[:1]), Moment.MIDDLE: any(bears[1:-1]), Moment.END: len(bears) > 1 and bears[-1]}
    return tuple(moment for moment, is_there in moments.items() if is_there)


def _main(package: Package) -> tuple[str, _Program]:
    path = next((r.path for r in package.relations("").values() if r.kind == "officeDocument"), "")
    if not path:
        raise broken("_rels/.rels", "names no document")
    root = package.tree(path, 0).root.local
    if root not in _PROGRAMS:
        raise Malformed(
            "part.broken", f"expected a document, a presentation or a workbook, found {root!r:.40}", hint="convert it"
        )
    return path, _PROGRAMS[root]

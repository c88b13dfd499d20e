"""The label in a book: as in any page, at the start of its first document, in the middle of the middle one, at its last's end.

EPUB 3.3 §5.7 (spine); a book's other documents stay as they are.
"""

import posixpath
from xml.parsers import expat

from mingwen.domain.errors import Malformed
from mingwen.domain.notices import Moment, Pages, Style
from mingwen.notices import _html, _written
from mingwen.notices._markup import broken
from mingwen.notices._package import Package, resolved

MAX_DOCUMENTS = 5_000


def mark(package: Package, path: str, style: Style) -> str:
    """Write the label of each moment into its document, and with ``Pages.ALL`` that of the start into every one."""
    documents = _spine(package, path)
    wanted = {document: {Moment.START} if style.pages is Pages.ALL else set() for document in documents}
    for moment in style.moments:
        wanted[_at(documents, moment)].add(moment)
    for document, moments in wanted.items():
        if moments:
            _marked(package, document, style, moments)
    count = sum(map(bool, wanted.values()))
    return f"wrote {style.wording} in {count if count > 1 else 'one'} of {len(documents)} documents"


def moments(package: Package, path: str) -> tuple[Moment, ...]:
    """Return the moments at which the book bears a label."""
    documents = _spine(package, path)
    texts = {d: _written.decoded(package.data(d), lenient=True)[2] for d in {_at(documents, m) for m in Moment}}
    return tuple(m for m in Moment if m in _written.found(texts[_at(documents, m)]))


def _at(documents: list[str], moment: Moment) -> str:
    return documents[{Moment.START: 0, Moment.MIDDLE: len(documents) // 2, Moment.END: -1}[moment]]


def _spine(package: Package, path: str) -> list[str]:
    """Return the documents' paths in the order of reading."""
    book = next((n.attribute("full-path") for n in package.tree(path, 2).named("rootfile")), "")
    tree = package.tree(book, 2)
    items = {n.attribute("id"): n.attribute("href") for n in tree.named("item") if "html" in n.attribute("media-type")}
    order = (n.attribute("idref") for n in tree.named("itemref") if n.attribute("linear") != "no")
    paths = [resolved(posixpath.dirname(book), items[i]) for i in order if i in items][:MAX_DOCUMENTS]
    if not paths:
        raise broken(book, "names no documents to read")
    return list(dict.fromkeys(paths))


def _marked(package: Package, path: str, style: Style, moments: set[Moment]) -> None:
    data = package.data(path)
    read = _written.decoded(data, lenient=True)
    new = b"".join(_written.spliced(data, read, _written.spots_of(_html.spot, read[2], style, moments)))
    try:
        expat.ParserCreate().Parse(new, True)  # noqa: FBT003 - the C API takes it by position
    except (expat.ExpatError, LookupError, ValueError) as e:
        raise Malformed("part.broken", f"part {path!r} is no well-formed XML: {e}", hint="mend the book's pages first") from e
    package.rewrite(path, new)

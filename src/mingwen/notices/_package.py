"""A packed document whose parts are edited where the label goes: parts by path, their relationships, and the types of new ones.

Structure: ECMA-376 part 2 §6 (parts), §6.5 (relationships), §7.2 (their place in a ZIP). Every other entry is copied as it is.
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple
from xml.sax.saxutils import quoteattr

from mingwen.containers import zip_archive
from mingwen.containers.edits import Edit, size_of, spliced
from mingwen.containers.zip_archive import Archive, Entry
from mingwen.domain.errors import Refused
from mingwen.notices import _markup, _splicing
from mingwen.notices._markup import Tree

MAX_RELATIONS = 20_000
MAX_TAGS = 600_000
"""Of all parts, counted each time one is walked through: some four seconds."""
BYTES_A_TAG = 2
"""So many bytes of the archive allow one more."""

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "[Content_Types].xml"
_SIGNED = re.compile(r"_xmlsignatures/.+|meta-inf/(?:documentsignatures|macrosignatures|signatures)\.xml")
_PERCENT = re.compile("%([0-9A-Fa-f]{2})")


class Relation(NamedTuple):
    """Where one part leads."""

    kind: str
    """The last word of its type, equal in strict and transitional documents."""
    path: str


@dataclass(slots=True)
class Package:
    """An archive, and what is to change in it."""

    archive: Archive
    edits: dict[Entry, list[Edit]] = field(default_factory=dict)
    trees: dict[Entry, Tree] = field(default_factory=dict)
    tags: int = 0
    """Of all the parts that were walked through."""
    added: dict[str, bytes] = field(default_factory=dict)
    rewritten: dict[Entry, bytes] = field(default_factory=dict)

    def tree(self, path: str, depth: int, names: Iterable[str] = (), texts: Iterable[str] = ()) -> Tree:
        """Walk through a part, once for each time it is asked for; the last walk is what edits count by.

        Raises:
            Malformed: there is no such part, or it cannot be followed.
        """
        entry = self._entry(path)
        data = self.archive.unpacked(entry, _markup.MAX_BYTES)
        tree = _markup.walked(data, path, depth, names, texts)
        self.tags += data.count(b"<")
        if self.tags > MAX_TAGS + size_of(self.archive.source) // BYTES_A_TAG:
            raise Refused("notice.too-large", "expected a document of fewer elements for its bytes", hint="part the document")
        self.trees[entry] = tree
        return tree

    def data(self, path: str) -> bytes:
        """Return a part's bytes; Malformed if there is none, or it is too large."""
        return self.archive.unpacked(self._entry(path), _markup.MAX_BYTES)

    def rewrite(self, path: str, data: bytes) -> None:
        """Give a part, which has no edits, other bytes."""
        self.rewritten[self._entry(path)] = data

    def edit(self, path: str, edit: Edit) -> None:
        """Note an edit of a part that was walked through."""
        self.edits.setdefault(self._entry(path), []).append(edit)

    def relations(self, path: str) -> dict[str, Relation]:
        """Return where a part leads, by the names it gives; what lies outside of the package is left out."""
        if not self.archive.named(relations_of(path)):
            return {}
        tree = self.tree(relations_of(path), 1)
        out: dict[str, Relation] = {}
        for node in tree.named("Relationship"):
            if node.attribute("TargetMode") != "External" and len(out) < MAX_RELATIONS:
                target = resolved(posixpath.dirname(path), node.attribute("Target"))
                out[node.attribute("Id")] = Relation(node.attribute("Type").rpartition("/")[2], target)
        return out

    def relate(self, path: str, type_: str, target: str) -> str:
        """Let a part lead to another; return the name that it gives it."""
        known = self.relations(path)
        number = next(n for n in range(1, len(known) + MAX_RELATIONS) if f"rIdN{n}" not in known)
        reference = posixpath.relpath(f"/{target}", f"/{posixpath.dirname(path)}")
        new = f'<Relationship xmlns="{_PACKAGE}/relationships" Id="rIdN{number}" Type="{type_}" Target={quoteattr(reference)}/>'
        relations = relations_of(path)
        if self.archive.named(relations):
            tree = self.trees[self._entry(relations)]
            self.edit(relations, tree.last_in(tree.root, new))
        else:
            start = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="{_PACKAGE}/relationships">'
            self.added[relations] = f"{start}{new}</Relationships>".encode()
        return f"rIdN{number}"

    def add(self, path: str, type_: str, markup: str) -> str:
        """Add a part; return its path, which a number keeps apart from others."""
        stem, dot = path.rsplit(".", 1)
        names = {e.key for e in self.archive.entries} | {n.casefold() for n in self.added}
        path = next(p for n in range(1, len(names) + 2) if (p := f"{stem}{n}.{dot}").casefold() not in names)
        self.added[path] = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + _markup.ascii_of(markup)
        tree = self.tree(_TYPES, 1)
        new = f'<Override xmlns="{_PACKAGE}/content-types" PartName="/{path}" ContentType="{type_}"/>'
        self.edit(_TYPES, tree.last_in(tree.root, new))
        return path

    def write(self, sink: BinaryIO) -> None:
        """Write the archive with its edits."""
        changed = {entry: self.trees[entry].edited(edits) for entry, edits in self.edits.items()}
        changed |= self.rewritten
        source = self.archive.source
        _splicing.write(source, spliced(zip_archive.edits(self.archive, changed, self.added), size_of(source)), sink)

    def _entry(self, path: str) -> Entry:
        entry = self.archive.one(path)
        if entry is None:
            raise _markup.broken(path, "is missing")
        return entry


def opened(source: BinaryIO, *, to_change: bool = True) -> Package:
    """Open a package.

    Raises:
        Malformed: it is no sound archive.
        Refused: it is signed, and the signature covers what a reader sees (``notice.signed``).
    """
    archive = zip_archive.opened(source)
    signature = next((e.name for e in archive.entries if _SIGNED.fullmatch(e.key)), None)
    if to_change and signature:
        raise Refused(
            "notice.signed",
            f"expected a document without a signature, found {signature!r}, which a label in the text would make invalid",
            hint="label the document first and sign it then; if it bears a label say so with --marked WORDS (marked=…)",
        )
    return Package(archive)


def relations_of(path: str) -> str:
    """Return the part that holds a part's relationships; of the package itself the path is ""."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def resolved(folder: str, reference: str) -> str:
    """Return the path in the archive that a reference in a part of ``folder`` leads to."""
    plain = _PERCENT.sub(lambda m: chr(int(m[1], 16)), reference).partition("#")[0]
    try:
        plain = plain.encode("latin-1").decode("utf-8")
    except UnicodeError:
        plain = reference.partition("#")[0]
    return posixpath.normpath(f"/{plain}" if plain.startswith("/") else f"/{folder}/{plain}").lstrip("/")

"""Bundles in the making: what the vectors change, and the list that they enter themselves in."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tools.vector_parts import HOUR, LOG, MINUTE, ORIGIN, START, WITNESS, Signer, nodes, signed, token

from mingwen.domain.digests import sm3
from mingwen.domain.evidence import Entry, Published, Stamp
from mingwen.domain.labels import produced, to_json
from mingwen.proofs import bundle, leaves, merkle
from mingwen.proofs.bundle import Act, Case, Content, Evidence, Handover, Head, Label
from mingwen.proofs.canonical import canonical
from mingwen.proofs.notes import Checkpoint

CONTENT = b"a picture, as far as this vector is concerned\n"
LABEL = to_json(produced(producer="001191110000MA01TEST10000", produce_id="vector-5"))
INDEX = 5
"""Of the entry that most vectors are about."""
SIZES = (4, 7, 10)
"""Of the checkpoints: one before it, one that includes it, one later."""


def entry(i: int, more: dict[str, object] | None = None) -> Entry:
    detail: dict[str, object] = {"file": f"{i}.png", "format": "png"}
    if i == INDEX:
        detail |= {"sha256": hashlib.sha256(CONTENT).hexdigest(), "sm3": sm3(CONTENT).hex(), "label": LABEL, "width": 0.125}
        detail |= more or {}
    return Entry("label.produced", f"vector-{i}", "001191110000MA01TEST10000", START + i * HOUR, detail)


def salts(i: int, count: int) -> bytes:
    return b"".join(hashlib.sha256(f"{i}.{n}".encode()).digest()[:16] for n in range(count))


def attested(size: int) -> datetime:
    """When others spoke of the checkpoint of this size: half an hour after its last entry."""
    return START + (size - 1) * HOUR + 30 * MINUTE


@dataclass
class Draft:
    """A bundle before it is signed and packed; vectors change it."""

    index: dict[str, Any]
    files: dict[str, bytes]

    def sealed(self, *signers: Signer, note: str = "", listed: bool = True) -> bytes:
        if listed:
            self.index["files"] = [
                {"name": n, "sha256": b64(hashlib.sha256(d).digest()), "sm3": b64(sm3(d))} for n, d in sorted(self.files.items())
            ]
        return self.closed(canonical(self.index), *signers, note=note)

    def closed(self, index: bytes, *signers: Signer, note: str = "") -> bytes:
        text = note or bundle.note(index)
        made = signed(text, *(s.sign(text) for s in signers or (LOG,))).encode()
        return bundle.packed({"bundle.json": index, "bundle.note": made, **self.files})

    def json(self, name: str) -> Any:
        return json.loads(self.files[name])


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class Options:
    """What a draft may be made with."""

    entries: tuple[int, ...] = (INDEX,)
    sizes: tuple[int, ...] = SIZES
    keys: tuple[Signer, ...] = (LOG,)
    witnesses: tuple[Signer, ...] = (WITNESS,)
    origin: str = ORIGIN
    hide: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    tree: dict[int, bytes] = field(default_factory=dict)
    """Leaves that stand in place of others in the tree."""
    at: dict[int, datetime] = field(default_factory=dict)
    detail: dict[str, object] = field(default_factory=dict)
    """Of the entry at ``INDEX``, beside the usual or in its place."""
    label: bytes = LABEL.encode()
    """As it stood in the content."""
    stamped: Callable[[str, int], tuple[bytes, ...]] = lambda text, size: (
        (token(text, attested(size) + MINUTE),) if size < 10 else ()
    )
    content: bool = True
    cosigned: Callable[[int], datetime] = attested


def draft(**given: Any) -> Draft:
    o = Options(**given)
    told = {i: leaves.fields(entry(i, o.detail)) for i in range(10)}
    opened = {i: leaves.disclosures(told[i], salts(i, len(told[i]))) for i in range(10)}
    made = {i: leaves.leaf(entry(i).kind, o.at.get(i, entry(i).at), [leaves.digests(d) for d in opened[i]]) for i in range(10)}
    tree = nodes([o.tree.get(i, made[i]) for i in range(10)])
    heads, texts = [], {}
    for size in o.sizes:
        text = Checkpoint(o.origin, size, merkle.root(size, tree)).text
        lines = [s.sign(text, attested(size)) for s in o.keys] + [w.sign(text, o.cosigned(size)) for w in o.witnesses]
        texts[size] = signed(text, *lines)
        stamps = tuple(Stamp("https://tsa.example", t, attested(size)) for t in o.stamped(text, size))
        heads.append(Head(Published(size, texts[size], attested(size), stamps)))
    acts, evidence = [], []
    for i in o.entries:
        names = sorted(told[i])
        gone = {*o.hide, *o.erased}
        shown = tuple(d for name, d in zip(names, opened[i], strict=True) if name not in gone)
        hidden = tuple(leaves.digests(d) for name, d in zip(names, opened[i], strict=True) if name in gone)
        size = min((s for s in o.sizes if s > i), default=o.sizes[-1])
        path = merkle.inclusion(i, size, tree) if i < size else []
        proof = "".join(f"{line}\n" for line in ("c2sp.org/tlog-proof@v1", f"index {i}", *map(b64, path), "")) + texts[size]
        acts.append(Act(i, o.at.get(i, entry(i).at), entry(i).kind, {}, len(hidden), made[i]))
        evidence.append(Evidence(shown, hidden, proof))
    digest = hashlib.sha256(CONTENT).hexdigest(), sm3(CONTENT).hex()
    content = Content("5.png", len(CONTENT), *digest, None, (Label("XMP TC260:AIGC", o.label),), INDEX)
    consistency = [merkle.consistency(a, b, tree) for a, b in zip(o.sizes, o.sizes[1:], strict=False)]
    case = Case(
        START + timedelta(days=2),
        o.origin,
        tuple(str(s.key) for s in (*o.keys, *o.witnesses)),
        tuple(acts),
        tuple(heads),
        content if o.content else None,
        (Handover(START + timedelta(days=1), "Example", "took the file from the platform"),),
        {"program": "mingwen", "host": "vector"},
    )
    files = bundle.files(case, evidence, consistency, {})
    index = json.loads(files.pop("bundle.json"))
    return Draft(index, files)


@dataclass(frozen=True)
class Vector:
    """A bundle, and what has to be said of it."""

    proves: str
    codes: tuple[str, ...]
    arguments: dict[str, Any]
    make: Callable[[], bytes]


VECTORS: dict[str, Vector] = {}
KEY = str(LOG.key)


def vector(name: str, proves: str, *codes: str, **arguments: Any) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Give a bundle its name, the sentence it proves, the codes of its faults, and what the reader brings along."""

    def add(make: Callable[[], bytes]) -> Callable[[], bytes]:
        assert name not in VECTORS, name  # noqa: S101 - names differ
        VECTORS[name] = Vector(proves, codes, arguments, make)
        return make

    return add

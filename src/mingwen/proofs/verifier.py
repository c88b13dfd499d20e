"""A verifier of evidence bundles (mingwen-evidence/1) in one file, to be read by whoever has to judge one, and to be run alone:

    python verifier.py case.zip [--key VKEY] [--witness VKEY] [--root PEM] [--content FILE] [--json]

It needs Python 3.11 and the package ``cryptography``, no network, and nothing of the program that made the bundle. The format's
description numbers the steps of a verification; the functions bear the numbers and stand in that order, what they stand on below.
"""
# fmt: off - a blank line between functions, so that the whole is six screens

import argparse, base64, hashlib, json, math, re, struct, sys, zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any, BinaryIO

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa

FORMAT, SLACK = "mingwen-evidence/1", timedelta(minutes=5)
MOST_BYTES, MOST_FILES, MOST_JSON, MOST_NOTE, MOST_TOKEN, MOST_DEPTH = 64 << 20, 10_000, 4 << 20, 1 << 20, 1 << 16, 64
MOST_KEYS, MOST_CHECKPOINTS, MOST_STAMPS, MOST_CERTIFICATES, MOST_SIGNATURES = 16, 16, 16, 6, 64
FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, StopIteration, struct.error,
          InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension)

@dataclass
class Report:
    """What a verification found, and what it learned."""
    outcome: str = "broken"
    findings: list[dict[str, Any]] = field(default_factory=list)  # step, code, place, detail
    origin: str = ""
    created: str = ""
    keys: list[str] = field(default_factory=list)  # of the log: those that signed the bundle and every checkpoint
    entries: list[dict[str, Any]] = field(default_factory=list)  # what is disclosed, and between which times it was recorded
    attested: list[dict[str, Any]] = field(default_factory=list)  # time stamps and cosignatures that hold
    content: dict[str, Any] | None = None  # "bound": an entry discloses the digest of these very bytes
    custody: list[dict[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def fault(self, step: int, code: str, place: str, detail: object = "") -> None:
        self.findings.append({"step": step, "code": code, "place": place, "detail": str(detail)[:200]})

def verify(data: bytes, keys: tuple[str, ...] = (), witnesses: tuple[str, ...] = (), roots: tuple[bytes, ...] = (),
           content: tuple[int, str, str] | None = None) -> Report:
    """Verify a bundle; the reader may name the log's keys, witnesses, roots (PEM), and a file by size, SHA-256 and SM3 (hex)."""
    named, trusted = [read_key(k) for k in witnesses], [c for pem in roots for c in x509.load_pem_x509_certificates(pem)]
    mine, out = [read_key(k) for k in keys], Report()
    files = step_1_form(out, data)
    index = step_1_index(out, files) if files else None
    if not files or not index:
        return out
    out.origin, out.created, out.custody, out.environment = (index[k] for k in ("origin", "created", "custody", "environment"))
    entries, checkpoints, known = index["entries"], index["checkpoints"], [read_key(k) for k in index["keys"]]
    log = [k for k in known if k.name == out.origin]
    signed = step_1_files(out, index, files, log)
    read = {name: files.get(name, b"") for row in index["files"] for name in [row["name"]]}  # a missing file counts as empty
    notes = [attempt(read_checkpoint, read[row["note"]]) for row in checkpoints]
    leaves = [step_2_leaf(out, row["leaf"], read[row["leaf"]]) for row in entries]
    out.entries = [{"index": row["index"], **(leaf or {}), **step_3_fields(out, row["fields"], read[row["fields"]], leaf)}
                   for row, leaf in zip(entries, leaves, strict=True)]
    proven = [step_4_inclusion(out, row, read, {read[c["note"]] for c in checkpoints}) for row in entries]
    step_5_checkpoints(out, checkpoints, notes, log, signed)
    step_6_one_log(out, checkpoints, notes)
    step_7_witnesses(out, checkpoints, notes, [k for k in known if k not in log], named, max(proven))
    for row, note in zip(checkpoints, notes, strict=True):
        for name in row["stamps"]:
            step_8_stamp(out, name, read[name], note, trusted)
    step_9_times(out, entries, trusted=bool(trusted), named=bool(named))
    step_10_content(out, index["content"], read, content)
    step_11_keys(out, log, signed, mine)
    out.outcome = "broken" if out.findings else "proven" if mine else "consistent"
    return out

# 1. The archive
def step_1_form(out: Report, data: bytes) -> dict[str, bytes] | None:
    files, at = [], 0
    try:
        while data[at:at + 4] == b"PK\3\4" and len(data) <= MOST_BYTES and len(files) <= MOST_FILES:
            size, name, extra = struct.unpack_from("<18xI4xHH", data, at)
            start = at + 30 + name + extra
            files.append((data[at + 30:at + 30 + name].decode("latin-1"), data[start:start + size]))
            at = start + size
    except struct.error:
        at = len(data) + 1
    if not 0 < len(files) <= MOST_FILES or at > len(data):
        return out.fault(1, "archive.malformed", "archive", f"{len(data)} bytes")
    names, rest = [n for n, _ in files], sorted({n for n, _ in files} - {"bundle.json", "bundle.note"})
    well = all(re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", n, re.ASCII) for n in rest)
    if not well or names != ["bundle.json", "bundle.note", *rest] or packed(files) != data:
        return out.fault(1, "archive.not-canonical", "archive", ", ".join(names))
    return dict(files)

def packed(files: list[tuple[str, bytes]]) -> bytes:
    local, directory = bytearray(), bytearray()
    for name, data in files:
        same = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
        directory += b"PK\1\2\x14\0" + same + struct.pack("<HHHII", 0, 0, 0, 0, len(local)) + name.encode("latin-1")
        local += b"PK\3\4" + same + name.encode("latin-1") + data
    end = struct.pack("<4s4xHHIIH", b"PK\5\6", len(files), len(files), len(directory), len(local), 0)
    return bytes(local + directory + end)

def step_1_index(out: Report, files: dict[str, bytes]) -> dict[str, Any] | None:
    try:
        index: dict[str, Any] = fitting(read_json(files["bundle.json"]), INDEX)
        keys, names = [read_key(k) for k in index["keys"]], [f["name"] for f in index["files"]]
        used = [e[k] for e in index["entries"] for k in ("leaf", "fields", "proof")] + [c["note"] for c in index["checkpoints"]]
        stamps, labels = [n for c in index["checkpoints"] for n in c["stamps"]], (index["content"] or {"labels": []})["labels"]
        require(set(used + stamps + [row["file"] for row in labels]) <= set(names) - {"bundle.json", "bundle.note"}, "a name not in files")
        require(rising(names) and rising([e["index"] for e in index["entries"]]) and index["entries"], "entries and files in order")
        require(len({c["note"] for c in index["checkpoints"]}) == len(index["checkpoints"]) <= MOST_CHECKPOINTS, "checkpoints")
        require(index["checkpoints"], "a checkpoint")
        require(len(set(index["keys"])) == len(keys) <= MOST_KEYS and len(stamps) <= MOST_STAMPS, "keys twice, or too many")
        require(any(k.name == index["origin"] and k.kind in PLAIN for k in keys), "no key of the log")
        require(all(k.name == index["origin"] or k.kind not in PLAIN for k in keys), "a witness without times")
    except FAULTS as e:
        return out.fault(1, "archive.index", "bundle.json", e)
    return index

def step_1_files(out: Report, index: dict[str, Any], files: dict[str, bytes], log: list["Key"]) -> set["Key"]:
    for row in index["files"]:
        if row["name"] not in files:
            out.fault(1, "archive.file-missing", row["name"])
        elif digests(files[row["name"]]) != (row["sha256"], row["sm3"]):
            out.fault(1, "archive.file-changed", row["name"])
    for name in sorted(files.keys() - {f["name"] for f in index["files"]} - {"bundle.json", "bundle.note"}):
        out.fault(1, "archive.file-extra", name)
    note = attempt(read_note, files["bundle.note"])
    if not note or note.text != "\n".join((FORMAT, *digests(files["bundle.json"]), "")):
        out.fault(1, "archive.note", "bundle.note")
        return set()
    held = {k: signed_at(note, k) for k in log if k.kind in PLAIN}
    if -1 in held.values() or 0 not in held.values():
        out.fault(1, "archive.signature", "bundle.note")
    return {k for k, at in held.items() if at == 0}

# 2. The entries
def step_2_leaf(out: Report, name: str, data: bytes) -> dict[str, Any] | None:
    leaf = attempt(fitting, attempt(read_json, data[:65_536]), LEAF) if len(data) < 65_536 else None
    return leaf or out.fault(2, "entry.malformed", name)

# 3. The fields (RFC 9901 section 4.2)
def step_3_fields(out: Report, name: str, data: bytes, leaf: dict[str, Any] | None) -> dict[str, Any]:
    try:
        given = fitting(read_json(data), FIELDS)
        shown = [fitting(read_json(unbase64(text, url=True)), DISCLOSURE) for text in given["disclosed"]]
        names = [n.encode("utf-16-be") for _, n, _ in shown]
        require(names == sorted(names) and rising([h["sha256"] for h in given["hidden"]]), "order")
    except FAULTS as e:
        out.fault(3, "field.malformed", name, e)
        return {"disclosed": {}, "hidden": 0}
    if len(set(names)) < len(names):
        out.fault(3, "field.duplicate", name)
    pairs = [digests(text.encode()) for text in given["disclosed"]] + [(h["sha256"], h["sm3"]) for h in given["hidden"]]
    if leaf and len(pairs) != leaf["fields"]:
        out.fault(3, "field.count", name, f"{len(pairs)}, not {leaf['fields']}")
    for i, code in enumerate(("sha256", "sm3")):
        if leaf and digests(b"".join(sorted(unbase64(pair[i]) for pair in pairs)))[i] != leaf[code]:
            out.fault(3, f"field.{code}", name)
    return {"disclosed": {n: value for _, n, value in shown}, "hidden": len(given["hidden"])}

# 4. Inclusion (c2sp.org/tlog-proof, RFC 6962 section 2.1.1)
def step_4_inclusion(out: Report, row: dict[str, Any], read: dict[str, bytes], checkpoints: set[bytes]) -> int:
    name = row["proof"]
    try:
        head, _, text = read[name].decode().partition("\n\n")
        magic, index, *path = head.split("\n")
        note, steps = read_checkpoint(text.encode()), [unbase64(line, 32) for line in path]
        require(magic == "c2sp.org/tlog-proof@v1" and re.fullmatch(f"index {NUMBER}", index) and len(path) < 64, "a proof")
    except FAULTS as e:
        out.fault(4, "proof.malformed", name, e)
        return 0
    leaf = hashlib.sha256(b"\0" + read[row["leaf"]]).digest()
    if index != f"index {row['index']}" or text.encode() not in checkpoints:
        out.fault(4, "proof.other", name)
    elif row["index"] >= note.size or attempt(climb, row["index"], note.size, leaf, steps) != note.root:
        out.fault(4, "proof.inclusion", name)
    return note.size

def climb(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """Return the root of a tree of ``size`` to which ``path`` leads from the leaf at ``index``."""
    if size == 1:
        require(not path, "a path that is too long")
        return leaf
    left = 1 << (size - 1).bit_length() - 1
    if index < left:
        return joined(climb(index, left, leaf, path[:-1]), path[-1])
    return joined(path[-1], climb(index - left, size - left, leaf, path[:-1]))

# 5. Checkpoints (c2sp.org/tlog-checkpoint)
def step_5_checkpoints(out: Report, rows: list[dict[str, Any]], notes: list["Note | None"], log: list["Key"], signed: set["Key"]) -> None:
    for row, note in zip(rows, notes, strict=True):
        if not note:
            out.fault(5, "checkpoint.malformed", row["note"])
            signed.clear()
            continue
        if note.origin != out.origin:
            out.fault(5, "checkpoint.origin", row["note"], note.origin)
        if note.size != row["size"]:
            out.fault(5, "checkpoint.size", row["note"], f"{note.size}, not {row['size']}")
        for key in log:
            at = signed_at(note, key)
            if at is None or at < 0:
                out.fault(5, "checkpoint.unsigned" if at is None else "checkpoint.signature", row["note"], key.text[:80])
                signed.discard(key)

# 6. One log (RFC 6962 section 2.1.2)
def step_6_one_log(out: Report, rows: list[dict[str, Any]], notes: list["Note | None"]) -> None:
    if rows[0]["consistency"]:
        out.fault(6, "log.inconsistent", rows[0]["note"], "a proof from nothing")
    for (before, old), (row, new) in pairwise(zip(rows, notes, strict=True)):
        if before["size"] >= row["size"]:
            out.fault(6, "log.order", row["note"])
        elif old and new:
            path = [unbase64(line, 32) for line in row["consistency"]]
            empty = (hashlib.sha256().digest(), new.root) if not path else None
            if (attempt(grow, old.size, new.size, path, old.root) if old.size else empty) != (old.root, new.root):
                out.fault(6, "log.inconsistent", row["note"])

def grow(old: int, new: int, path: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """Return the roots of both trees to which ``path`` leads; that of the old one is ``known`` while it is whole."""
    if old == new:
        require(len(path) == (known is None), "a path of another length")
        return known or path[0], known or path[0]
    left = 1 << (new - 1).bit_length() - 1
    if old <= left:
        older, newer = grow(old, left, path[:-1], known)
        return older, joined(newer, path[-1])
    older, newer = grow(old - left, new - left, path[:-1], None)
    return joined(path[-1], older), joined(path[-1], newer)

# 7. Witnesses (c2sp.org/tlog-cosignature)
def step_7_witnesses(out: Report, rows: list[dict[str, Any]], notes: list["Note | None"], known: list["Key"], named: list["Key"],
                     proven: int) -> None:
    for key in dict.fromkeys([*known, *named]):
        highest = -1
        for row, note in zip(rows, notes, strict=True):
            at = signed_at(note, key) if note else None
            if at == -1:
                out.fault(7, "witness.signature", row["note"], key.text[:80])
            elif note and at is not None:
                highest = max(highest, note.size)
                time = told(datetime.fromtimestamp(at, UTC)) if 0 < at < 1 << 35 else None  # 0 says nothing of the time
                out.attested.append({"kind": "cosignature", "size": note.size, "at": time, "by": key.name, "named": key in named})
        if key in named and highest < proven:
            out.fault(7, "witness.missing", key.name)

# 8. Time stamps (RFC 3161, RFC 5652, RFC 5280; revocation is not looked up)
def step_8_stamp(out: Report, name: str, data: bytes, note: "Note | None", trusted: list[x509.Certificate]) -> None:
    before = len(out.findings)
    try:
        token = read_token(data)
    except FAULTS as e:
        return out.fault(8, "stamp.malformed", name, e)
    if not note or token["imprint"] != attempt(digest, token["imprint_by"], note.text.encode()):
        out.fault(8, "stamp.imprint", name)
    signer, pool = token["signer"], token["certificates"]
    if not (signer and token["agrees"] and holds(spki(signer), token["digest_by"], token["signature"], token["signed"])):
        return out.fault(8, "stamp.signature", name)
    uses = attempt(signer.extensions.get_extension_for_class, x509.ExtendedKeyUsage)
    if not uses or not uses.critical or list(uses.value) != [x509.ExtendedKeyUsageOID.TIME_STAMPING]:
        out.fault(8, "stamp.purpose", name, signer.subject.rfc4514_string())
    own = [c for c in pool if c.subject == c.issuer and issued(c, c)]
    root = chain(signer, pool, trusted, token["at"], set()) or chain(signer, pool, own, token["at"], set())
    if not root:
        return out.fault(8, "stamp.chain", name, signer.subject.rfc4514_string())
    if trusted and root not in trusted:
        out.fault(8, "stamp.untrusted", name, root.subject.rfc4514_string())
    if note and len(out.findings) == before:
        out.attested.append({"kind": "stamp", "size": note.size, "at": told(token["at"]), "by": signer.subject.rfc4514_string(),
                             "named": root in trusted, "root": root.subject.rfc4514_string(),
                             "root_sha256": root.fingerprint(hashes.SHA256()).hex(), "file": name})
    return None

def read_token(data: bytes) -> dict[str, Any]:
    require(len(data) <= MOST_TOKEN and len(der(data)) == 1 and dig(data, 0, 0) == oid("2a864886f70d010702"), "SignedData")
    signed = der(dig(data, 0, 1, 0))
    require(dig(signed[2][1], 0) == oid("2a864886f70d0109100104"), "TSTInfo")
    content = dig(signed[2][1], 1, 0)
    info, (signer,) = der(dig(content, 0)), der(signed[-1][1])
    _, _, by, attributes, _, signature = der(signer[1])[:6]
    require(info[0][1] == b"\1" and info[4][0] == 0x18 and attributes[0] == 0xA0, "version 1, a time, signed attributes")
    said = {dig(a, 0): dig(a, 1, 0) for _, a, _ in der(attributes[1])}
    new = said.get(oid("2a864886f70d010910022f"))  # signingCertificateV2 (RFC 5035), else signingCertificate (RFC 2634)
    ids = der(dig(new if new is not None else said[oid("2a864886f70d010910020c")], 0, 0))
    ess_by = "sha1" if new is None else DIGESTS[dig(ids[0][1], 0)] if ids[0][0] == 0x30 else "sha256"
    ess = next(value for tag, value, _ in ids if tag == 0x04)
    certificates = [x509.load_der_x509_certificate(c) for tag, held, _ in signed if tag == 0xA0 for _, _, c in der(held)]
    require(len(certificates) <= MOST_CERTIFICATES, "so many certificates")
    figures, fraction = re.fullmatch(r"([0-9]{14})(?:\.([0-9]+))?Z", info[4][1].decode()).groups("")  # type: ignore[union-attr]
    digest_by = DIGESTS[dig(by[1], 0)]
    return {
        "imprint_by": DIGESTS.get(dig(info[2][1], 0, 0)), "imprint": dig(info[2][1], 1), "digest_by": digest_by,
        "at": datetime.strptime(figures + fraction[:6].ljust(6, "0") + "+0000", "%Y%m%d%H%M%S%f%z"),
        "agrees": said[oid("2a864886f70d010903")] == oid("2a864886f70d0109100104")
                  and said[oid("2a864886f70d010904")] == digest(digest_by, content),
        "certificates": certificates, "signature": signature[1], "signed": b"\x31" + attributes[2][1:],
        "signer": next((c for c in certificates if digest(ess_by, c.public_bytes(serialization.Encoding.DER)) == ess), None),
    }

def chain(cert: x509.Certificate, pool: list[x509.Certificate], roots: list[x509.Certificate], at: datetime,
          seen: set[x509.Certificate]) -> x509.Certificate | None:
    """Return the root among ``roots`` to which certificates lead that were valid at that time."""
    if cert in seen or not cert.not_valid_before_utc <= at <= cert.not_valid_after_utc:
        return None
    if cert in roots:
        return cert
    seen.add(cert)
    above = (i for i in roots + pool if i.subject == cert.issuer and attempt(may_issue, i, len(seen) - 1) and issued(cert, i))
    return next((root for issuer in above if (root := chain(issuer, pool, roots, at, seen))), None)

def may_issue(issuer: x509.Certificate, below: int) -> bool:
    basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = [e.value.key_cert_sign for e in issuer.extensions if isinstance(e.value, x509.KeyUsage)]
    return basic.ca and (basic.path_length is None or below <= basic.path_length) and usage in ([], [True])

def issued(cert: x509.Certificate, issuer: x509.Certificate) -> bool:
    if spki(issuer).startswith(SM2_SPKI):
        return holds(spki(issuer), "sm3", cert.signature, cert.tbs_certificate_bytes)
    return attempt(cert.verify_directly_issued_by, issuer) is None  # and not False

# 9. Times
def step_9_times(out: Report, rows: list[dict[str, Any]], *, trusted: bool, named: bool) -> None:
    counts = [a for a in out.attested if a["at"] and (a["named"] or not (trusted if a["kind"] == "stamp" else named))]
    for row, entry in zip(rows, out.entries, strict=True):
        entry["after"] = max((a for a in counts if a["size"] <= row["index"]), key=lambda a: a["at"], default=None)
        entry["before"] = min((a for a in counts if a["size"] > row["index"]), key=lambda a: a["at"], default=None)
        if "at" in entry and entry["before"] and moment(entry["at"]) - moment(entry["before"]["at"]) > SLACK:
            out.fault(9, "time.future", row["leaf"], f"{entry['at']}, attested at {entry['before']['at']}")
        if "at" in entry and entry["after"] and moment(entry["after"]["at"]) - moment(entry["at"]) > SLACK:
            out.fault(9, "time.backdated", row["leaf"], f"{entry['at']}, not there at {entry['after']['at']}")

# 10. The content
def step_10_content(out: Report, content: dict[str, Any] | None, read: dict[str, bytes], file: tuple[int, str, str] | None) -> None:
    if content:
        entry = next((e for e in out.entries if e["index"] == content["entry"]), None)
        said = entry["disclosed"] if entry else {}
        if not entry:
            out.fault(10, "content.entry", str(content["entry"]))
        same = {name: said[name] == content[name] for name in ("sha256", "sm3") if said.get(name) and content[name]}
        if not all(same.values()):
            out.fault(10, "content.digest", content["name"])
        labels = [attempt(label, read[row["file"]].decode("utf-8", "replace")) for row in content["labels"]]
        if isinstance(said.get("label"), str) and labels and attempt(label, said["label"]) not in [v for v in labels if v]:
            out.fault(10, "content.label", content["name"])
        out.content = {**content, "bound": any(same.values()) and all(same.values())}
    if file:
        known = content or {"bytes": None, "sha256": None, "sm3": None}
        same = {name: value == known[name] for name, value in zip(("bytes", "sha256", "sm3"), file, strict=True) if known[name] is not None}
        if not same.keys() & {"sha256", "sm3"} or not all(same.values()):
            out.fault(10, "content.other", "content", f"{file[0]} bytes, SHA-256 {file[1]}")

def label(text: str) -> list[Any] | None:
    value = json.loads(text) if text.count("{") <= MOST_DEPTH else None
    value = value.get("AIGC", value) if isinstance(value, dict) else None
    return [value.get(name, "") for name in LABEL] if isinstance(value, dict) else None

# 11. Keys
def step_11_keys(out: Report, log: list["Key"], signed: set["Key"], mine: list["Key"]) -> None:
    out.keys = [k.text for k in log if k in signed]
    for key in mine:
        if key not in signed:
            out.fault(11, "key.untrusted", key.name, key.text[:80])

# What the steps stand on: notes and keys (c2sp.org/signed-note, c2sp.org/tlog-cosignature)
SM2, NUMBER = b"\xffsm2-sm3", "(?:0|[1-9][0-9]{0,18})"
PLAIN, KINDS = (b"\1", SM2), {b"\1": 32, b"\4": 32, b"\6": 1312, SM2: 65}  # the type, and the size of the key

@dataclass(frozen=True)
class Key:
    text: str
    name: str
    kind: bytes
    public: bytes
    id: bytes

@dataclass(frozen=True)
class Note:
    text: str
    signatures: dict[tuple[str, bytes], bytes]  # by the key's name and number
    origin: str = ""
    size: int = -1
    root: bytes = b""

def read_key(text: str) -> Key:
    name, number, data = text.split("+", 2)
    raw = unbase64(data)
    kind = next(k for k in KINDS if raw.startswith(k) and len(raw) == len(k) + KINDS[k])
    key = Key(text, name, kind, raw[len(kind):], hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4])
    require(key.id.hex() == number and re.fullmatch(r"[^\s+]{1,255}", name), "a verifier key")
    return key

def read_note(data: bytes) -> Note:
    require(len(data) <= MOST_NOTE and not re.search(rb"[\0-\x09\x0b-\x1f]", data), "a note")
    text, gap, below = data.decode().rpartition("\n\n")
    lines = [re.fullmatch("\u2014 ([^\\s+]{1,255}) ([A-Za-z0-9+/=]+)", line) for line in below.removesuffix("\n").split("\n")]
    found = [(m[1], unbase64(m[2])) for m in lines if m]
    signatures = {(name, raw[:4]): raw[4:] for name, raw in found if len(raw) > 4}
    require(gap and below.endswith("\n") and len(signatures) == len(lines) <= MOST_SIGNATURES, "a signature in every line, each once")
    return Note(text + "\n", signatures)

def read_checkpoint(data: bytes) -> Note:
    note = read_note(data)
    origin, size, root, last = note.text.split("\n")
    require(origin and not last and re.fullmatch(NUMBER, size), "three lines")
    return Note(note.text, note.signatures, origin, int(size), unbase64(root, 32))

def signed_at(note: Note, key: Key) -> int | None:
    """Return None where the key did not sign, -1 where its signature does not hold, else its time, 0 for kinds without."""
    value = note.signatures.get((key.name, key.id))
    if value is None or key.kind in PLAIN:
        return None if value is None else 0 if verified(key, value, note.text.encode()) else -1
    at, mine, theirs = int.from_bytes(value[:8]), key.name.encode(), note.origin.encode()
    message = f"cosignature/v1\ntime {at}\n{note.text}".encode()
    if key.kind == b"\6" and len(mine) < 256 and len(theirs) < 256:
        names = bytes([len(mine)]) + mine + value[:8] + bytes([len(theirs)]) + theirs
        message = b"subtree/v1\n\0" + names + struct.pack(">QQ", 0, note.size) + note.root
    return at if at < 1 << 63 and verified(key, value[8:], message) else -1

def verified(key: Key, signature: bytes, message: bytes) -> bool:
    try:
        if key.kind == SM2:
            return sm2(key.public, signature, message)
        kind = mldsa.MLDSA44PublicKey if key.kind == b"\6" else ed25519.Ed25519PublicKey
        kind.from_public_bytes(key.public).verify(signature, message)
    except FAULTS:
        return False
    return True

# Signatures and digests
DIGESTS = {bytes.fromhex(k): v for k, v in {"608648016503040201": "sha256", "608648016503040202": "sha384",
                                            "608648016503040203": "sha512", "2a811ccf55018311": "sm3"}.items()}
HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
SM2_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
P, N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF, 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
G = (0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7, 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0)

def digest(name: str | None, data: bytes) -> bytes:
    if name != "sm3" or "sm3" in hashlib.algorithms_available:
        return hashlib.new(name or "", data).digest()
    made = hashes.Hash(hashes.SM3())
    made.update(data)
    return made.finalize()

def digests(data: bytes) -> tuple[str, str]:
    return base64.b64encode(digest("sha256", data)).decode(), base64.b64encode(digest("sm3", data)).decode()

def joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()

def holds(spki_der: bytes, digest_by: str, signature: bytes, message: bytes) -> bool:
    try:
        if spki_der.startswith(SM2_SPKI):
            return sm2(spki_der[-65:], signature, message)
        key, by = serialization.load_der_public_key(spki_der), HASHES[digest_by]()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), by)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(by))
        else:
            return False
    except FAULTS:
        return False
    return True

def sm2(public: bytes, signature: bytes, message: bytes) -> bool:
    """Verify as GB/T 32918.2 section 7 does, with the user id of GB/T 35276; the signature is DER."""
    x, y = int.from_bytes(public[1:33]), int.from_bytes(public[33:])
    ((one, r_, _), (two, s_, _)) = der(dig(signature, 0))
    r, s = int.from_bytes(r_), int.from_bytes(s_)
    t, identity = (r + s) % N, b"1234567812345678"
    if (one, two, public[0]) != (2, 2, 4) or not (0 < r < N and 0 < s < N and t and max(x, y) < P) or (y * y - x**3 + 3 * x - B) % P:
        return False
    about = bytes([0, 128]) + identity + b"".join(v.to_bytes(32) for v in (P - 3, B, *G)) + public[1:]
    total, terms = None, {1: G, 2: (x, y), 3: added(G, (x, y))}
    for bit in range(255, -1, -1):
        total = added(added(total, total), terms.get((s >> bit & 1) | (t >> bit & 1) << 1))
    return total is not None and (int.from_bytes(digest("sm3", digest("sm3", about) + message)) + total[0]) % N == r

def added(a: tuple[int, int] | None, b: tuple[int, int] | None) -> tuple[int, int] | None:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (3 * (a[0] * a[0] - 1) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P

# DER (ITU-T X.690)
def der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Split a row of elements into (tag, content, whole)."""
    out, at = [], 0
    while at < len(data):
        long = data[at + 1] & 127 if data[at + 1] > 127 else 0
        size = int.from_bytes(data[at + 2:at + 2 + long]) if long else data[at + 1]
        start = at + 2 + long
        require(size < 128 or long, "a definite length")
        require(start + size <= len(data), "a whole element")
        out.append((data[at], data[start:start + size], data[at:start + size]))
        at = start + size
    return out

def dig(data: bytes, *path: int) -> bytes:
    for step in path:
        data = der(data)[step][1]
    return data

def oid(text: str) -> bytes:
    return bytes.fromhex(text)

def spki(cert: x509.Certificate) -> bytes:
    parts = der(dig(cert.tbs_certificate_bytes, 0))
    return parts[6 if parts[0][0] == 0xA0 else 5][2]

# JSON (RFC 8785), base64, times
LABEL = ("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")

def read_json(data: bytes) -> Any:  # noqa: ANN401
    require(len(data) <= MOST_JSON, "so long a text")
    text = data.decode()
    brackets = re.sub(r'"(?:[^"\\]|\\.)*"|[^][{}]', "", text)
    require(max(accumulate(1 if c in "[{" else -1 for c in brackets), default=0) <= MOST_DEPTH, "so deep a text")
    value = json.loads(text)
    require(canonical(value) == text, "canonical JSON")
    return value

def canonical(value: Any) -> str:  # noqa: ANN401 - of several keys of one name only the last is left, so the text differs
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{canonical(k)}:{canonical(value[k])}" for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) or (type(value) is int and abs(value) >= 1 << 53):
        return number(float(value))
    return json.dumps(value, ensure_ascii=False)

def number(value: float) -> str:
    require(math.isfinite(value), "a number")
    exact = Decimal(repr(value)).normalize() + 0
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return format(exact, "f")
    sign, figures, exponent = exact.as_tuple()
    text = "".join(map(str, figures))
    return f"{'-' * sign}{text[0]}{'.' * (len(text) > 1)}{text[1:]}e{int(exponent) + len(text) - 1:+d}"

def fits(value: Any, shape: Any) -> bool:  # noqa: ANN401
    """Say whether a value is of a shape: a type, a check, alternatives, [of each item], {name: shape} or (shapes, in turn)."""
    if isinstance(shape, type):
        return type(value) is shape
    if isinstance(shape, set):
        return any(value is s or fits(value, s) for s in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(v, shape[0]) for v in value)
    if isinstance(shape, tuple):
        return isinstance(value, list) and len(value) == len(shape) and all(map(fits, value, shape))
    if isinstance(shape, dict):
        return isinstance(value, dict) and value.keys() == shape.keys() and all(fits(value[k], shape[k]) for k in shape)
    return bool(shape(value))

def fitting(value: Any, shape: Any) -> Any:  # noqa: ANN401
    require(fits(value, shape), "another shape")
    return value

def require(condition: object, what: str) -> None:
    if not condition:
        raise ValueError(f"expected {what}")

def attempt(work: Callable[..., Any], *given: Any, **more: Any) -> Any:  # noqa: ANN401
    """Return what ``work`` returns, and False where it fails."""
    try:
        return work(*given, **more)
    except FAULTS:
        return False

def rising(values: list[Any]) -> bool:
    return all(a < b for a, b in pairwise(values))

def unbase64(text: str, size: int | None = None, *, url: bool = False) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4 if url else 0), b"-_" if url else b"+/", validate=True)
    again = base64.urlsafe_b64encode(raw).rstrip(b"=") if url else base64.b64encode(raw)
    require(again.decode() == text and size in (None, len(raw)), "base64 in its one form")
    return raw

def moment(text: str) -> datetime:
    require(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", text), "a time")
    return datetime.fromisoformat(text)

def told(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")

def is_hash(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, str) and attempt(unbase64, value, 32) is not False

def is_time(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, str) and attempt(moment, value) is not False

def is_hex(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None

def is_count(value: Any) -> bool:  # noqa: ANN401
    return type(value) is int and 0 <= value < 1 << 53

def is_salt(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, str) and len(attempt(unbase64, value, 16, url=True) or "") == 16

def is_texts(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())

LEAF = {"at": is_time, "fields": is_count, "kind": lambda v: isinstance(v, str) and v, "sha256": is_hash, "sm3": is_hash, "v": lambda v: v == 1}
FIELDS = {"disclosed": [str], "hidden": [{"sha256": is_hash, "sm3": is_hash}]}
DISCLOSURE = (is_salt, str, lambda _: True)
CONTENT = {"name": str, "bytes": is_count, "sha256": {None, is_hex}, "sm3": {None, is_hex}, "iscc": {None, str}, "labels": [{"place": str, "file": str}], "entry": is_count}
INDEX = {
    "format": lambda v: v == FORMAT, "created": is_time, "origin": str, "keys": [str],
    "entries": [{"index": is_count, "leaf": str, "fields": str, "proof": str}],
    "checkpoints": [{"size": is_count, "note": str, "stamps": [str], "consistency": [is_hash]}],
    "content": {None, lambda v: fits(v, CONTENT)}, "custody": [{"at": is_time, "by": str, "what": str}], "environment": is_texts,
    "files": [{"name": str, "sha256": is_hash, "sm3": is_hash}],
}

def main(arguments: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(description="Verify an evidence bundle, offline.")
    options.add_argument("bundle")
    options.add_argument("--key", action="append", default=[], help="of the log, as its owner gave it to you (c2sp.org/signed-note)")
    options.add_argument("--witness", action="append", default=[], help="key of a witness you know")
    options.add_argument("--root", action="append", default=[], help="PEM of a time-stamping authority's root you know")
    options.add_argument("--content", help="the file that the bundle tells of")
    options.add_argument("--json", action="store_true")
    given = options.parse_args(arguments)
    try:
        with open(given.bundle, "rb") as f:
            data = f.read(MOST_BYTES + 1)
        roots = tuple(open(name, "rb").read() for name in given.root)
        content = measured(given.content) if given.content else None
        report = verify(data, tuple(given.key), tuple(given.witness), roots, content)
    except (OSError, *FAULTS) as e:
        options.error(str(e))
    if given.json:
        print(json.dumps(asdict(report), ensure_ascii=False))
    else:
        print(report)
    return report.outcome == "broken"

def measured(name: str) -> tuple[int, str, str]:
    """Return the size of a file, its SHA-256 and its SM3."""
    with open(name, "rb") as f:
        data = f.read()
    return len(data), digest("sha256", data).hex(), digest("sm3", data).hex()

if __name__ == "__main__":
    sys.exit(main())

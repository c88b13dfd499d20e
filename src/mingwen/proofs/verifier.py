"""A verifier of evidence bundles (mingwen-evidence/1) in one file, to be read by whoever has to judge one, and to be run alone.

python verifier.py case.zip [--key VKEY] [--witness VKEY] [--root PEM] [--content FILE] [--json]
It needs Python 3.11 and the package ``cryptography``, no network, and nothing of the program that made the bundle. The format's
description numbers the steps of a verification: the functions bear the numbers and stand in that order, what they rest on below.
"""

# Hardly a blank line, so that the whole is few screens.
import argparse, base64, hashlib, json, math, re, struct, sys, zlib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, TypeAlias
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

MOST_BYTES, MOST_FILES, MOST_JSON, MOST_NOTE, MOST_TOKEN, MOST_DEPTH = 64 << 20, 10_000, 4 << 20, 1 << 20, 1 << 16, 64
MOST_KEYS, MOST_CHECKPOINTS, MOST_STAMPS, MOST_CERTIFICATES, MOST_SIGNATURES = 16, 16, 16, 6, 64
FORMAT, SLACK, SM2 = "mingwen-evidence/1", timedelta(minutes=5), b"\xffsm2-sm3"
PLAIN, KINDS = (b"\1", SM2), {b"\1": 32, b"\4": 32, b"\6": 1312, SM2: 65}  # types of signatures without a time; sizes of keys
FAULTS = (Exception,)  # whatever somebody's bundle leads to is a fault of the bundle
Row: TypeAlias = dict[str, Any]
Cert: TypeAlias = x509.Certificate
Point: TypeAlias = tuple[int, int, int]
Key = NamedTuple("Key", [("text", str), ("name", str), ("kind", bytes), ("public", bytes), ("id", bytes)])
Note = NamedTuple("Note", [("text", str), ("signatures", Row), ("origin", str), ("size", int), ("root", bytes)])


@dataclass
class Report:
    """What a verification found, and what it learned."""

    outcome: str = "broken"
    findings: list[Row] = field(default_factory=list)  # step, code, place, detail
    origin: str = ""
    created: str = ""
    keys: list[str] = field(default_factory=list)  # of the log: those that signed the bundle and every checkpoint
    entries: list[Row] = field(default_factory=list)  # what is disclosed, and between which times it was recorded
    attested: list[Row] = field(default_factory=list)  # time stamps and cosignatures that hold
    content: Row | None = None  # "bound": an entry discloses the digest of these very bytes
    custody: list[Row] = field(default_factory=list)
    environment: Row = field(default_factory=dict)

    def check(self, holds: object, step: int, code: str, place: str, detail: object = "") -> bool:
        self.findings += [] if holds else [{"step": step, "code": code, "place": place, "detail": str(detail)[:200]}]
        return bool(holds)


def verify(
    data: bytes,
    keys: tuple[str, ...] = (),
    witnesses: tuple[str, ...] = (),
    roots: tuple[bytes, ...] = (),
    content: tuple[int, str, str] | None = None,
) -> Report:
    """Verify a bundle; the reader may name the log's keys, witnesses, roots (PEM), and a file by size, SHA-256 and SM3 (hex)."""
    out, mine, named = Report(), [read_key(k) for k in keys], [read_key(k) for k in witnesses]
    trusted = [c for pem in roots for c in x509.load_pem_x509_certificates(pem)]
    files = step_1_form(out, data)
    index = step_1_index(out, files["bundle.json"]) if files else None
    if files is None or index is None:
        return out
    out.origin, out.created, out.custody, out.environment = (index[k] for k in ("origin", "created", "custody", "environment"))
    known = [read_key(k) for k in index["keys"]]
    log = [k for k in known if k.name == out.origin]
    signed = step_1_files(out, index, files, log)
    read = {row["name"]: files.get(row["name"], b"") for row in index["files"]}  # a missing file counts as empty
    checkpoints = [{**row, "read": attempt(read_checkpoint, read[row["note"]])} for row in index["checkpoints"]]
    for row in index["entries"]:
        leaf = step_2_leaf(out, row["leaf"], read[row["leaf"]])
        out.entries.append({"index": row["index"], **leaf, **step_3_fields(out, row["fields"], read[row["fields"]], leaf)})
    proven = [step_4_inclusion(out, row, read, [read[c["note"]] for c in checkpoints]) for row in index["entries"]]
    step_5_checkpoints(out, checkpoints, log, signed)
    step_6_one_log(out, checkpoints)
    step_7_witnesses(out, checkpoints, [k for k in known if k not in log], named, max(proven))
    for name, note in [(name, row["read"]) for row in checkpoints for name in row["stamps"]]:
        well = attempt(step_8_stamp, out, name, read[name], note, trusted) is None  # of what a token is made of, all may be odd
        out.check(well, 8, "stamp.malformed", name)
    step_9_times(out, index["entries"], bool(trusted), bool(named))
    step_10_content(out, index["content"], read, content)
    step_11_keys(out, log, signed, mine)
    out.outcome = "broken" if out.findings else "proven" if mine else "consistent"
    return out


def step_1_form(out: Report, data: bytes) -> dict[str, bytes] | None:  # 1. The archive
    files, at = list[tuple[str, bytes]](), 0
    while data[at : at + 4] == b"PK\3\4" and len(data) <= MOST_BYTES and len(files) <= MOST_FILES:
        size, name, extra = struct.unpack("<18xI4xHH", data[at : at + 30].ljust(30, b"\0"))
        start = at + 30 + name + extra
        files.append((data[at + 30 : at + 30 + name].decode("latin-1"), data[start : start + size]))
        at = start + size
    if not out.check(0 < len(files) <= MOST_FILES and at <= len(data), 1, "archive.malformed", "archive", len(data)):
        return None
    names, rest = [n for n, _ in files], sorted({n for n, _ in files} - {"bundle.json", "bundle.note"})
    well = names == ["bundle.json", "bundle.note", *rest] and all(NAME.fullmatch(n) for n in rest) and packed(files) == data
    return dict(files) if out.check(well, 1, "archive.not-canonical", "archive", ", ".join(names)) else None


def packed(files: list[tuple[str, bytes]]) -> bytes:
    local, directory = bytearray(), bytearray()
    for name, data in files:
        same = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
        directory += b"PK\1\2\x14\0" + same + struct.pack("<HHHII", 0, 0, 0, 0, len(local)) + name.encode("latin-1")
        local += b"PK\3\4" + same + name.encode("latin-1") + data
    return bytes(local + directory + struct.pack("<4s4xHHIIH", b"PK\5\6", len(files), len(files), len(directory), len(local), 0))


def step_1_index(out: Report, data: bytes) -> Row | None:
    try:
        index: Row = read_json(data, INDEX)
        keys, names, rows = [read_key(k) for k in index["keys"]], [f["name"] for f in index["files"]], index["checkpoints"]
        stamps, labels = [n for c in rows for n in c["stamps"]], (index["content"] or {"labels": []})["labels"]
        parts = [e[k] for e in index["entries"] for k in ("leaf", "fields", "proof")] + [c["note"] for c in rows]
        used = [*stamps, *parts, *(row["file"] for row in labels)]  # each once, which bounds the time
        require({*used} <= {*names} - {"bundle.json", "bundle.note"} and len({*used}) == len(used), "all files, each once")
        indices = [e["index"] for e in index["entries"]]
        require(indices and indices == sorted({*indices}) and names == sorted({*names}), "entries and files in order")
        require(0 < len(rows) <= MOST_CHECKPOINTS and len(stamps) <= MOST_STAMPS, "some checkpoints and stamps")
        require(len(set(keys)) == len(keys) <= MOST_KEYS, "keys, each once")
        require(any(k.name == index["origin"] and k.kind in PLAIN for k in keys), "a key of the log")
        require(all(k.name == index["origin"] or k.kind not in PLAIN for k in keys), "witnesses whose signatures tell the time")
    except FAULTS as e:
        out.check(None, 1, "archive.index", "bundle.json", e)
        return None
    return index


def step_1_files(out: Report, index: Row, files: dict[str, bytes], log: list[Key]) -> set[Key]:
    for row in index["files"]:
        if out.check(row["name"] in files, 1, "archive.file-missing", row["name"]):
            out.check(digests(files[row["name"]]) == (row["sha256"], row["sm3"]), 1, "archive.file-changed", row["name"])
    for name in sorted(files.keys() - {f["name"] for f in index["files"]} - {"bundle.json", "bundle.note"}):
        out.check(None, 1, "archive.file-extra", name)
    note = attempt(read_note, files["bundle.note"])
    text = "\n".join((FORMAT, *digests(files["bundle.json"]), ""))
    if not out.check(note and note.text == text, 1, "archive.note", "bundle.note"):
        return set()
    held = {k: signed_at(note, k) for k in log if k.kind in PLAIN}
    out.check(0 in held.values() and -1 not in held.values(), 1, "archive.signature", "bundle.note")
    return {k for k, at in held.items() if at == 0}


def step_2_leaf(out: Report, name: str, data: bytes) -> Row:  # 2. The entries
    leaf: Row = attempt(read_json, data, LEAF, 65_535) or {}
    out.check(leaf, 2, "entry.malformed", name)
    return leaf


def step_3_fields(out: Report, name: str, data: bytes, leaf: Row) -> Row:  # 3. The fields (RFC 9901 section 4.2)
    try:
        given = read_json(data, FIELDS)
        shown = [read_json(unbase64(text.translate(URL) + "=" * (-len(text) % 4)), DISCLOSURE) for text in given["disclosed"]]
        names, kept = [n.encode("utf-16-be") for _, n, _ in shown], [h["sha256"] for h in given["hidden"]]
        require(names == sorted(names) and kept == sorted({*kept}), "fields in order")
    except FAULTS as e:
        out.check(None, 3, "field.malformed", name, e)
        return {"disclosed": {}, "hidden": 0}
    out.check(len(set(names)) == len(names), 3, "field.duplicate", name)
    pairs = [digests(text.encode()) for text in given["disclosed"]] + [(h["sha256"], h["sm3"]) for h in given["hidden"]]
    out.check(not leaf or len(pairs) == leaf["fields"], 3, "field.count", name, len(pairs))
    for i, kind in enumerate(("sha256", "sm3")):
        together = digests(b"".join(sorted(unbase64(pair[i]) for pair in pairs)))[i]
        out.check(not leaf or together == leaf[kind], 3, f"field.{kind}", name)
    return {"disclosed": {n: value for _, n, value in shown}, "hidden": len(given["hidden"])}


# 4. Inclusion (c2sp.org/tlog-proof, RFC 6962 section 2.1.1)
def step_4_inclusion(out: Report, row: Row, read: dict[str, bytes], checkpoints: list[bytes]) -> int:
    try:
        head, _, text = read[row["proof"]].decode().partition("\n\n")
        magic, index, *path = head.split("\n")
        note, steps = read_checkpoint(text.encode()), [unbase64(line, 32) for line in path]
        require(magic == "c2sp.org/tlog-proof@v1" and re.fullmatch(f"index {NUMBER}", index) and len(path) < 64, "a proof")
    except FAULTS as e:
        out.check(None, 4, "proof.malformed", row["proof"], e)
        return 0
    if out.check(index == f"index {row['index']}" and text.encode() in checkpoints, 4, "proof.other", row["proof"]):
        leaf = hashlib.sha256(b"\0" + read[row["leaf"]]).digest()
        root = attempt(climb, row["index"], note.size, leaf, steps) if row["index"] < note.size else None
        out.check(root == note.root, 4, "proof.inclusion", row["proof"])
    return int(note.size)


def climb(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """Return the root of a tree of ``size`` to which ``path`` leads from the leaf at ``index``."""
    if size == 1:
        require(not path, "a shorter path")
        return leaf
    left = 1 << (size - 1).bit_length() - 1
    if index < left:
        return joined(climb(index, left, leaf, path[:-1]), path[-1])
    return joined(path[-1], climb(index - left, size - left, leaf, path[:-1]))


# 5. Checkpoints (c2sp.org/tlog-checkpoint)
def step_5_checkpoints(out: Report, rows: list[Row], log: list[Key], signed: set[Key]) -> None:
    for row in rows:
        if note := row["read"]:
            out.check(note.origin == out.origin, 5, "checkpoint.origin", row["note"], note.origin)
            out.check(note.size == row["size"], 5, "checkpoint.size", row["note"], note.size)
        for key in log if out.check(note, 5, "checkpoint.malformed", row["note"]) else ():
            at = signed_at(note, key)
            if at in (None, -1):
                out.check(None, 5, f"checkpoint.{'signature' if at else 'unsigned'}", row["note"], key.text[:80])
                signed.discard(key)


def step_6_one_log(out: Report, rows: list[Row]) -> None:  # 6. One log (RFC 6962 section 2.1.2)
    out.check(not rows[0]["consistency"], 6, "log.inconsistent", rows[0]["note"], "a proof from nothing")
    for before, row in pairwise(rows):
        old, new, path = before["read"], row["read"], [unbase64(line, 32) for line in row["consistency"]]
        if out.check(before["size"] < row["size"], 6, "log.order", row["note"]) and old and new:
            empty = not path and (hashlib.sha256().digest(), new.root)
            led = attempt(grow, old.size, new.size, path, old.root) if old.size else empty
            out.check(led == (old.root, new.root), 6, "log.inconsistent", row["note"])


def grow(old: int, new: int, path: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """Return the roots of both trees to which ``path`` leads; that of the old one is ``known`` as long as it is whole."""
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
def step_7_witnesses(out: Report, rows: list[Row], known: list[Key], named: list[Key], proven: int) -> None:
    for key in dict.fromkeys([*known, *named]):
        held = {row["note"]: (row["read"].size, signed_at(row["read"], key)) for row in rows if row["read"]}
        for name, (size, at) in held.items():
            if out.check(at != -1, 7, "witness.signature", name, key.text[:80]) and at is not None:
                time = written(datetime.fromtimestamp(at, UTC)) if 0 < at < 1 << 35 else None  # 0 says nothing of the time
                out.attested.append({"kind": "cosignature", "size": size, "at": time, "by": key.name, "named": key in named})
        reached = any(at not in (None, -1) and size >= proven for size, at in held.values())
        out.check(key not in named or reached, 7, "witness.missing", key.name)


# 8. Time stamps (RFC 3161, RFC 5652, RFC 5280; revocation is not looked up)
def step_8_stamp(out: Report, name: str, data: bytes, note: Note, trusted: list[Cert]) -> None:
    found, token = len(out.findings), read_token(data)
    over = note and attempt(digest, token["imprint_by"], note.text.encode())
    out.check(over and over == token["imprint"], 8, "stamp.imprint", name)
    signer, pool = token["signer"], token["certificates"]
    if not out.check(signer and token["agrees"] and verified(part(signer, 6), *token["signed"]), 8, "stamp.signature", name):
        return
    out.check(attempt(stamps_only, signer), 8, "stamp.purpose", name, signer.subject.rfc4514_string())
    root = chain(signer, pool, trusted, token["at"])
    if out.check(root, 8, "stamp.chain", name, signer.subject.rfc4514_string()) and root:
        out.check(not trusted or root in trusted, 8, "stamp.untrusted", name, root.subject.rfc4514_string())
        about = {"root": root.subject.rfc4514_string(), "root_sha256": root.fingerprint(hashes.SHA256()).hex(), "file": name}
        if len(out.findings) == found:
            out.attested.append(
                {
                    "kind": "stamp",
                    "size": note.size,
                    "at": written(token["at"]),
                    "named": root in trusted,
                    "by": signer.subject.rfc4514_string(),
                    **about,
                }
            )


def read_token(data: bytes) -> Row:
    kind, wrapped = fields(only(data if len(data) <= MOST_TOKEN else b"", 0x30), 0x06, 0xA0)
    row = der(only(wrapped, 0x30), 0x02, 0x31, 0x30)
    held = [whole for _, _, whole in der(row.pop(3)[1])] if row[3][0] == 0xA0 else []
    require(len(row) == 4 and row[3][0] == 0x31 and len(held) <= MOST_CERTIFICATES, "one signer, no revocation lists")
    sort, inside = fields(row[2][1], 0x06, 0xA0)
    content, (_, _, *signer) = only(inside, 0x04), der(only(row[3][1], 0x30), 0x02)
    (by, attributes, scheme, signature), info = [e[1] for e in signer], der(only(content, 0x30), 0x02, 0x06, 0x30, 0x02, 0x18)
    pairs, (algorithm, imprint) = [fields(a, 0x06, 0x31) for _, a, _ in der(attributes)], fields(info[2][1], 0x30, 0x04)
    said = {name: der(values)[0] for name, values in pairs if len(der(values)) == 1}
    require((kind, sort, info[0][1]) == (PKCS7 + b"\7\2", TST_INFO, b"\1"), "a TSTInfo of version 1")
    require([e[0] for e in signer] == [0x30, 0xA0, 0x30, 0x04] and len(said) == len(pairs), "signed attributes alone, each once")
    new = said.get(PKCS9 + b"\x10\2\x2f")  # SigningCertificateV2 (RFC 5035), else SigningCertificate (RFC 2634)
    ids = der(der(der((new or said[PKCS9 + b"\x10\2\x0c"])[1], 0x30)[0][1], 0x30)[0][1])
    ess_by = DIGESTS[named(ids.pop(0)[1])] if ids[0][0] == 0x30 else "sha256" if new else "sha1"
    certs, digest_by = [c for c in (attempt(x509.load_der_x509_certificate, c) for c in held) if c], DIGESTS[named(by)]
    figures, fraction = re.fullmatch(r"([0-9]{14})(?:\.([0-9]+))?Z", info[4][1].decode()).groups("")  # type: ignore[union-attr]
    agrees = said[PKCS9 + b"\3"][2] == b"\6\x0b" + TST_INFO, said[PKCS9 + b"\4"][:2] == (0x04, digest(digest_by, content))
    return {
        "imprint": imprint,
        "imprint_by": DIGESTS.get(named(algorithm)),
        "certificates": certs,
        "agrees": all(agrees),
        "at": datetime.strptime(f"{figures}{fraction[:6]:0<6}+0000", "%Y%m%d%H%M%S%f%z"),
        "signer": next((c for c in certs if (0x04, digest(ess_by, c.public_bytes(Encoding.DER))) == ids[0][:2]), None),
        "signed": (named(scheme), digest_by, signature, b"\x31" + signer[1][2][1:]),
    }


def chain(signer: Cert, pool: list[Cert], trusted: list[Cert], at: datetime) -> Cert | None:
    """Return the root to which the shortest way leads: one of the reader's, else one that signed itself."""
    ways, seen, end = [[signer]] if attempt(usable, signer, at) else [], {signer}, None
    for way in ways:  # which grows, and comes to each certificate once
        if way[-1] in trusted:
            return way[-1]
        end = end or (way[-1] if issued(way[-1], way[-1]) else None)
        for c in [*trusted, *pool]:
            if c not in seen and attempt(usable, c, at) and attempt(may_issue, c, way) and issued(way[-1], c):
                seen.add(c)
                ways.append([*way, c])
    return end


def usable(cert: Cert, at: datetime) -> bool:
    odd = any(e.critical and e.oid.dotted_string not in UNDERSTOOD for e in cert.extensions)
    return not odd and cert.not_valid_before_utc <= at <= cert.not_valid_after_utc


def stamps_only(cert: Cert) -> bool:
    (uses,), usage = extension(cert, x509.ExtendedKeyUsage), extension(cert, x509.KeyUsage)
    may_sign = not usage or usage[0].value.digital_signature or usage[0].value.content_commitment
    return uses.critical and [u.dotted_string for u in uses.value] == [TIME_STAMPING] and may_sign


def may_issue(issuer: Cert, way: list[Cert]) -> bool:
    (basic,), usage = extension(issuer, x509.BasicConstraints), extension(issuer, x509.KeyUsage)
    between = sum(part(c, 3) != part(c, 5) for c in way[1:])  # those that issued themselves do not count
    uses = {u.dotted_string for e in extension(issuer, x509.ExtendedKeyUsage) for u in e.value}
    short = basic.value.path_length is None or between <= basic.value.path_length
    may_sign = not usage or usage[0].value.key_cert_sign
    return basic.value.ca and short and may_sign and (not uses or bool({TIME_STAMPING, ANY} & uses))


def extension(cert: Cert, kind: type) -> list[Any]:
    return [e for e in cert.extensions if isinstance(e.value, kind)]


def issued(cert: Cert, issuer: Cert) -> bool:
    key, by = part(issuer, 6), attempt(lambda: cert.signature_hash_algorithm)
    if key.startswith(SM2_SPKI) or part(cert, 3) != part(issuer, 5):
        return part(cert, 3) == part(issuer, 5) and verified(key, SM2_SM3, "sm3", cert.signature, cert.tbs_certificate_bytes)
    usual = by is None or (by and by.name in ("sha256", "sha384", "sha512"))
    return bool(usual and attempt(strong, key)) and attempt(cert.verify_directly_issued_by, issuer) is None  # it raises otherwise


# 9. Times
def step_9_times(out: Report, rows: list[Row], trusted: bool, named: bool) -> None:  # noqa: FBT001
    counted = [a for a in out.attested if a["at"] and (a["named"] or not (trusted if a["kind"] == "stamp" else named))]
    for row, entry in zip(rows, out.entries, strict=True):
        after = max((a for a in counted if a["size"] <= row["index"]), key=lambda a: a["at"], default=None)
        before = min((a for a in counted if a["size"] > row["index"]), key=lambda a: a["at"], default=None)
        entry |= {"after": after, "before": before}
        at = moment(entry["at"]) if "at" in entry else None
        out.check(not (at and before) or at - moment(before["at"]) <= SLACK, 9, "time.future", row["leaf"], before)
        out.check(not (at and after) or moment(after["at"]) - at <= SLACK, 9, "time.backdated", row["leaf"], after)


# 10. The content
def step_10_content(out: Report, content: Row | None, read: dict[str, bytes], file: tuple[int, str, str] | None) -> None:
    if content:
        said = next((e["disclosed"] for e in out.entries if e["index"] == content["entry"]), None)
        out.check(said is not None, 10, "content.entry", str(content["entry"]))
        same = [said[name] == content[name] for name in ("sha256", "sm3") if name in (said or {}) and content[name]]  # type: ignore[index]
        out.check(all(same), 10, "content.digest", content["name"])
        labels = [attempt(label, read[row["file"]].decode("utf-8", "replace")) for row in content["labels"]]
        wanted = attempt(label, said["label"]) if said and labels and "label" in said else None
        out.check(wanted is None or (wanted and wanted in labels), 10, "content.label", content["name"])
        out.content = {**content, "bound": any(same) and all(same)}
    known = content or {"bytes": None, "sha256": None, "sm3": None}
    pairs = [(known[name], value) for name, value in zip(("bytes", "sha256", "sm3"), file or (), strict=False)]
    equal = all(a in (None, b) for a, b in pairs) and any(a for a, _ in pairs[1:])
    out.check(not file or equal, 10, "content.other", "content", file and file[1])


def label(text: str) -> list[str]:
    require(text.count("{") + text.count("[") <= MOST_DEPTH, "so deep a label")
    found = json.loads(text, parse_int=float, parse_constant=int)  # NaN is no JSON; how large a number is says nothing
    made = [found.get("AIGC", found).get(name, "") for name in LABEL]
    require(all(isinstance(value, str) for value in made), "texts in the seven fields")
    return made


def step_11_keys(out: Report, log: list[Key], signed: set[Key], mine: list[Key]) -> None:  # 11. Keys
    out.keys = [k.text for k in log if k in signed and all(f["code"] != "checkpoint.malformed" for f in out.findings)]
    for key in mine:
        out.check(key.text in out.keys, 11, "key.untrusted", key.name, key.text[:80])


# What the steps rest on: keys, notes and checkpoints (c2sp.org/signed-note)
def read_key(text: str) -> Key:
    name, number, data = (*text.split("+", 2), "", "")[:3]
    raw, mark = unbase64(data), name.encode() + b"\n"
    kind = next((k for k in KINDS if raw.startswith(k) and len(raw) == len(k) + KINDS[k]), b"")
    require(kind, f"a verifier key, name+id+base64, not {text[:80]!r}")
    made = Key(text, name, kind, raw[len(kind) :], hashlib.sha256(mark + raw).digest()[:4])
    require(made.id.hex() == number and re.fullmatch(r"[^\s+]{1,255}", name), "a verifier key")
    return made


def read_note(data: bytes) -> Note:
    require(len(data) <= MOST_NOTE and not re.search(rb"[\0-\x09\x0b-\x1f]", data), "a note")
    text, gap, below = data.decode().rpartition("\n\n")
    lines = [re.fullmatch("\u2014 ([^\\s+]{1,255}) ([A-Za-z0-9+/=]{8,})", line) for line in below.removesuffix("\n").split("\n")]
    signatures = {f"{m[1]}+{unbase64(m[2])[:4].hex()}": unbase64(m[2])[4:] for m in lines if m}
    require(gap and below.endswith("\n"), "a text, an empty line, and lines of signatures")
    require(len(signatures) == len(lines) <= MOST_SIGNATURES and all(signatures.values()), "a signature a line, each key once")
    return Note(text + "\n", signatures, "", -1, b"")


def read_checkpoint(data: bytes) -> Note:
    note = read_note(data)
    origin, size, root, last = note.text.split("\n")
    require(origin and not last and re.fullmatch(NUMBER, size), "three lines")
    return note._replace(origin=origin, size=int(size), root=unbase64(root, 32))


def signed_at(note: Note, key: Key) -> int | None:
    """Return None where the key did not sign, -1 where its signature does not hold, else its time, 0 for kinds without."""
    value = note.signatures.get(f"{key.name}+{key.id.hex()}")
    if value is None:
        return None
    at, message, mine, theirs = 0, note.text.encode(), key.name.encode(), note.origin.encode()
    if key.kind not in PLAIN:
        at, value = int.from_bytes(value[:8]), value[8:]
        message = f"cosignature/v1\ntime {at}\n{note.text}".encode()
    if key.kind == b"\6" and len(mine) < 256 > len(theirs):
        names = bytes([len(mine)]) + mine + struct.pack(">Q", at) + bytes([len(theirs)]) + theirs
        message = b"subtree/v1\n\0" + names + struct.pack(">QQ", 0, note.size) + note.root
    spki_der = (SM2_SPKI if key.kind == SM2 else key.kind) + key.public
    return at if at < 1 << 63 and verified(spki_der, SM2_SM3, "sm3", value, message) else -1


# Signatures and digests
PKCS7, PKCS9 = bytes.fromhex("2a864886f70d01"), bytes.fromhex("2a864886f70d0109")  # prefixes of object identifiers
TST_INFO, SM2_SPKI = PKCS9 + b"\x10\1\4", bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
DIGESTS = {bytes.fromhex("60864801650304020" + k): v for k, v in (("1", "sha256"), ("2", "sha384"), ("3", "sha512"))}
DIGESTS[bytes.fromhex("2a811ccf55018311")] = "sm3"
PKCS1, ECDSA, SM2_SM3 = PKCS7 + b"\1", bytes.fromhex("2a8648ce3d0403"), bytes.fromhex("2a811ccf55018375")
SCHEMES = {PKCS1 + b"\1": "rsa sha256 sha384 sha512", SM2_SM3: "sm2 sm3"}  # kind of key and digests, by how a token is signed
for number, by in enumerate(("sha256", "sha384", "sha512")):
    SCHEMES |= {PKCS1 + bytes([11 + number]): f"rsa {by}", ECDSA + bytes([2 + number]): f"ec {by}"}
EC = "06072a8648ce3d020106"  # the curves are P-256, P-384, P-521
KEYS = {
    "300d06092a864886f70d0101010500": "rsa",
    "300506032b6570": "ed25519",
    f"3013{EC}082a811ccf5501822d": "sm2",
    f"3013{EC}082a8648ce3d030107": "ec",
    f"3010{EC}052b81040022": "ec",
    f"3010{EC}052b81040023": "ec",
}
TIME_STAMPING, ANY = "1.3.6.1.5.5.7.3.8", "2.5.29.37.0"
UNDERSTOOD = ("2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.14", "2.5.29.32")  # other critical extensions spoil a certificate
HASHES: Row = {k: getattr(hashes, k.upper())() for k in ("sha256", "sha384", "sha512", "sm3", "sha1")}
P, N = 2**256 - 2**224 - 2**96 + 2**64 - 1, 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123  # GB/T 32918.5
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)


def digest(name: str | None, data: bytes) -> bytes:
    made = hashes.Hash(HASHES[name or ""])
    made.update(data)
    return made.finalize()


def digests(data: bytes) -> tuple[str, str]:
    return base64.b64encode(digest("sha256", data)).decode(), base64.b64encode(digest("sm3", data)).decode()


def joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def verified(key: bytes, scheme: bytes, by: str, signature: bytes, message: bytes) -> bool:
    """Say whether a signature holds, by a key in DER, or by one of a note behind its type, which has no scheme."""
    try:
        if key[:1] in (b"\1", b"\4", b"\6"):
            public = mldsa.MLDSA44PublicKey if key[:1] == b"\6" else ed25519.Ed25519PublicKey
            return public.from_public_bytes(key[1:]).verify(signature, message) is None  # it raises otherwise
        kind, *hashed = SCHEMES[scheme].split()
        require(kind == strong(key) and by in hashed, "a key and a digest that go with how it is signed")
        how = (padding.PKCS1v15(), HASHES[by]) if kind == "rsa" else (ec.ECDSA(HASHES[by]),)
        return sm2(key[-65:], signature, message) if kind == "sm2" else loaded(key).verify(signature, message, *how) is None
    except FAULTS:
        return False


def strong(key: bytes) -> str:
    """Return which kind of key it is, of those that are taken."""
    kind = KEYS[der(only(key, 0x30))[0][2].hex()]
    require(kind != "rsa" or 2048 <= loaded(key).key_size <= 16_384, "a key of 2048 bits")
    return kind


def loaded(key: bytes) -> Any:  # noqa: ANN401
    return load_der_public_key(key)


def sm2(public: bytes, signature: bytes, message: bytes) -> bool:
    """Verify as GB/T 32918.2 section 7 does, with the user id of GB/T 35276; the signature is DER."""
    numbers = fields(only(signature, 0x30), 0x02, 0x02)
    require(all(n[0] < 128 and (n[0] or n[1:2] > b"\x7f") for n in numbers), "numbers in their one form")
    r, s = map(int.from_bytes, numbers)
    x, y = int.from_bytes(public[1:33]), int.from_bytes(public[33:])
    about = b"\0\x80" + b"1234567812345678" + b"".join(v.to_bytes(32) for v in (P - 3, B, *G)) + public[1:]
    e, t = int.from_bytes(digest("sm3", digest("sm3", about) + message)), (r + s) % N
    if public[0] != 4 or not (0 < r < N and 0 < s < N and t and max(x, y) < P) or (y * y - x**3 + 3 * x - B) % P:
        return False
    terms, total = {0: (1, 1, 0), 1: (*G, 1), 2: (x, y, 1), 3: added((*G, 1), (x, y, 1))}, (1, 1, 0)
    for bit in range(255, -1, -1):
        total = added(added(total, total), terms[(s >> bit & 1) | (t >> bit & 1) << 1])
    return bool(total[2]) and (e + total[0] * pow(total[2], -2, P) % P) % N == r


def added(a: Point, b: Point) -> Point:
    """Add points in Jacobian coordinates (x/z^2, y/z^3), which spares divisions; z is 0 at infinity."""
    (x, y, z), (x2, y2, z2) = a, b
    if not (z and z2):
        return a if z else b
    if a is not b:
        u, v, w, w2 = x * z2 * z2 % P, y * z2 % P * z2 % P * z2 % P, z * z % P, z2 * z % P
        h, r = (x2 * w - u) % P, (y2 * w % P * z - v) % P
        square = h * h % P
        if h:
            made = (r * r - square * h - 2 * u * square) % P
            return made, (r * (u * square - made) - v * square % P * h) % P, h * w2 % P
        if r:
            return 1, 1, 0
    four, slope = 4 * y * y % P, 3 * (x - z * z) * (x + z * z) % P
    made = (slope * slope - 2 * x * four) % P
    return made, (slope * (x * four - made) - 8 * pow(y, 4, P)) % P, 2 * y * z % P


def der(data: bytes, *tags: int) -> list[tuple[int, bytes, bytes]]:
    """Split a row of elements (ITU-T X.690) into (tag, content, whole); the first ones have these tags."""
    out, at = [], 0
    while at < len(data):
        size, more = data[at + 1], max(0, data[at + 1] - 128)
        start = at + 2 + more
        end = start + (int.from_bytes(data[at + 2 : start]) if more else size)
        shortest = size < 128 or (0 < more < 5 and data[at + 2] and end - start > 127)
        require(shortest and data[at] & 31 != 31 and end <= len(data), "a whole element in DER")
        out.append((data[at], data[start:end], data[at:end]))
        at = end
    require([e[0] for e in out[: len(tags)]] == [*tags], "elements of these kinds")
    return out


def fields(data: bytes, *tags: int) -> list[bytes]:
    require(len(row := der(data, *tags)) == len(tags), "no more elements")
    return [content for _, content, _ in row]


def only(data: bytes, tag: int) -> bytes:
    return fields(data, tag)[0]


def named(algorithm: bytes) -> bytes:
    row = der(algorithm, 0x06)
    require([whole for _, _, whole in row[1:]] in ([], [b"\5\0"]), "no parameters")
    return row[0][1]


def part(cert: Cert, place: int) -> bytes:
    """Return the issuer (3), the subject (5) or the key (6)."""
    row = der(only(cert.tbs_certificate_bytes, 0x30))
    return row[place if row[0][0] == 0xA0 else place - 1][2]


# JSON (RFC 8785), base64, times
def read_json(data: bytes, shape: object, most: int = MOST_JSON) -> Any:  # noqa: ANN401
    text = data.decode() if len(data) <= most else ""
    brackets = re.sub(r'(?s)"(?:[^"\\]|\\.)*+"?|[^][{}"]+', "", text)  # each letter once, whatever is not closed
    require(max(accumulate(1 if c in "[{" else -1 for c in brackets), default=0) <= MOST_DEPTH, "so deep a text")
    value = json.loads(text)
    require(canonical(value) == text and fits(value, shape), "canonical JSON of its shape")
    return value


def canonical(value: Any) -> str:  # noqa: ANN401 - of two keys of one name only the last is left, so the text differs
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: k.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(k)}:{canonical(value[k])}" for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if not isinstance(value, float) and (type(value) is not int or abs(value) < 1 << 53):
        return PLAINLY(value)
    exact = Decimal(repr(float(value))).normalize() + 0
    require(math.isfinite(value), "a number")
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return format(exact, "f")
    sign, figures, exponent = exact.as_tuple()
    text = "".join(map(str, figures))
    return f"{'-' * sign}{text[0]}{'.' * (len(text) > 1)}{text[1:]}e{int(exponent) + len(text) - 1:+d}"


def fits(value: Any, shape: Any) -> bool:  # noqa: ANN401
    """Say whether a value is of a shape: {name: shape}, [of each], (of each in turn), a type, a pattern, or a check."""
    if isinstance(shape, dict):
        return isinstance(value, dict) and value.keys() == shape.keys() and all(fits(value[k], shape[k]) for k in shape)
    if isinstance(shape, list | tuple):
        shapes = shape * len(value) if isinstance(shape, list) and isinstance(value, list) else shape
        return isinstance(value, list) and len(value) == len(shapes) and all(map(fits, value, shapes))
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    return type(value) is shape if isinstance(shape, type) else bool(shape(value))


def require(condition: object, what: str) -> None:
    if not condition:
        raise ValueError(f"expected {what}")


def attempt(work: Any, *given: Any) -> Any:  # noqa: ANN401
    """Return what ``work`` returns, and False where it fails."""
    try:
        return work(*given)
    except FAULTS:
        return False


def unbase64(text: str, size: int | None = None) -> bytes:
    raw = base64.b64decode(text, validate=True)
    require(base64.b64encode(raw).decode() == text and size in (None, len(raw)), "base64 in its one form")
    return raw


def moment(text: str) -> datetime:
    require(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", text), "a time")
    return datetime.fromisoformat(text)


def written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


LABEL = ("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")
URL, PLAINLY = str.maketrans("-_+/=", "+/   "), json.JSONEncoder(ensure_ascii=False).encode  # base64url to base64; JSON
NUMBER, NAME = "(?:0|[1-9][0-9]{0,18})", re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
HASH, HEX = re.compile("[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="), re.compile("[0-9a-f]{64}")  # 32 bytes
SALT, TEXT = re.compile("[A-Za-z0-9_-]{21}[AQgw]"), re.compile("(?s:.+)")  # 16 bytes
A_TIME, A_COUNT = (lambda v: isinstance(v, str) and attempt(moment, v)), (lambda v: type(v) is int and 0 <= v < 1 << 53)
OR_HEX, OR_TEXT = (lambda v: v is None or fits(v, HEX)), (lambda v: v is None or isinstance(v, str))
LEAF = {"at": A_TIME, "fields": A_COUNT, "kind": TEXT, "sha256": HASH, "sm3": HASH, "v": lambda v: type(v) is int and v == 1}
FIELDS, DISCLOSURE = {"disclosed": [str], "hidden": [{"sha256": HASH, "sm3": HASH}]}, (SALT, str, lambda _: True)
CONTENT = {
    "name": str,
    "bytes": A_COUNT,
    "sha256": OR_HEX,
    "sm3": OR_HEX,
    "iscc": OR_TEXT,
    "labels": [{"place": str, "file": str}],
    "entry": A_COUNT,
}
INDEX = {
    "format": re.compile(FORMAT),
    "created": A_TIME,
    "origin": TEXT,
    "keys": [str],
    "content": lambda v: v is None or fits(v, CONTENT),
    "custody": [{"at": A_TIME, "by": str, "what": str}],
    "checkpoints": [{"size": A_COUNT, "note": str, "stamps": [str], "consistency": [HASH]}],
    "entries": [{"index": A_COUNT, "leaf": str, "fields": str, "proof": str}],
    "files": [{"name": str, "sha256": HASH, "sm3": HASH}],
    "environment": lambda v: isinstance(v, dict) and all(isinstance(text, str) for text in v.values()),
}


def main() -> int:
    options = argparse.ArgumentParser(description="Verify an evidence bundle, offline.")
    options.add_argument("bundle")
    options.add_argument("--content", help="the file that the bundle tells of")
    options.add_argument("--json", action="store_true", help="print one line")
    for flag, text in (("--key", "of the log, from its owner"), ("--witness", "key of one you know"), ("--root", "PEM file")):
        options.add_argument(flag, action="append", default=[], help=text)
    given = options.parse_args()
    try:
        data, *roots = (open(name, "rb").read(MOST_BYTES + 1) for name in (given.bundle, *given.root))  # noqa: PTH123, SIM115
        file = open(given.content, "rb").read() if given.content else b""  # noqa: PTH123, SIM115
        content = (len(file), digest("sha256", file).hex(), digest("sm3", file).hex()) if given.content else None
        report = verify(data, tuple(given.key), tuple(given.witness), tuple(roots), content)
    except (OSError, *FAULTS) as e:
        options.error(str(e))
    print(json.dumps(asdict(report), ensure_ascii=True, indent=None if given.json else 1))
    return report.outcome == "broken"


if __name__ == "__main__":
    sys.exit(main())

"""The page that verifies a bundle, in a real Chromium: it finds what the verifier in Python finds, and shows it to people."""

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from chromium import Browser, needed
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from mingwen.adapters.signers import sm2
from mingwen.domain.digests import sha256, sm3
from mingwen.domain.evidence import Published, Stamp
from mingwen.proofs import bundle, leaves, merkle, notes, verifier, words

pytestmark = needed

PAGE = Path(str(resources("mingwen.proofs") / "verify.html"))
VECTORS = Path(__file__).parents[1] / "vectors" / "bundles"
ORIGIN = "log.example/mingwen"
HOSTILE = '<img src="https://evil.example/x" onerror="window.hurt=1"><script>window.hurt=1</script>'
FILE = "二〇二六年的一张图片。\n".encode() * 40
LABEL = (
    '{"AIGC":{"Label":"1","ContentProducer":"001191110000MA00000X","ProduceID":"p-1","ReservedCode1":"",'
    '"ContentPropagator":"","PropagateID":"","ReservedCode2":""}}'
)
NOW = datetime.now(UTC).replace(microsecond=0)
Sign: TypeAlias = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Pen:
    """A key that signs notes."""

    key: notes.Key
    sign: Sign

    def line(self, text: str, at: datetime | None = None) -> str:
        seconds = int(at.timestamp()) if at else None
        raw = self.sign(notes.message(text, self.key, seconds))
        return str(notes.Signature(self.key.name, self.key.id, notes.value(self.key, seconds, raw)))


def ed25519(name: str, kind: notes.Kind = notes.Kind.ED25519) -> Pen:
    secret = Ed25519PrivateKey.generate()
    return Pen(notes.Key(name, kind, secret.public_key().public_bytes_raw()), secret.sign)


def ml_dsa(name: str) -> Pen:
    secret = MLDSA44PrivateKey.generate()
    return Pen(notes.Key(name, notes.Kind.ML_DSA_44, secret.public_key().public_bytes_raw()), secret.sign)


def chinese(name: str) -> Pen:
    signer = sm2.load_private(sm2.new_key()[0])
    return Pen(notes.Key(name, notes.Kind.SM2, signer.public_point), signer.sign)


class Authority:
    """A time-stamping authority by OpenSSL, with a key of some kind."""

    def __init__(self, folder: Path, *new: str, digest: str = "sha256") -> None:
        self.folder, self.digest = folder, digest
        (folder / "tsa.cnf").write_text(
            "[t]\nserial=serial\nsigner_cert=tsa.pem\ncerts=root.pem\nsigner_key=tsa.key\ndefault_policy=1.2.3.4\n"
            f"signer_digest={digest}\ndigests=sha256,sha384,sha512,sm3\ness_cert_id_alg=sha256\n"
            "[leaf]\nbasicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
            "[req]\ndistinguished_name=dn\nx509_extensions=ca\n[dn]\n[ca]\nbasicConstraints=critical,CA:true\n"
            "keyUsage=critical,keyCertSign\n"
        )
        made = ("-newkey", *new, "-noenc", "-config", "tsa.cnf", f"-{digest}")
        self.openssl("req", "-x509", *made, "-subj", "/O=TEST ONLY/CN=Test root", "-keyout", "root.key", "-out", "root.pem")
        self.openssl("req", *made, "-subj", "/O=TEST ONLY/CN=时间戳 Test stamps", "-utf8", "-keyout", "tsa.key", "-out", "tsa.csr")
        under = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", "leaf")
        self.openssl("x509", "-req", "-in", "tsa.csr", *under, f"-{digest}", "-out", "tsa.pem")
        (folder / "serial").write_text("01")

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def openssl(self, *arguments: str, given: bytes = b"") -> bytes:
        return subprocess.run(("openssl", *arguments), cwd=self.folder, check=True, capture_output=True, input=given).stdout

    def stamp(self, data: bytes) -> bytes:
        (self.folder / "data").write_bytes(data)
        asked = self.openssl("ts", "-query", "-data", "data", "-cert", f"-{self.digest}")
        (self.folder / "ask").write_bytes(asked)
        return self.openssl("ts", "-reply", "-config", "tsa.cnf", "-section", "t", "-queryfile", "ask", "-token_out")


@dataclass(frozen=True)
class Log:
    """A log of seven entries, with its keys, its witnesses and the bundle of one entry."""

    pens: tuple[Pen, ...]
    witnesses: tuple[Pen, ...]
    stamp: Callable[[bytes], bytes] | None = None
    at: datetime = NOW
    subject: str = "p-1"
    extra: bytes = FILE

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(str(pen.key) for pen in (*self.pens, *self.witnesses))

    def case(self) -> bytes:
        """Return a bundle of entry 4, proven in the tree of 6, with checkpoints at 2, 6 and 7."""
        values = {"subject": self.subject, "by": "明文", "file": "picture.png", "sha256": sha256(FILE).hex(), "label": LABEL, "model": "m"}
        opened = leaves.disclosures(values, bytes(range(16 * len(values))))
        told = tuple(d for d in opened if b'"model"' not in base64.urlsafe_b64decode(d + "=="))
        hidden = tuple(leaves.digests(d) for d in opened if d not in told)
        leaf = leaves.leaf("label.produced", self.at, [leaves.digests(d) for d in opened])
        hashes = [merkle.leaf_hash(leaf if i == 4 else bytes([i])) for i in range(7)]

        def node(level: int, number: int) -> bytes:
            return merkle.Edge().grown(hashes[number << level : number + 1 << level]).root

        heads = tuple(self._head(size, merkle.root(size, node), NOW + timedelta(minutes=size - 4)) for size in (2, 6, 7))
        path = [base64.b64encode(h).decode() for h in merkle.inclusion(4, 6, node)]
        proof = "\n".join(("c2sp.org/tlog-proof@v1", "index 4", *path, "", heads[1].published.note))
        content = bundle.Content(
            "picture.png", len(FILE), sha256(FILE).hex(), sm3(FILE).hex(), None, (bundle.Label("PNG, tEXt <AIGC>", LABEL.encode()),), 4
        )
        case = bundle.Case(
            created=NOW,
            origin=ORIGIN,
            keys=self.keys,
            acts=(bundle.Act(4, self.at, "label.produced", values, 1, leaf),),
            heads=heads,
            content=content,
            custody=(bundle.Handover(NOW, "张三", "从平台导出"), bundle.Handover(NOW, HOSTILE, "took it to the court")),
            environment={"software": "mingwen 0.1.0", "clock": "NTP, 3 ms", "host": HOSTILE},
        )
        grown = [merkle.consistency(2, 6, node), merkle.consistency(6, 7, node)]
        made = bundle.files(case, [bundle.Evidence(told, hidden, proof)], grown, {"report.txt": self.extra})
        text = bundle.note(made["bundle.json"])
        return bundle.packed({**made, "bundle.note": f"{text}\n{''.join(p.line(text) for p in self.pens)}".encode()})

    def _head(self, size: int, root: bytes, at: datetime) -> bundle.Head:
        text = notes.Checkpoint(ORIGIN, size, root).text
        lines = "".join([*(pen.line(text) for pen in self.pens), *(w.line(text, at) for w in self.witnesses)])
        stamps = (Stamp("https://tsa.example", self.stamp(text.encode()), at),) if self.stamp and size > 2 else ()
        return bundle.Head(Published(size, f"{text}\n{lines}", at, stamps))


class Window:
    """The page, in a browser."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def judge(
        self, path: Path, keys: tuple[str, ...] = (), witnesses: tuple[str, ...] = (), roots: tuple[Path, ...] = (), content: Path | None = None
    ) -> dict[str, Any]:
        """Let the page verify a bundle with what its reader knows."""
        known = json.dumps({"keys": "\n".join(keys), "witnesses": "\n".join(witnesses), "content": "", "roots": "", "bundle": ""})
        self.browser.evaluate(f"for (const [id, value] of Object.entries({known})) document.getElementById(id).value = value")
        for selector, chosen in (("#roots", roots), ("#content", (content,) if content else ())):
            if chosen:
                self.browser.choose(selector, *chosen)
        self.browser.evaluate("window.mingwenResult = null")
        self.browser.choose("#bundle", path)
        wait = "new Promise(r => { const look = () => mingwenResult ? r(mingwenResult) : setTimeout(look, 2); look(); })"
        return dict(self.browser.evaluate(wait))

    @property
    def text(self) -> str:
        return str(self.browser.evaluate("document.body.innerText"))


def codes(result: dict[str, Any]) -> set[str]:
    return {f["code"] for f in result["findings"]}


def agreed(window: Window, path: Path, **known: Any) -> dict[str, Any]:
    """Let the page and the verifier in Python judge, who have to agree on each fault and its place, and return what the page says."""
    result = window.judge(path, **known)
    content = known.get("content")
    report = verifier.verify(
        path.read_bytes(),
        keys=known.get("keys", ()),
        witnesses=known.get("witnesses", ()),
        roots=tuple(root.read_bytes() for root in known.get("roots", ())),
        content=verifier.measured(str(content)) if content else None,
    )
    theirs = {(f["step"], f["code"], f["place"]) for f in report.findings}
    assert ({(f["step"], f["code"], f["place"]) for f in result["findings"]}, result["outcome"]) == (theirs, report.outcome)
    return result


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        browser.show()
        browser.open(PAGE.as_uri())
        yield Window(browser)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"), "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


@pytest.fixture(scope="module")
def log(authority: Authority) -> Log:
    witnesses = (ed25519("witness.example/a", notes.Kind.COSIGNATURE), ml_dsa("witness.example/b"))
    return Log((ed25519(ORIGIN), chinese(ORIGIN)), witnesses, authority.stamp)


@pytest.fixture
def case(log: Log, tmp_path: Path) -> Path:
    (tmp_path / "case.zip").write_bytes(log.case())
    return tmp_path / "case.zip"


def test_a_whole_bundle_is_proven(window: Window, log: Log, case: Path, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(FILE)
    known = {"keys": log.keys[:2], "witnesses": log.keys[2:], "roots": (authority.root,), "content": tmp_path / "picture.png"}
    result = agreed(window, case, **known)
    assert (result["outcome"], result["findings"], result["unchecked"]) == ("proven", [], [])
    [entry] = result["entries"]
    assert entry["fields"]["by"] == "明文"
    assert entry["hidden"] == 1
    assert entry["after"] < NOW.timestamp() * 1e6 <= entry["before"]
    assert agreed(window, case)["outcome"] == "consistent"

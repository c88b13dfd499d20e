"""The page that verifies a bundle, in a real Chromium: it finds what the verifier in Python finds, and shows it to people."""

import base64
import io
import json
import re
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

import tsa
from chromium import Browser, needed
from mingwen.adapters.signers import sm2
from mingwen.domain.digests import sha256, sm3
from mingwen.domain.evidence import Published, Stamp
from mingwen.proofs import bundle, leaves, merkle, notes, verifier, words
from mingwen.proofs.canonical import canonical

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
        """Return the line of signature under a text."""
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
        self.openssl(
            "req", *made, "-subj", "/O=TEST ONLY/CN=时间戳 Test stamps", "-utf8", "-keyout", "tsa.key", "-out", "tsa.csr"
        )
        under = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", "leaf")
        self.openssl("x509", "-req", "-in", "tsa.csr", *under, f"-{digest}", "-out", "tsa.pem")
        (folder / "serial").write_text("01")

    @property
    def root(self) -> Path:
        """Its root, in PEM."""
        return self.folder / "root.pem"

    def openssl(self, *arguments: str) -> bytes:
        """Run OpenSSL in its folder."""
        return subprocess.run(("openssl", *arguments), cwd=self.folder, check=True, capture_output=True).stdout

    def stamp(self, data: bytes) -> bytes:
        """Return a TimeStampToken over ``data``."""
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
        """As verifier keys: of the log, then of its witnesses."""
        return tuple(str(pen.key) for pen in (*self.pens, *self.witnesses))

    def case(self) -> bytes:
        """Return a bundle of entry 4, proven in the tree of 6, with checkpoints at 2, 6 and 7."""
        values = {
            "subject": self.subject,
            "by": "明文",
            "file": "picture.png",
            "sha256": sha256(FILE).hex(),
            "label": LABEL,
            "model": "m",
        }
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
            "picture.png",
            len(FILE),
            sha256(FILE).hex(),
            sm3(FILE).hex(),
            None,
            (bundle.Label("PNG, tEXt <AIGC>", LABEL.encode()),),
            4,
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
        self,
        path: Path,
        keys: tuple[str, ...] = (),
        witnesses: tuple[str, ...] = (),
        roots: tuple[Path, ...] = (),
        content: Path | None = None,
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
        """All that can be read in it."""
        return str(self.browser.evaluate("document.body.innerText"))


def codes(result: dict[str, Any]) -> set[str]:
    return {f["code"] for f in result["findings"]}


def agreed(window: Window, path: Path, **known: Any) -> dict[str, Any]:
    """Let the page and the verifier in Python judge, who have to agree on each fault and its place; return what the page says."""
    result = window.judge(path, **known)
    given = known["content"].read_bytes() if "content" in known else None
    report = verifier.verify(
        path.read_bytes(),
        keys=known.get("keys", ()),
        witnesses=known.get("witnesses", ()),
        roots=tuple(root.read_bytes() for root in known.get("roots", ())),
        content=(len(given), sha256(given).hex(), sm3(given).hex()) if given is not None else None,
    )
    assert (faults(result["findings"]), result["outcome"]) == (faults(report.findings), report.outcome)
    return result


def faults(findings: list[dict[str, Any]]) -> set[tuple[int, str, str]]:
    return {(f["step"], f["code"], f["place"]) for f in findings}


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


def test_every_vector_is_judged_as_expected(window: Window) -> None:
    """In one session of the browser, one bundle after the other."""
    expected = json.loads((VECTORS / "expected.json").read_text())
    assert len(expected) >= 60
    wrong = {}
    for name, wanted in expected.items():
        given = wanted["arguments"]
        result = window.judge(
            VECTORS / f"{name}.zip",
            tuple(given.get("key", ())),
            tuple(given.get("witness", ())),
            tuple(VECTORS / root for root in given.get("root", ())),
            VECTORS / given["content"] if "content" in given else None,
        )
        got = result["outcome"], sorted(codes(result))
        if got != (wanted["outcome"], sorted(set(wanted["codes"]))):
            wrong[name] = got, wanted
    assert not wrong


def test_its_words_are_those_of_the_table(window: Window) -> None:
    tables: dict[str, Any] = {"steps": words.STEPS, "meanings": words.MEANINGS, "words": words.WORDS, "outcomes": words.OUTCOMES}
    ours = {name: {str(code): list(pair) for code, pair in table.items()} for name, table in tables.items()}
    assert window.browser.evaluate("WORDS") == ours


@pytest.mark.parametrize(
    ("new", "digest"),
    [
        (("rsa:2048",), "sha256"),
        (("rsa:3072",), "sha512"),
        (("ec", "-pkeyopt", "ec_paramgen_curve:P-384"), "sha384"),
        (("ec", "-pkeyopt", "ec_paramgen_curve:P-521"), "sha512"),
    ],
)
def test_stamps_by_keys_of_many_kinds(window: Window, log: Log, tmp_path: Path, new: tuple[str, ...], digest: str) -> None:
    authority = Authority(tmp_path, *new, digest=digest)
    case = tmp_path / "case.zip"
    case.write_bytes(replace(log, stamp=authority.stamp).case())
    assert agreed(window, case, keys=log.keys[:1], roots=(authority.root,))["outcome"] == "proven"
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", *new, digest=digest)
    assert codes(agreed(window, case, roots=(other.root,))) == {"stamp.untrusted"}


def test_a_stamp_by_sm2(window: Window, log: Log, tmp_path: Path) -> None:
    shop = tsa.Shop(tmp_path)
    chain = [shop.issue("root", "root", key=tsa.SM2), shop.issue("signer", "stamps", "root", key=tsa.SM2)]
    key, at = sm2.load_private((tmp_path / "signer.key").read_bytes()), f"{NOW + timedelta(days=1):%Y%m%d%H%M%SZ}"
    case = tmp_path / "case.zip"
    for tail, found in ((b"", set()), (b"!", {"stamp.signature"})):

        def stamp(data: bytes, tail: bytes = tail) -> bytes:
            imprint = tsa.imprint(data, at=at, name=tsa.SM3)
            return tsa.handmade(imprint, chain[::-1], lambda m: key.sign(m + tail), by="1.2.156.10197.1.501", digest=tsa.SM3)

        case.write_bytes(replace(log, stamp=stamp).case())
        assert codes(agreed(window, case, keys=log.keys[:1], roots=(tmp_path / "root.pem",))) == found


def test_a_stamp_by_rsa_pss(window: Window, log: Log, tmp_path: Path) -> None:
    """Certificates signed by RSASSA-PSS, which the browser checks with the digest and the salt that they name."""
    authority = Authority(tmp_path, "rsa:2048", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    root = x509.load_pem_x509_certificate(authority.root.read_bytes())
    assert root.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10"
    case = tmp_path / "case.zip"
    case.write_bytes(replace(log, stamp=authority.stamp).case())
    assert agreed(window, case, keys=log.keys[:1])["outcome"] == "proven"


def test_what_it_says_of_changed_files_is_what_the_other_says(window: Window, log: Log, tmp_path: Path) -> None:
    """Flip, cut or double a byte in each file of a bundle, with the archive written anew: both verifiers find the same.

    Where a token is cut off, each may find another thing first: one reads a certificate whole, the other what it needs of it.
    """
    made = dict(unpacked(log.case()))
    case = tmp_path / "changed.zip"
    for i, name in enumerate(made):
        data = made[name]
        for j in range(3):
            at = 7919 * (i + 1) * (j + 1) % len(data)
            worse = (
                data[:at] + bytes([data[at] ^ 1 << j]) + data[at + 1 :],
                data[:at] + data[at + 1 :],
                data[: at + 1] + data[at:],
            )[j]
            case.write_bytes(bundle.packed({**made, name: worse}))
            result, report = window.judge(case), verifier.verify(case.read_bytes())
            assert result["outcome"] == "broken"
            ours, theirs = (
                {(step, place, "" if name.endswith(".tst") and step == 8 else code) for step, code, place in faults(findings)}
                for findings in (result["findings"], report.findings)
            )
            assert ours == theirs


def unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def test_hostile_texts_stay_texts(window: Window, log: Log, tmp_path: Path) -> None:
    case = tmp_path / f"{HOSTILE.replace('/', '')}.zip"
    case.write_bytes(replace(log, subject=HOSTILE).case())
    window.browser.events.clear()
    assert agreed(window, case, keys=(*log.keys[:1],), witnesses=(*log.keys[2:3],))["outcome"] == "proven"
    assert window.browser.evaluate("typeof window.hurt") == "undefined"
    assert HOSTILE in window.text
    assert window.browser.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert window.browser.named(["Network.requestWillBeSent", "Runtime.exceptionThrown"]) == []


def test_nothing_leaves_it(window: Window) -> None:
    """The policy of the page, not only its good manners, keeps it off every network."""
    refused = "fetch('https://example.com/').then(() => 'sent', e => 'refused')"
    assert window.browser.evaluate(refused) == "refused"
    assert (
        window.browser.evaluate(
            "new Promise(r => { const i = new Image(); i.onload = i.onerror = e => r(e.type); i.src = 'https://example.com/i'; })"
        )
        == "error"
    )
    blocked = [e for e in window.browser.named(["Log.entryAdded"]) if "Content Security Policy" in e["params"]["entry"]["text"]]
    assert len(blocked) >= 2
    text = PAGE.read_text()
    assert not re.search(r"(src|href|url|import)\s*[=(]\s*['\"]?(https?:)?//", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text)


def test_an_older_browser_says_what_it_did_not_check(log: Log, case: Path, tmp_path: Path) -> None:
    """Browsers came to know Ed25519 and ML-DSA-44 late; what they do not know is not called a failure, nor a success."""
    without = (
        "const known = crypto.subtle.importKey.bind(crypto.subtle);"
        "crypto.subtle.importKey = (form, data, type, ...rest) => missing.includes(type.name ?? type)"
        " ? Promise.reject(new DOMException('', 'NotSupportedError')) : known(form, data, type, ...rest)"
    )
    with Browser(tmp_path) as browser:
        browser.open(PAGE.as_uri())
        browser.evaluate(f"var missing = ['ML-DSA-44']; {without}; 0")
        window = Window(browser)
        result = window.judge(case, keys=log.keys[1:2], witnesses=log.keys[3:])
        assert (result["outcome"], len(result["unchecked"])) == ("proven", 3)
        assert "witness.example/b (ML-DSA-44), checkpoints/6.txt" in window.text
        browser.evaluate("missing.push('Ed25519')")
        assert window.judge(case, keys=log.keys[:1])["outcome"] == "consistent"
        alone = tmp_path / "alone.zip"
        alone.write_bytes(replace(log, pens=log.pens[:1]).case())
        assert codes(window.judge(alone)) == {"archive.signature", "checkpoint.signature"}


@pytest.mark.parametrize("width", [390, 1100])
def test_it_fits_a_phone_and_a_desk_in_both_languages(window: Window, case: Path, width: int) -> None:
    window.browser.show(width=width, height=844)
    window.judge(case)
    seen = set()
    for _ in range(2):
        assert window.browser.evaluate("document.documentElement.scrollWidth") <= width
        seen.add(window.browser.evaluate("document.documentElement.lang + document.querySelector('.outcome h2').textContent"))
        window.browser.evaluate("document.getElementById('language').click()")
    window.browser.show()
    assert seen == {"enconsistent", "zh-Hans相符"}


def test_it_speaks_the_language_of_its_reader(tmp_path: Path) -> None:
    with Browser(tmp_path) as browser:
        agent = browser.evaluate("navigator.userAgent")
        browser.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="zh-CN")
        browser.open(PAGE.as_uri())
        assert browser.evaluate("document.title") == "核验证据包"


def test_everything_has_a_name_and_can_be_reached_by_keys(window: Window, case: Path) -> None:
    window.judge(case)
    window.browser.evaluate("document.getElementById('more').open = true")
    tree = window.browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "textbox", "DisclosureTriangle", "img", "status"}
    named = [
        (n["role"]["value"], n.get("name", {}).get("value", ""))
        for n in tree
        if not n.get("ignored") and n["role"]["value"] in roles
    ]
    assert len([role for role, _ in named if role in {"button", "textbox"}]) >= 6
    assert all(name or role == "status" for role, name in named)
    reached = []
    window.browser.evaluate("document.activeElement.blur()")
    for _ in range(8):
        for kind in ("keyDown", "keyUp"):
            window.browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(window.browser.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"language", "bundle", "keys", "content", "witnesses", "roots"} <= {*reached}


def test_a_bundle_can_be_dropped_on_it(window: Window, case: Path) -> None:
    data = base64.b64encode(case.read_bytes()).decode()
    window.browser.evaluate(
        "mingwenResult = null; { const d = new DataTransfer();"
        f" d.items.add(new File([Uint8Array.from(atob('{data}'), c => c.charCodeAt(0))], 'case.zip'));"
        " document.dispatchEvent(new DragEvent('drop', {dataTransfer: d, cancelable: true})); }"
    )
    wait = "new Promise(r => { const look = () => mingwenResult ? r(mingwenResult.outcome) : setTimeout(look, 2); look(); })"
    assert window.browser.evaluate(wait) == "consistent"


def test_a_key_that_is_none_is_not_taken_for_one(window: Window, log: Log, case: Path) -> None:
    assert window.judge(case, keys=(log.keys[0][:-1],))["outcome"] == "consistent"
    assert window.browser.evaluate("document.getElementById('keys-said').textContent").endswith(log.keys[0][:60])


@pytest.mark.parametrize("data", [b"[" * (1 << 20), b'{"a":' * (1 << 17), b"9" * (1 << 20), b'"\\ud800"', b"\xff" * (1 << 20)])
def test_hostile_json_is_no_index(window: Window, tmp_path: Path, data: bytes) -> None:
    case = tmp_path / "case.zip"
    case.write_bytes(bundle.packed({"bundle.json": data, "bundle.note": data}))
    begun = time.monotonic()
    assert codes(agreed(window, case)) == {"archive.index"}
    assert time.monotonic() - begun < 5


def test_many_entries_of_one_file_are_refused_at_once(window: Window, log: Log, tmp_path: Path) -> None:
    made = dict(unpacked(replace(log, stamp=None).case()))
    index = json.loads(made["bundle.json"])
    index["entries"] = [{**index["entries"][0], "index": i} for i in range(5000)]
    case = tmp_path / "case.zip"
    case.write_bytes(bundle.packed({**made, "bundle.json": canonical(index)}))
    assert codes(agreed(window, case)) == {"archive.index"}

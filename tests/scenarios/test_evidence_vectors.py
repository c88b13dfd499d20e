"""Named bundles, most of which must fail: by the verifier as a module, as a program of its own, and by the command."""

import filecmp
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mingwen.cli.application import run
from mingwen.proofs import verifier, words

FOLDER = Path(__file__).parent.parent / "vectors/bundles"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text("utf-8"))
TOOLS = Path(__file__).parents[2] / "tools"
PROGRAM = Path(verifier.__file__)


def arguments(name: str) -> list[str]:
    given = EXPECTED[name]["arguments"]
    flags = [f"--{flag}={value}" for flag in ("key", "witness") for value in given.get(flag, ())]
    flags += [f"--root={FOLDER / root}" for root in given.get("root", ())]
    return flags + ([f"--content={FOLDER / given['content']}"] if "content" in given else [])


def said(report: dict[str, Any]) -> dict[str, Any]:
    return {"outcome": report["outcome"], "codes": sorted({f["code"] for f in report["findings"]})}


def wanted(name: str) -> dict[str, Any]:
    return {key: EXPECTED[name][key] for key in ("outcome", "codes")}


@pytest.mark.parametrize("name", EXPECTED)
def test_module_and_command_say_what_is_expected(name: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    status = run(["evidence", "verify", str(FOLDER / f"{name}.zip"), "--json", *arguments(name)])
    assert said(json.loads(capsysbinary.readouterr().out)) == wanted(name), EXPECTED[name]["proves"]
    assert status == (EXPECTED[name]["outcome"] == "broken")


def test_a_program_of_its_own_says_the_same() -> None:
    """Isolated: neither this package nor the present folder is on its path, and nothing of this package is imported."""
    for name in ("holds-everything-named", "holds-sm2", "holds-ml-dsa-witness", "stamp-expired", "log-fork", "key-other"):
        made = subprocess.run(
            [sys.executable, "-I", str(PROGRAM), str(FOLDER / f"{name}.zip"), "--json", *arguments(name)],
            capture_output=True,
            check=False,
        )
        assert said(json.loads(made.stdout)) == wanted(name), made.stderr
        assert made.returncode == (EXPECTED[name]["outcome"] == "broken")


def test_the_verifier_imports_nothing_of_this_package() -> None:
    code = "import runpy, sys; runpy.run_path(sys.argv[1]); print([m for m in sys.modules if m.split('.')[0] == 'mingwen'])"
    made = subprocess.run([sys.executable, "-I", "-c", code, str(PROGRAM)], capture_output=True, check=True, text=True)
    assert made.stdout.strip() == "[]"


def test_every_code_has_words_and_a_vector() -> None:
    seen = {code for each in EXPECTED.values() for code in each["codes"]}
    assert seen == set(words.WORDS)
    assert len(EXPECTED) >= 60
    assert sum(each["outcome"] == "broken" for each in EXPECTED.values()) > len(EXPECTED) / 2


def test_every_flipped_byte_is_caught_and_named() -> None:
    data = (FOLDER / "holds-smallest.zip").read_bytes()
    for i in range(len(data)):
        report = verifier.verify(data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :])
        assert report.outcome == "broken", i
        assert report.findings[0]["code"] in words.WORDS, i


def test_every_flipped_byte_of_a_file_is_named_where_the_archive_is_made_right_again() -> None:
    files = unpacked((FOLDER / "holds-smallest.zip").read_bytes())
    for name, data in files.items():
        for i in range(len(data)):
            flipped = data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :]
            report = verifier.verify(verifier.packed([(n, flipped if n == name else d) for n, d in files.items()]))
            assert report.outcome == "broken", (name, i)
            named = {f["place"] for f in report.findings}
            assert name in named or (name == "bundle.json" and "bundle.note" in named), (name, i)


def unpacked(data: bytes) -> dict[str, bytes]:
    found = verifier.step_1_form(verifier.Report(), data)
    assert found
    return found


def test_every_truncation_is_caught() -> None:
    data = (FOLDER / "holds-smallest.zip").read_bytes()
    assert all(verifier.verify(data[:i]).outcome == "broken" for i in range(0, len(data), 7))


ODD = (
    b"\xff",
    b"[[[[",
    b'{"a":',
    b'"',
    b"0",
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\n\n",
    b"1e400",
    b"9" * 5000,
    b"NaN",
    b"null",
)


def test_whatever_an_exporter_signs_is_judged_and_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are spoilt, then listed and signed as if they were right, so that every step meets them."""
    monkeypatch.syspath_prepend(str(TOOLS.parent))
    from tools.vector_drafts import draft  # noqa: PLC0415 - a tool, found by the line above

    chance, made = random.Random(5), draft()
    names = sorted(made.files)
    for _ in range(400):
        files = dict(made.files)
        name = chance.choice(names)
        at = chance.randrange(len(files[name]))
        made.files[name] = files[name][:at] + chance.choice(ODD) + files[name][at + chance.randrange(20) :]
        assert verifier.verify(made.sealed()).outcome in words.OUTCOMES
        made.files = files


def test_vectors_are_made_anew_without_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS.parent))
    from tools import vectors  # noqa: PLC0415 - a tool, found by the line above

    vectors.main(tmp_path)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == sorted(p.name for p in FOLDER.iterdir() if p.name != "kept.json")
    assert filecmp.cmpfiles(tmp_path, FOLDER, names, shallow=False)[1:] == ([], [])


AUTHORITY = """
[tsa]
default_tsa = one
[one]
serial = ./serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha512
ess_cert_id_alg = {ess}
[leaf]
extendedKeyUsage = critical,timeStamping
"""
STEPS = """
req -x509 -newkey {kind} -nodes -keyout ca.key -out ca.pem -subj /CN=root -days 10
req -newkey {kind} -nodes -keyout t.key -out t.csr -subj /CN=tsa
x509 -req -in t.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -extfile tsa.cnf -extensions leaf -out t.pem
ts -query -data text -sha512 -cert -out q.tsq
ts -reply -config tsa.cnf -section one -queryfile q.tsq -signer t.pem -inkey t.key -chain ca.pem -token_out -out t.tst
"""


@pytest.mark.parametrize(("kind", "ess"), [("rsa:2048", "sha256"), ("ec -pkeyopt ec_paramgen_curve:P-256", "sha1")])
def test_a_token_of_openssl_holds(kind: str, ess: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS.parent))
    from tools.vector_drafts import draft  # noqa: PLC0415 - a tool, found by the line above

    def stamped(text: str, size: int) -> tuple[bytes, ...]:
        if size < 10:
            return ()
        for name, data in {"text": text, "tsa.cnf": AUTHORITY.format(ess=ess), "serial": "01"}.items():
            (tmp_path / name).write_text(data)
        for step in STEPS.format(kind=kind).strip().splitlines():
            subprocess.run(["openssl", *step.split()], cwd=tmp_path, check=True, capture_output=True)
        return ((tmp_path / "t.tst").read_bytes(),)

    report = verifier.verify(draft(stamped=stamped).sealed(), roots=((tmp_path / "ca.pem").read_bytes(),))
    assert report.findings == []
    assert [(a["by"], a["named"]) for a in report.attested if a["kind"] == "stamp"] == [("CN=tsa", True)]

"""Keys that sign the log: each kind makes signatures that its own judges accept."""

import base64
import subprocess
from pathlib import Path

import pytest
from tlog_scales import signing as scales
from tlog_scales.tlog import Checkpoint as ScalesCheckpoint

from mingwen import wiring_log
from mingwen.adapters.note_signers import files
from mingwen.domain import sm2
from mingwen.domain.errors import Misused, Refused, Unavailable
from mingwen.proofs import notes
from mingwen.proofs.notes import Checkpoint, Kind, Note
from mingwen.settings import SETTINGS, Value
from mingwen.wiring import Configuration

TEXT = Checkpoint("example.com/log", 42, bytes(range(32))).text
AT = 1_679_315_147


def configured(**given: object) -> Configuration:
    values = {name: Value(s, s.default, "default") for name, s in SETTINGS.items()}
    for name, value in given.items():
        dotted = name.replace("_", ".", 1)
        values[dotted] = Value(SETTINGS[dotted], SETTINGS[dotted].read(value), "flag")
    return Configuration(values)


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    paths = [str(tmp_path / f"{kind}.pem") for kind in ("sm2", "ml-dsa-44", "ed25519")]
    for path in paths:
        wiring_log.new_log_key(Path(path), Path(path).stem)
    return paths


def test_each_kind_signs_what_is_checked(keys: list[str]) -> None:
    signers = wiring_log.log_signers(configured(log_keys=keys, log_origin="example.com/log"))
    assert [s.key.kind for s in signers] == [Kind.ED25519, Kind.SM2, Kind.ML_DSA_44]
    note = Note(TEXT, tuple(s.sign(TEXT, AT) for s in signers))
    for signer in signers:
        assert notes.check(notes.parse(str(note).encode()), notes.parse_key(str(signer.key)))
        assert repr(signer).count("signing") == 0


def test_tlog_scales_accepts_ed25519_and_ml_dsa(keys: list[str]) -> None:
    signers = wiring_log.log_signers(configured(log_keys=keys[1:], log_origin="example.com/log"))
    note = str(Note(TEXT, tuple(s.sign(TEXT, AT) for s in signers)))
    for signer in signers:
        ScalesCheckpoint.from_text(note).verify(scales.Vkey.from_string(str(signer.key)))


def test_openssl_accepts_sm2(keys: list[str], tmp_path: Path) -> None:
    signer = wiring_log.log_signers(configured(log_keys=keys, log_origin="example.com/log"))[1]
    spki = base64.encodebytes(sm2.spki(signer.key.public)).decode()
    (tmp_path / "public.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{spki}-----END PUBLIC KEY-----\n")
    (tmp_path / "note").write_text(TEXT)
    (tmp_path / "signature").write_bytes(signer.sign(TEXT, AT).value)
    judged = ("openssl", "pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678", "-pubin")
    where = ("-inkey", tmp_path / "public.pem", "-in", tmp_path / "note", "-sigfile", tmp_path / "signature")
    done = subprocess.run((*judged, *where), capture_output=True, check=False)
    assert b"Verified Successfully" in done.stdout, done
    (tmp_path / "note").write_text(TEXT.replace("42", "43"))
    assert subprocess.run((*judged, *where), capture_output=True, check=False).returncode != 0


def test_an_encrypted_key_of_openssl_needs_its_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (("ed25519",), ("EC", "-pkeyopt", "ec_paramgen_curve:SM2")):
        path = tmp_path / f"{kind[0]}.pem"
        words = ("openssl", "genpkey", "-algorithm", *kind, "-aes-256-cbc", "-pass", "pass:hello", "-out", path)
        subprocess.run(words, check=True, capture_output=True)
        path.chmod(0o600)
    config = configured(log_keys=[str(tmp_path / "EC.pem"), str(tmp_path / "ed25519.pem")])
    monkeypatch.delenv("MINGWEN_KEY_PASSPHRASE", raising=False)
    with pytest.raises(Refused) as refused:
        wiring_log.log_signers(config)
    assert refused.value.code == "key.passphrase"
    monkeypatch.setenv("MINGWEN_KEY_PASSPHRASE", "wrong")
    with pytest.raises((Refused, Misused)):
        wiring_log.log_signers(config)
    monkeypatch.setenv("MINGWEN_KEY_PASSPHRASE", "hello")
    assert len(wiring_log.log_signers(config)) == 2


def test_a_key_that_others_may_read_is_refused(keys: list[str]) -> None:
    assert all(Path(k).stat().st_mode & 0o777 == 0o600 for k in keys)
    Path(keys[2]).chmod(0o640)
    with pytest.raises(Refused) as raised:
        wiring_log.log_signers(configured(log_keys=keys))
    assert raised.value.code == "key.permissions"


def test_a_log_needs_an_ed25519_key(keys: list[str], tmp_path: Path) -> None:
    (tmp_path / "text.pem").write_text("no key")
    (tmp_path / "text.pem").chmod(0o600)
    for chosen in (keys[:2], [str(tmp_path / "text.pem")]):
        with pytest.raises(Misused) as raised:
            wiring_log.log_signers(configured(log_keys=chosen))
        assert raised.value.code == "log.keys"


@pytest.mark.parametrize("origin", ["two words", "a+b", "x" * 256, "line\nbreak"])
def test_an_origin_is_a_name(keys: list[str], origin: str) -> None:
    with pytest.raises(Misused) as raised:
        wiring_log.log_signers(configured(log_keys=keys, log_origin=origin))
    assert raised.value.code == "log.name"


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    assert files.save(tmp_path / "a" / "k.pem", b"first")
    assert not files.save(tmp_path / "a" / "k.pem", b"second")
    assert [p.read_bytes() for p in (tmp_path / "a").iterdir()] == [b"first"]
    with pytest.raises(Refused):
        wiring_log.new_log_key(tmp_path / "a" / "k.pem", "ed25519")
    with pytest.raises(Unavailable):
        files.save(Path("/proc/none/k.pem"), b"x")

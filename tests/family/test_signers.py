import contextlib
import subprocess
from pathlib import Path

import gmssl_pyx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen.adapters.signers import sm2 as signers
from mingwen.domain import _der, pkcs8, security, sm2
from mingwen.domain.errors import MingwenError

MESSAGE = security.message("1", "001191310104MACE0YX63918020", "142569260085903360")
IDENTITY = "distid:1234567812345678"


def openssl(*arguments: object) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What openssl makes: a key in every dress, and a certificate."""
    folder = tmp_path_factory.mktemp("openssl")
    key = folder / "key.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", key)
    openssl("pkey", "-in", key, "-pubout", "-out", folder / "public.pem")
    openssl("pkey", "-in", key, "-pubout", "-outform", "DER", "-out", folder / "public.der")
    openssl("ec", "-in", key, "-out", folder / "sec1.pem")
    openssl("ecparam", "-name", "SM2", "-out", folder / "parameters.pem")
    (folder / "ecparam.pem").write_bytes((folder / "parameters.pem").read_bytes() + (folder / "sec1.pem").read_bytes())
    (folder / "ec.pem").write_bytes((folder / "sec1.pem").read_bytes().replace(b"SM2 PRIVATE", b"EC PRIVATE"))
    for cipher in ("aes-256-cbc", "aes-128-cbc"):
        openssl("pkcs8", "-topk8", "-in", key, "-v2", cipher, "-passout", "pass:hello", "-out", folder / f"{cipher}.pem")
    openssl("pkcs8", "-topk8", "-in", key, "-v2prf", "hmacWithSHA1", "-passout", "pass:hello", "-out", folder / "sha1.pem")
    openssl("pkcs8", "-topk8", "-in", key, "-scrypt", "-passout", "pass:hello", "-out", folder / "scrypt.pem")
    request = ("req", "-x509", "-sm3", "-sigopt", IDENTITY, "-key", key, "-days", "9", "-subj", "/CN=明文")
    openssl(*request, "-utf8", "-out", folder / "certificate.pem")
    openssl("x509", "-in", folder / "certificate.pem", "-outform", "DER", "-out", folder / "certificate.der")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", folder / "p256.pem")
    openssl("req", "-x509", "-key", folder / "p256.pem", "-days", "9", "-subj", "/CN=t", "-out", folder / "p256-certificate.pem")
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", folder / "rsa.pem")
    (folder / "message").write_bytes(MESSAGE)
    openssl(*_signing(key, folder / "message"), "-out", folder / "signature")
    return folder


def _signing(key: Path, message: Path) -> tuple[object, ...]:
    return "pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-pkeyopt", IDENTITY, "-inkey", key, "-in", message


def code_of(function: object, *arguments: object, **options: object) -> str:
    assert callable(function)
    with pytest.raises(MingwenError) as caught:
        function(*arguments, **options)
    return caught.value.code


def test_openssl_verifies_what_we_sign_with_a_key_we_made(tmp_path: Path) -> None:
    private, public = signers.new_key()
    (tmp_path / "public.pem").write_bytes(public)
    (tmp_path / "message").write_bytes(MESSAGE)
    (tmp_path / "signature").write_bytes(signers.load_private(private).sign(MESSAGE))
    files = ("-pubin", "-inkey", tmp_path / "public.pem", "-in", tmp_path / "message", "-sigfile", tmp_path / "signature")
    judged = ("pkeyutl", "-verify", "-rawin", "-digest", "sm3", "-pkeyopt", IDENTITY, *files)
    assert b"Verified Successfully" in openssl(*judged)
    (tmp_path / "message").write_bytes(MESSAGE.replace(b"1425", b"1426"))
    with pytest.raises(subprocess.CalledProcessError):
        openssl(*judged)


def test_openssl_reads_our_key_and_writes_the_same_bytes(tmp_path: Path) -> None:
    private, public = signers.new_key()
    (tmp_path / "key.pem").write_bytes(private)
    assert openssl("pkey", "-in", tmp_path / "key.pem", "-check") == b"Key is valid\n" + private
    assert openssl("pkey", "-in", tmp_path / "key.pem", "-pubout") == public


@pytest.mark.parametrize("name", ["public.pem", "public.der", "certificate.pem", "certificate.der"])
def test_we_verify_what_openssl_signs(theirs: Path, name: str) -> None:
    point = signers.load_public((theirs / name).read_bytes())
    signature = (theirs / "signature").read_bytes()
    assert signers.verify(point, MESSAGE, signature)
    assert not signers.verify(point, MESSAGE + b" ", signature)


@pytest.mark.parametrize(
    "name", ["key.pem", "sec1.pem", "ec.pem", "ecparam.pem", "aes-256-cbc.pem", "aes-128-cbc.pem", "sha1.pem"]
)
def test_every_dress_of_a_private_key_of_openssl_is_read(theirs: Path, name: str) -> None:
    signer = signers.load_private((theirs / name).read_bytes(), passphrase=b"hello")
    assert signer.spki_der == (theirs / "public.der").read_bytes()
    assert signers.verify(signer.public_point, MESSAGE, signer.sign(MESSAGE))
    assert signer.secret.hex() not in repr(signer)


def test_hex_of_a_key_is_read(theirs: Path) -> None:
    der = (theirs / "public.der").read_bytes()
    point = signers.load_public(der)
    assert signers.load_public(der.hex().encode()) == signers.load_public(point.hex().upper().encode() + b"\n") == point


@pytest.mark.parametrize("holder", ["public.der", "certificate.der"])
def test_a_label_signed_with_a_key_of_openssl_verifies_with_its_key_or_certificate(theirs: Path, holder: str) -> None:
    signer = signers.load_private((theirs / "key.pem").read_bytes(), certificate=(theirs / "certificate.pem").read_bytes())
    assert signer.certificate == (theirs / "certificate.der").read_bytes()
    data = security.parse(security.build(signer.sign(MESSAGE), (theirs / holder).read_bytes()))
    assert data is not None
    assert [k.kind for k in data.keys] == ["PubKey" if holder == "public.der" else "Cert"]
    verdict = security.check(data, MESSAGE)
    assert (verdict.outcome, verdict.form) == (security.Outcome.VERIFIED, security.Form.DIRECT)
    assert verdict.fingerprint == sm2.fingerprint(signer.public_point)


def test_keys_of_another_kind_are_named(theirs: Path) -> None:
    for name in ("p256.pem", "rsa.pem"):
        assert code_of(signers.load_private, (theirs / name).read_bytes()) == "key.not-sm2"
    assert code_of(signers.load_public, (theirs / "p256-certificate.pem").read_bytes()) == "key.not-public"
    assert code_of(signers.load_private, (theirs / "public.pem").read_bytes()) == "key.not-private"
    assert code_of(signers.load_public, (theirs / "key.pem").read_bytes()) == "key.not-public"


def test_passphrases_missing_or_wrong_are_refused(theirs: Path) -> None:
    locked = (theirs / "aes-256-cbc.pem").read_bytes()
    assert code_of(signers.load_private, locked) == "key.passphrase"
    assert code_of(signers.load_private, locked, passphrase=b"hallo") == "key.passphrase"
    assert code_of(signers.load_private, (theirs / "scrypt.pem").read_bytes(), passphrase=b"hello") == "key.encryption"


def locked_noise(iterations: int) -> bytes:
    """A locked key with 16 bytes of nothing in it."""

    def sequence(*parts: bytes) -> bytes:
        return _der.encode(_der.SEQUENCE, *parts)

    salt = _der.encode(_der.OCTET_STRING, bytes(8))
    derivation = sequence(_der.encode(_der.OID, pkcs8._PBKDF2), sequence(salt, _der.integer(iterations)))
    cipher = sequence(_der.encode(_der.OID, next(iter(pkcs8._AES_CBC))), _der.encode(_der.OCTET_STRING, bytes(16)))
    scheme = sequence(_der.encode(_der.OID, pkcs8._PBES2), sequence(derivation, cipher))
    return signers._pem(b"ENCRYPTED PRIVATE KEY", sequence(scheme, _der.encode(_der.OCTET_STRING, bytes(16))))


@pytest.mark.parametrize("iterations", [0, pkcs8.MAX_ITERATIONS + 1])
def test_a_locked_key_cannot_ask_for_endless_work(iterations: int) -> None:
    assert code_of(signers.load_private, locked_noise(iterations), passphrase=b"hello") == "key.encryption"


def test_a_wrong_passphrase_is_told_even_where_the_padding_looks_good() -> None:
    """One in 256 does."""
    pem = locked_noise(1)
    assert {code_of(signers.load_private, pem, passphrase=str(n).encode()) for n in range(2000)} == {"key.passphrase"}


def test_a_private_key_beside_a_strangers_public_key_or_certificate_is_refused(theirs: Path) -> None:
    private, public = signers.new_key()
    mine = signers.load_private(private)
    pair = pkcs8.KeyPair(mine.secret, signers.load_public((theirs / "public.der").read_bytes()))
    mixed = signers._pem(b"PRIVATE KEY", pkcs8.encode(pair))
    assert code_of(signers.load_private, mixed) == "key.mismatch"
    certificate = (theirs / "certificate.pem").read_bytes()
    assert code_of(signers.load_private, private, certificate=certificate) == "key.mismatch"
    assert signers.load_public(public) == mine.public_point


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, sm2.ORDER.to_bytes(32, "big")])
def test_a_private_key_out_of_range_is_refused(secret: bytes) -> None:
    point = signers.load_private(signers.new_key()[0]).public_point
    pem = signers._pem(b"PRIVATE KEY", pkcs8.encode(pkcs8.KeyPair(secret, point)))
    assert code_of(signers.load_private, pem) == "key.mismatch"


def test_a_key_file_is_its_owners_alone_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    private, _ = signers.new_key()
    signers.save_private(path, private)
    assert path.stat().st_mode & 0o777 == 0o600
    assert signers.read_private(path).public_point == signers.load_private(private).public_point
    assert code_of(signers.save_private, path, b"other") == "key.exists"
    assert path.read_bytes() == private
    assert code_of(signers.save_private, tmp_path / "none/key.pem", private) == "key.unwritable"
    for absent in ("none", "no\0path", "."):
        assert code_of(signers.read_private, tmp_path / absent) == "key.unreadable"
    assert code_of(signers.save_private, tmp_path / "no\0path", private) == "key.unwritable"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_file_open_to_others_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(signers.new_key()[0])
    path.chmod(mode)
    with pytest.raises(MingwenError) as caught:
        signers.read_private(path)
    assert caught.value.code == "key.permissions"
    assert f"chmod 600 {path}" in caught.value.hint


@given(st.binary(max_size=99), st.integers(0, 71), st.integers(0, 255))
def test_our_verdict_is_that_of_the_library_that_signs(message: bytes, place: int, flip: int) -> None:
    public, secret = gmssl_pyx.sm2_key_generate()
    signature = bytearray(gmssl_pyx.sm2_sign(secret, public, message))
    signature[place % len(signature)] ^= flip
    assert signers.verify(b"\x04" + public, message, bytes(signature)) == gmssl_pyx.sm2_verify(public, message, bytes(signature))


def test_the_generator_is_a_key_like_any_other() -> None:
    """The sum of the two points of a verification is then a doubling."""
    generator = bytes.fromhex(
        "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
        "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
    )
    signer = signers.Sm2Signer((1).to_bytes(32, "big"), generator)
    assert signers.verify(generator, b"m", signer.sign(b"m"))


def test_signatures_out_of_range_or_shape_do_not_hold_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    signer = signers.load_private(signers.new_key()[0])
    good = signer.sign(b"m")
    r_zero, s_zero, sum_n = ((0, 1), (1, 0), (1, sm2.ORDER - 1))
    secret = int.from_bytes(signer.secret, "big")
    infinity = (1 + secret, sm2.ORDER - secret)  # t = 1 and s·G + t·P = 0: only the key's owner can make it
    pairs = (r_zero, s_zero, sum_n, infinity, (sm2.ORDER, 1))
    built = [_der.encode(_der.SEQUENCE, _der.integer(r), _der.integer(s)) for r, s in pairs]
    for signature in (b"", b"zz", good + b"\0", good[:-1], *built):
        assert not signers.verify(signer.public_point, b"m", signature)
    assert not signers.verify(bytes(65), b"m", good)
    assert not signers.verify(signer.public_point[1:], b"m", good)
    assert capfd.readouterr().err == ""


@given(st.binary(max_size=200))
def test_only_our_errors_leave_the_loaders(theirs: Path, noise: bytes) -> None:
    locked = (theirs / "aes-256-cbc.pem").read_bytes()
    der = signers._private_der((theirs / "key.pem").read_bytes(), None)
    place = len(noise) % len(der)
    for pem in (noise, locked[:100] + noise + locked[100:], signers._pem(b"PRIVATE KEY", der[:place] + noise + der[place:])):
        for load in (signers.load_private, signers.load_public):
            with contextlib.suppress(MingwenError):
                load(pem)


@given(st.integers(0, 500), st.integers(1, 255))
def test_a_damaged_locked_key_gives_our_errors(theirs: Path, place: int, flip: int) -> None:
    name, der = signers._armored((theirs / "aes-256-cbc.pem").read_bytes())[0]
    damaged = bytearray(der)
    damaged[place % min(len(der), 80)] ^= flip
    with contextlib.suppress(MingwenError):  # a flipped bit of the salt's own frame may be harmless
        signers.load_private(signers._pem(name, bytes(damaged)), passphrase=b"hello")

"""Time stamps of a real authority: openssl makes tokens that we check, and checks what we ask for and keep."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from socket import create_server

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import tsa
from mingwen.adapters.authorities.http import HttpAuthority
from mingwen.adapters.signers import sm2
from mingwen.domain._der import BIT_STRING, OCTET_STRING, OID, SEQUENCE, encode, integer
from mingwen.domain.errors import Malformed, MingwenError, Misused, Unavailable, Unproven
from mingwen.proofs import _asn1, rfc3161
from tsa import Shop, handmade, imprint, serving

DATA = b"log.example/mingwen\n12\nqUb0rJ7jGDpFPRUWzTuBQ5Ol1bfIk2OF8uOfSnz2YpE=\n"
ECDSA, ED25519, SM2 = "1.2.840.10045.4.3.2", "1.3.101.112", "1.2.156.10197.1.501"
NOW = datetime.now(UTC).replace(microsecond=0)
FOREVER = f"{NOW + timedelta(days=30):%Y%m%d%H%M%S}Z"


def request(data: bytes = DATA, algorithm: str = "sha256", nonce: int = 2**90 + 5) -> bytes:
    return rfc3161.request(hashlib.new(algorithm, data).digest(), algorithm=algorithm, nonce=nonce)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("tsa"))
    shop.issue("root", "root")
    shop.issue("above", "above", "root")
    shop.issue("signer", "stamps", "above")
    return shop


@pytest.fixture(scope="module")
def root(shop: Shop) -> bytes:
    return tsa.der(shop.folder / "root.pem")


@pytest.fixture(scope="module")
def token(shop: Shop) -> bytes:
    return rfc3161.token(shop.answer(request(), "signer", "above", "root"))


@pytest.fixture(scope="module")
def chain(shop: Shop) -> list[bytes]:
    return [tsa.der(shop.folder / f"{name}.pem") for name in ("signer", "above", "root")]


@pytest.fixture(scope="module")
def sign(shop: Shop) -> Callable[[bytes], bytes]:
    """The signer's key."""
    key = serialization.load_pem_private_key((shop.folder / "signer.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return lambda message: key.sign(message, ec.ECDSA(hashes.SHA256()))


def failure(token: bytes, data: bytes = DATA, roots: tuple[bytes, ...] = ()) -> str:
    with pytest.raises((Malformed, Unproven)) as caught:
        rfc3161.verify(token, data, roots=roots)
    return caught.value.code


def test_openssl_reads_our_request(shop: Shop) -> None:
    (shop.folder / "ours.tsq").write_bytes(request())
    text = shop.run("ts", "-query", "-in", "ours.tsq", "-text").decode()
    assert "Hash Algorithm: sha256" in text
    assert "Nonce: 0x040000000000000000000005" in text
    assert "Certificate required: yes" in text


def test_a_token_of_openssl_is_read_and_holds(token: bytes, root: bytes, chain: list[bytes]) -> None:
    read = rfc3161.read(token)
    assert (read.algorithm, read.digest) == ("2.16.840.1.101.3.4.2.1", hashlib.sha256(DATA).digest())
    assert (read.policy, read.nonce, read.accuracy) == ("1.2.3.4.1", 2**90 + 5, timedelta(seconds=1, microseconds=500100))
    assert sorted(read.certificates) == sorted(chain)
    assert NOW <= read.gen_time <= datetime.now(UTC)
    verified = rfc3161.verify(token, DATA)
    assert (verified.at, verified.trusted, verified.root_der) == (read.gen_time, None, root)
    assert verified.certificates == tuple(chain)
    assert verified.root_fingerprint_sha256 == hashlib.sha256(root).hexdigest()
    assert rfc3161.verify(token, DATA, roots=[root]).trusted


@pytest.mark.parametrize("kind", [tsa.RSA, tsa.P384], ids=["rsa", "p384"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_each_kind_of_key_and_digest_of_openssl_holds(shop: Shop, root: bytes, kind: tuple[str, ...], digest: str) -> None:
    name = f"signer-{kind[-1][-4:]}"
    if name not in shop.keys:
        shop.issue(name, "stamps", "above", key=kind)
    answer = shop.answer(request(algorithm=digest), name, "above", digest=digest)
    assert rfc3161.verify(rfc3161.token(answer), DATA, roots=[root]).root_der == root


def test_an_imprint_by_sm3_holds_and_one_by_sha1_does_not(shop: Shop) -> None:
    assert rfc3161.verify(rfc3161.token(shop.answer(request(algorithm="sm3"), "signer", "above", "root")), DATA).at >= NOW
    (shop.folder / "data").write_bytes(DATA)
    old = shop.run("ts", "-query", "-data", "data", "-sha1", "-cert")
    assert failure(rfc3161.token(shop.answer(old, "signer", "above", "root"))) == "stamp.imprint"


def test_a_token_of_the_old_kind_that_names_its_certificate_by_sha1_holds(shop: Shop) -> None:
    token = rfc3161.token(shop.answer(request(), "signer", "above", "root", section="old"))
    read = rfc3161.read(token)
    assert (read.accuracy, read.gen_time.microsecond) == (None, 0)
    (shop.folder / "old.tst").write_bytes(token)
    text = shop.run("asn1parse", "-inform", "DER", "-in", "old.tst").decode()
    assert "id-smime-aa-signingCertificate\n" in text
    assert rfc3161.verify(token, DATA).at == read.gen_time


def test_rsa_pss_holds_in_certificates_and_is_refused_in_tokens(shop: Shop) -> None:
    pss = shop.issue("pss-root", "root", key=tsa.PSS)
    shop.issue("pss-signer", "stamps", "pss-root", key=tsa.RSA)
    options = ("-md", "sha384", "-keyopt", "rsa_padding_mode:pss")
    token = shop.enveloped(imprint(DATA, at=FOREVER), "pss-signer", "pss-root", options=("-md", "sha384"))
    assert rfc3161.verify(token, DATA, roots=[pss]).trusted
    assert failure(shop.enveloped(imprint(DATA, at=FOREVER), "pss-signer", "pss-root", options=options)) == "stamp.signature"


def test_ed25519_is_refused_in_tokens(shop: Shop, chain: list[bytes]) -> None:
    signer = shop.issue("ed", "stamps", "above", key=tsa.ED25519)
    key = serialization.load_pem_private_key((shop.folder / "ed.key").read_bytes(), None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    token = handmade(imprint(DATA, at=FOREVER), [signer, *chain[1:]], key.sign, by=ED25519)
    assert failure(token) == "stamp.signature"


def test_sm2_holds_from_the_token_to_the_root(shop: Shop) -> None:
    top = shop.issue("sm2-root", "root", key=tsa.SM2)
    signer = shop.issue("sm2-signer", "stamps", "sm2-root", key=tsa.SM2)
    key = sm2.load_private((shop.folder / "sm2-signer.key").read_bytes())
    token = handmade(imprint(DATA, at=FOREVER, name=tsa.SM3), [signer, top], key.sign, by=SM2, digest=tsa.SM3)
    assert rfc3161.verify(token, DATA, roots=[top]).certificates == (signer, top)
    assert failure(handmade(imprint(DATA, at=FOREVER), [signer, top], lambda _: b"", by=SM2, digest=tsa.SM3)) == "stamp.signature"


def test_certificates_may_stand_in_any_order(chain: list[bytes], sign: Callable[[bytes], bytes]) -> None:
    ordered = handmade(imprint(DATA, at=FOREVER), chain, sign, by=ECDSA)
    assert rfc3161.verify(ordered, DATA).certificates == tuple(chain)
    # The SET of certificates is not signed, so that it can be turned around.
    backwards = ordered.replace(b"".join(chain), b"".join(reversed(chain)))
    assert backwards != ordered
    assert rfc3161.verify(backwards, DATA).certificates == tuple(chain)


def test_a_stamp_over_other_data_is_told(token: bytes) -> None:
    assert failure(token, DATA + b"\n") == "stamp.imprint"


@pytest.mark.parametrize("usage", ["stamps-softly", "stamps-and-mail", "anything"])
def test_a_certificate_for_other_purposes_is_told(shop: Shop, usage: str) -> None:
    shop.issue(usage, usage, "above")
    assert failure(shop.enveloped(imprint(DATA, at=FOREVER), usage, "above", "root")) == "stamp.purpose"


@pytest.mark.parametrize("at", ["20200101000000Z", "20990101000000.5Z"], ids=["before", "after"])
def test_a_certificate_that_is_not_valid_at_the_time_is_told(shop: Shop, at: str) -> None:
    assert failure(shop.enveloped(imprint(DATA, at=at), "signer", "above", "root")) == "stamp.chain"


@pytest.mark.parametrize("above", ["not-above", "no-signing", "too-deep", "mail-above", "odd-above"])
def test_a_certificate_of_somebody_who_may_not_issue_it_is_told(shop: Shop, above: str) -> None:
    if above == "too-deep":  # below an authority that may have none below it
        shop.issue(above, "root", "above")
    else:
        shop.issue(above, above, "root")
    shop.issue(f"by-{above}", "stamps", above)
    token = shop.enveloped(imprint(DATA, at=FOREVER), f"by-{above}", above, "above", "root")
    assert failure(token) == "stamp.chain"


def test_a_critical_extension_that_nobody_knows_is_told(shop: Shop) -> None:
    shop.issue("odd", "odd", "above")
    assert failure(shop.enveloped(imprint(DATA, at=FOREVER), "odd", "above", "root")) == "stamp.chain"


def test_a_chain_without_a_root_needs_one_named(shop: Shop, root: bytes) -> None:
    token = rfc3161.token(shop.answer(request(), "signer", "above"))
    assert failure(token) == "stamp.chain"
    assert rfc3161.verify(token, DATA, roots=[root]).root_der == root
    whole = rfc3161.completed(token, [root])
    assert rfc3161.verify(whole, DATA).root_der == root
    assert rfc3161.completed(whole, [root]) == whole


def test_a_root_that_nobody_named_is_told(shop: Shop, token: bytes, root: bytes) -> None:
    namesake = shop.issue("namesake", "root", subject="root")
    assert failure(token, roots=(namesake,)) == "stamp.untrusted"
    assert rfc3161.verify(token, DATA, roots=[namesake, root]).root_der == root


def test_a_root_that_is_none_is_the_readers_fault(token: bytes) -> None:
    with pytest.raises(Misused, match="root certificate"):
        rfc3161.verify(token, DATA, roots=[b"-----BEGIN CERTIFICATE-----"])


def test_a_chain_is_bounded(shop: Shop) -> None:
    """By the six certificates that a verifier of bundles reads of a token."""
    names = ["deep-0"]
    top = shop.issue("deep-0", "root")
    for i in range(1, 6):
        shop.issue(f"deep-{i}", "root", f"deep-{i - 1}")
        names.append(f"deep-{i}")
    shop.issue("at-4", "stamps", "deep-4")
    shop.issue("at-5", "stamps", "deep-5")
    info = imprint(DATA, at=FOREVER)
    assert len(rfc3161.verify(shop.enveloped(info, "at-4", *names[:5]), DATA, roots=[top]).certificates) == 6
    assert len(rfc3161.verify(shop.enveloped(info, "at-5", *names[1:]), DATA, roots=[top]).certificates) == 7
    assert failure(shop.enveloped(info, "at-5", *names), roots=(top,)) == "stamp.malformed"


def test_odd_tokens_are_told(chain: list[bytes], sign: Callable[[bytes], bytes]) -> None:
    info = imprint(DATA, at=FOREVER)
    other = encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, encode(OCTET_STRING, hashlib.sha256(chain[1]).digest()))))
    twice = encode(SEQUENCE, encode(OID, _asn1.oid("1.2.840.113549.1.9.3")), encode(_asn1.SET, encode(_asn1.NULL)))
    told = {
        "binds another": failure(handmade(info, chain, sign, by=ECDSA, binding=other)),
        "binds none": failure(handmade(info, chain, sign, by=ECDSA, binding=b"")),
        "SHA-1": failure(handmade(info, chain, sign, by=ECDSA, digest=tsa.SHA1)),
        "another content": failure(handmade(info, chain, sign, by=ECDSA, kind="1.2.840.113549.1.7.1")),
        "ECDSA with SHA-384 beside SHA-256": failure(handmade(info, chain, sign, by="1.2.840.10045.4.3.3")),
        "an attribute twice": failure(handmade(info, chain, sign, by=ECDSA, further=twice)),
        "unsigned attributes": failure(handmade(info, chain, sign, by=ECDSA, unsigned=encode(0xA1))),
        "revocations": failure(handmade(info, chain, sign, by=ECDSA, revocations=encode(0xA1))),
        "version": failure(handmade(info, chain, sign, by=ECDSA, version=1)),
        "many certificates": failure(handmade(info, [chain[0]] * 33, sign, by=ECDSA)),
        "no day": failure(handmade(imprint(DATA, at="20260231000000Z"), chain, sign, by=ECDSA)),
        "local time": failure(handmade(imprint(DATA, at="20260101000000+0100"), chain, sign, by=ECDSA)),
        "an endless accuracy": failure(
            handmade(imprint(DATA, at=FOREVER, tail=encode(SEQUENCE, integer(1 << 400))), chain, sign, by=ECDSA)
        ),
        "a critical extension": failure(
            handmade(imprint(DATA, at=FOREVER, tail=encode(0xA1, critical())), chain, sign, by=ECDSA)
        ),
    }
    signature = {"binds another", "binds none", "SHA-1", "another content", "ECDSA with SHA-384 beside SHA-256"}
    assert told == {name: "stamp.signature" if name in signature else "stamp.malformed" for name in told}


def critical() -> bytes:
    return encode(SEQUENCE, encode(OID, _asn1.oid("1.2.3")), _asn1.TRUE, encode(OCTET_STRING, b""))


def test_any_changed_byte_is_told(token: bytes) -> None:
    survived = [(i, bit) for bit in (0x01, 0x80) for i in range(len(token)) if holds(flipped(token, i, bit))]
    assert survived == []


def test_with_a_root_named_its_copy_in_the_token_is_without_meaning(token: bytes, root: bytes) -> None:
    start = token.find(root)
    survived = {i for i in range(len(token)) if holds(flipped(token, i, 0x01), (root,))}
    assert survived <= set(range(start, start + len(root)))


def flipped(token: bytes, place: int, bit: int) -> bytes:
    return token[:place] + bytes([token[place] ^ bit]) + token[place + 1 :]


def holds(token: bytes, roots: tuple[bytes, ...] = ()) -> bool:
    try:
        rfc3161.verify(token, DATA, roots=roots)
    except (Malformed, Unproven):
        return False
    return True


def test_whatever_is_cut_off_or_put_behind_is_malformed(token: bytes) -> None:
    assert {failure(token[:end]) for end in range(0, len(token), 7)} == {"stamp.malformed"}
    assert failure(token + b"\0") == "stamp.malformed"


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x30\x80" * 30_000,
        encode(SEQUENCE, b"\x05\0" * 30_000),
        b"\x30\x84\xff\xff\xff\xff",
        encode(SEQUENCE, bytes(1 << 20)),
        b"\x3f\x81\x01",
        encode(SEQUENCE, encode(OID, b"\xff" * 60_000)),
    ],
    ids=["endless", "many", "long", "large", "tag", "oid"],
)
def test_hostile_bytes_are_malformed(hostile: bytes) -> None:
    assert failure(hostile) == "stamp.malformed"
    with pytest.raises(Malformed):
        rfc3161.token(hostile)


def test_what_an_authority_says_when_it_refuses_is_told() -> None:
    text = encode(SEQUENCE, encode(_asn1.UTF8_STRING, "closed\x1b[2J for 节日".encode()))
    answer = encode(SEQUENCE, encode(SEQUENCE, integer(2), text, encode(BIT_STRING, b"\x05\x20")))
    with pytest.raises(Unavailable, match=r"rejection: closed \[2J for 节日; badRequest") as caught:
        rfc3161.token(answer)
    assert caught.value.code == "stamp.refused"
    assert "\x1b" not in str(caught.value)


def test_an_authority_of_openssl_stamps_and_openssl_accepts_what_is_kept(shop: Shop, root: bytes) -> None:
    with serving(shop, "signer", "above") as url:
        stamp = HttpAuthority(url, roots=[root]).stamp(DATA)
    assert stamp.authority == url
    assert stamp.at == rfc3161.verify(stamp.token, DATA).at >= NOW
    assert root in rfc3161.read(stamp.token).certificates, "a stranger finds the way to the root"
    (shop.folder / "checkpoint.txt").write_bytes(DATA)
    (shop.folder / "checkpoint.tst").write_bytes(stamp.token)
    judged = ("ts", "-verify", "-data", "checkpoint.txt", "-in", "checkpoint.tst", "-token_in", "-CAfile", "root.pem")
    assert b"Verification: OK" in shop.run(*judged)


def test_an_answer_that_does_not_hold_is_told(shop: Shop, token: bytes, root: bytes) -> None:
    replayed = encode(SEQUENCE, encode(SEQUENCE, integer(0)), token)
    cases: dict[str, tuple[int, dict[str, str], bytes]] = {
        "stamp.nonce": (200, {}, replayed),
        "stamp.malformed": (200, {}, b"<html>"),
        "stamp.unreachable": (503, {}, b""),
        "stamp.refused": (200, {}, encode(SEQUENCE, encode(SEQUENCE, integer(2)))),
    }
    with serving(shop, "signer", "above", answers=list(cases.values())) as url:
        for code in cases:
            with pytest.raises(MingwenError) as caught:
                HttpAuthority(url, roots=[root]).stamp(DATA)
            assert caught.value.code == code


@pytest.mark.parametrize(
    "answer",
    [(302, {"Location": "file:///etc/passwd"}, b""), (301, {"Location": "/elsewhere"}, b""), (200, {}, bytes((1 << 16) + 1))],
    ids=["scheme", "place", "large"],
)
def test_nothing_is_followed_and_nothing_large_is_taken(shop: Shop, answer: tuple[int, dict[str, str], bytes]) -> None:
    with serving(shop, "signer", answers=[answer]) as url, pytest.raises(Unavailable) as caught:
        HttpAuthority(url).stamp(DATA)
    assert caught.value.code == "stamp.unreachable"


def test_silence_is_told() -> None:
    with create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable, match="timed out") as caught:
        HttpAuthority(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_seconds=0.2).stamp(DATA)
    assert caught.value.code == "stamp.unreachable"


@pytest.mark.parametrize(
    "url", ["", "ftp://a/", "file:///etc/passwd", "http://", "http://me:secret@a/", "http://a:x/", "http://a b/"]
)
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(Misused) as caught:
        HttpAuthority(url)
    assert caught.value.code == "stamp.address"


def test_old_keys_are_refused(shop: Shop) -> None:
    short = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    shop.issue("short", "stamps", "above", key=short)
    assert failure(shop.enveloped(imprint(DATA, at=FOREVER), "short", "above", "root")) == "stamp.signature"

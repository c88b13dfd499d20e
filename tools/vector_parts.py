"""What the vectors of bundles are made of: keys from seeds, a witness, time-stamping authorities; no chance anywhere."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import ExtendedKeyUsageOID

from mingwen.domain import _der
from mingwen.domain.digests import sm3
from mingwen.proofs import merkle, notes, verifier
from mingwen.proofs.notes import Key, Kind, Note, Signature

FOLDER = Path(__file__).parent.parent / "tests/vectors/bundles"
KEPT = FOLDER / "kept.json"
"""What only chance can make, made once: an RSA key, and signatures by ML-DSA. Test keys, nobody's."""
START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ORIGIN = "example.com/log"


def seed(name: str) -> bytes:
    return hashlib.sha256(b"mingwen vectors " + name.encode()).digest()


def kept(name: str, make: str | None = None) -> str | None:
    """Return what is kept under a name, or keep it."""
    all_kept: dict[str, str] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if name not in all_kept and make is not None:
        KEPT.write_text(json.dumps({**all_kept, name: make}, indent=1, sort_keys=True) + "\n")
    return all_kept.get(name, make)


class Signer:
    """A key that signs notes, made from a seed."""

    def __init__(self, name: str, kind: Kind, seeded: str = "") -> None:
        self.kind, self.seed = kind, seed(seeded or name + kind.name)
        if kind is Kind.SM2:
            point = multiplied(int.from_bytes(self.seed) % verifier.N)
            public = b"\4" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
        elif kind is Kind.ML_DSA_44:
            public = MLDSA44PrivateKey.from_seed_bytes(self.seed).public_key().public_bytes_raw()
        else:
            public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        self.key = Key(name, kind, public)

    def sign(self, text: str, at: datetime = START) -> Signature:
        seconds = int(at.timestamp())
        message = notes.message(text, self.key, seconds)
        if self.kind is Kind.SM2:
            raw = sm2_signature(int.from_bytes(self.seed) % verifier.N, self.key.public, message)
        elif self.kind is Kind.ML_DSA_44:
            name = f"ml-dsa {hashlib.sha256(self.key.public + message).hexdigest()}"
            made = kept(name) or kept(name, base64.b64encode(MLDSA44PrivateKey.from_seed_bytes(self.seed).sign(message)).decode())
            raw = base64.b64decode(made or "")
        else:
            raw = Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
        return Signature(self.key.name, self.key.id, notes.value(self.key, seconds, raw))


def multiplied(factor: int) -> tuple[int, int]:
    """Return that multiple of the generator of SM2's curve."""
    total = (1, 1, 0)
    for bit in f"{factor:b}":
        total = verifier.added(total, total)
        total = verifier.added(total, (*verifier.G, 1)) if bit == "1" else total
    x, y, z = total
    over = pow(z, -1, verifier.P)
    return x * over**2 % verifier.P, y * over**3 % verifier.P


def sm2_signature(secret: int, public: bytes, message: bytes) -> bytes:
    """Sign as GB/T 32918.2 §6 does, with a k from the message: for vectors alone."""
    about = b"".join(v.to_bytes(32, "big") for v in (verifier.P - 3, verifier.B, *verifier.G))
    e = int.from_bytes(sm3(sm3(b"\0\x80" + b"1234567812345678" + about + public[1:]) + message))
    k = int.from_bytes(hashlib.sha256(secret.to_bytes(32, "big") + message).digest()) % verifier.N
    r = (e + multiplied(k)[0]) % verifier.N
    s = pow(1 + secret, -1, verifier.N) * (k - r * secret) % verifier.N
    return _der.encode(_der.SEQUENCE, _der.integer(r), _der.integer(s))


LOG = Signer(ORIGIN, Kind.ED25519)
LOG_SM2 = Signer(ORIGIN, Kind.SM2)
LOG_ML_DSA = Signer(ORIGIN, Kind.ML_DSA_44)
OTHER_LOG = Signer(ORIGIN, Kind.ED25519, "another key of the same name")
WITNESS = Signer("witness.example/one", Kind.COSIGNATURE)
WITNESS_ML_DSA = Signer("witness.example/two", Kind.ML_DSA_44)
STRANGER = Signer("witness.example/stranger", Kind.COSIGNATURE)


def nodes(leaves: list[bytes]) -> merkle.Node:
    def node(level: int, number: int) -> bytes:
        if level == 0:
            return merkle.leaf_hash(leaves[number])
        return merkle.node_hash(node(level - 1, 2 * number), node(level - 1, 2 * number + 1))

    return node


def signed(text: str, *signatures: Signature) -> str:
    return str(Note(text, signatures))


# Time stamps -------------------------------------------------------------------------------------------------------------------
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
OIDS = {
    "sha1": "2b0e03021a", "sha256": "608648016503040201", "sha512": "608648016503040203", "sm3": "2a811ccf55018311",
    "signed-data": "2a864886f70d010702", "tst-info": "2a864886f70d0109100104", "type": "2a864886f70d010903",
    "digest": "2a864886f70d010904", "ess": "2a864886f70d010910022f", "ecdsa": "2a8648ce3d040302", "rsa": "2a864886f70d010101",
    "policy": "2a0304",
}  # fmt: skip


def oid(name: str) -> bytes:
    return _der.encode(_der.OID, bytes.fromhex(OIDS[name]))


def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(seed(name)[:31]), ec.SECP256R1())


def rsa_key(name: str = "rsa", bits: int = 2048) -> rsa.RSAPrivateKey:
    pem = kept(name)
    if not pem:
        made = rsa.generate_private_key(65537, bits)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        kept(name, pem)
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - it was made above
    return key


class Authority:
    """A certificate and its key."""

    def __init__(  # noqa: PLR0913 - what may be wrong with a certificate
        self,
        name: str,
        key: PrivateKey,
        above: "Authority | None" = None,
        *,
        ends: datetime = START + timedelta(days=3650),
        critical: bool = True,
        purposes: tuple[x509.ObjectIdentifier, ...] | None = (ExtendedKeyUsageOID.TIME_STAMPING,),
        authority: bool = False,
    ) -> None:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder(
            issuer_name=above.cert.subject if above else subject,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=int.from_bytes(seed(name)[:8]) | 1 << 62,
            not_valid_before=START - timedelta(days=365),
            not_valid_after=ends,
        ).add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if purposes and not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
        signer = above.key if above else key
        self.key: PrivateKey = key
        self.above = above
        self.cert: x509.Certificate = builder.sign(
            signer, hashes.SHA256(), ecdsa_deterministic=isinstance(signer, ec.EllipticCurvePrivateKey) or None
        )

    @property
    def der(self) -> bytes:
        return self.cert.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.cert.public_bytes(serialization.Encoding.PEM)


ROOT = Authority("Test root", ec_key("root"), authority=True)
TSA = Authority("Test time-stamping authority", ec_key("tsa"), ROOT)
OTHER_ROOT = Authority("Another test root", ec_key("other root"), authority=True)


def token(  # noqa: PLR0913 - what may be wrong with a token
    text: str,
    at: datetime,
    by: Authority = TSA,
    *,
    certificates: tuple[Authority, ...] | None = None,
    imprint_by: str = "sha256",
    flipped: bool = False,
    of_other: bool = False,
) -> bytes:
    """Make a TimeStampToken over a checkpoint's text."""
    sequence, set_, octets = _der.SEQUENCE, 0x31, _der.OCTET_STRING
    imprint = sm3(text.encode()) if imprint_by == "sm3" else hashlib.new(imprint_by, text.encode()).digest()
    algorithm = _der.encode(sequence, oid("sha256"))
    info = _der.encode(
        sequence,
        _der.integer(1),
        oid("policy"),
        _der.encode(sequence, _der.encode(sequence, oid(imprint_by)), _der.encode(octets, imprint)),
        _der.integer(int(at.timestamp())),
        _der.encode(0x18, at.strftime("%Y%m%d%H%M%SZ").encode()),
    )
    ess = _der.encode(
        sequence, _der.encode(sequence, _der.encode(sequence, _der.encode(octets, hashlib.sha256(by.der).digest())))
    )
    digest = hashlib.sha256(info + b"!" * of_other).digest()
    said = [("type", oid("tst-info")), ("digest", _der.encode(octets, digest)), ("ess", ess)]
    attributes = b"".join(sorted(_der.encode(sequence, oid(name), _der.encode(set_, value)) for name, value in said))
    message = _der.encode(set_, attributes)
    if isinstance(by.key, rsa.RSAPrivateKey):
        signature, kind = by.key.sign(message, PKCS1v15(), hashes.SHA256()), "rsa"
    else:
        signature, kind = by.key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)), "ecdsa"
    if flipped:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    issuer = by.cert.issuer.public_bytes()
    signer = _der.encode(
        sequence,
        _der.integer(1),
        _der.encode(sequence, issuer, _der.integer(by.cert.serial_number)),
        algorithm,
        _der.encode(0xA0, attributes),
        _der.encode(sequence, oid(kind)),
        _der.encode(octets, signature),
    )
    held = certificates if certificates is not None else (by, *((by.above,) if by.above else ()))
    data = _der.encode(
        sequence,
        _der.integer(3),
        _der.encode(set_, algorithm),
        _der.encode(sequence, oid("tst-info"), _der.encode(0xA0, _der.encode(octets, info))),
        _der.encode(0xA0, *sorted(a.der for a in held)),
        _der.encode(set_, signer),
    )
    return _der.encode(sequence, oid("signed-data"), _der.encode(0xA0, data))

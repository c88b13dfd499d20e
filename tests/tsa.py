"""A real time-stamping authority on this machine, made of openssl: certificates, and a server around ``openssl ts``."""

import base64
import hashlib
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from mingwen.domain._der import OCTET_STRING, OID, SEQUENCE, encode, integer
from mingwen.proofs._asn1 import GENERALIZED_TIME, SET, oid
from mingwen.proofs._certificates import certificate

CONFIGURATION = """
[req]
distinguished_name = dn
prompt = no
[dn]
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[above]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[not-above]
basicConstraints = critical, CA:false
[no-signing]
basicConstraints = critical, CA:true
keyUsage = critical, cRLSign
[stamps]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
[stamps-softly]
extendedKeyUsage = timeStamping
[stamps-and-mail]
extendedKeyUsage = critical, timeStamping, emailProtection
[anything]
basicConstraints = critical, CA:false
[odd-above]
basicConstraints = critical, CA:true
1.2.3.4 = critical, ASN1:NULL
[odd]
extendedKeyUsage = critical, timeStamping
1.2.3.4 = critical, ASN1:NULL
[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha1, sha256, sha384, sha512, sm3
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = 6
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
"""
EC, P384, RSA, PSS, ED25519, SM2 = (
    ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    ("-algorithm", "ED25519"),
    ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"),
)

_SM3 = ("-sm3", "-sigopt", "distid:1234567812345678")


def openssl(*arguments: str | Path, cwd: Path, given: bytes | None = None) -> bytes:
    """Run openssl in a folder; return what it prints."""
    done = subprocess.run(("openssl", *arguments), cwd=cwd, input=given, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, (arguments, done.stderr.decode(errors="replace"))
    return done.stdout


def der(pem: Path) -> bytes:
    """Undo the armour of one certificate."""
    return base64.b64decode("".join(line for line in pem.read_text().splitlines() if not line.startswith("-----")))


class Shop:
    """Keys and certificates in a folder; each is a ``NAME.key`` and a ``NAME.pem``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: dict[str, Sequence[str]] = {}
        (folder / "openssl.cnf").write_text(CONFIGURATION)
        (folder / "serial").write_text("0A1B2C\n")

    def issue(  # the knobs of a certificate
        self, name: str, usage: str, above: str = "", *, key: Sequence[str] = EC, days: int = 3650, subject: str = ""
    ) -> bytes:
        """Make a certificate, self-signed where nobody is ``above`` it; return it in DER. With negative ``days`` it is over."""
        self.run("genpkey", *key, "-out", f"{name}.key")
        self.keys[name] = key
        subject_options, issuer_options = (_SM3 if self.keys[n] is SM2 else () for n in (name, above or name))
        asked = ("-config", "openssl.cnf", "-key", f"{name}.key", "-subj", f"/O=TEST ONLY/CN={subject or name}")
        self.run("req", "-new", *asked, "-out", f"{name}.csr", *subject_options)
        signed_by = ("-CA", f"{above}.pem", "-CAkey", f"{above}.key", "-CAcreateserial") if above else ("-signkey", f"{name}.key")
        ending = ("-extfile", "openssl.cnf", "-extensions", usage, "-days", str(days), "-out", f"{name}.pem")
        own = ("-vfyopt", *_SM3[-1:]) if subject_options else ()
        self.run("x509", "-req", "-in", f"{name}.csr", *signed_by, *ending, *issuer_options, *own)
        return der(self.folder / f"{name}.pem")

    def run(self, *arguments: str, given: bytes | None = None) -> bytes:
        """Run openssl here."""
        return openssl(*arguments, cwd=self.folder, given=given)

    def chain(self, *names: str) -> str:
        """Write certificates into one file; return its name."""
        file = "+".join(names) + ".chain"
        (self.folder / file).write_bytes(b"".join((self.folder / f"{n}.pem").read_bytes() for n in names))
        return file

    def answer(self, request: bytes, signer: str, *others: str, digest: str = "sha256") -> bytes:
        """Return the TimeStampResp of ``openssl ts``, with these certificates in it."""
        (self.folder / "request.tsq").write_bytes(request)
        who = ("-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-chain", self.chain(*others), f"-{digest}")
        self.run("ts", "-reply", "-config", "openssl.cnf", "-queryfile", "request.tsq", *who, "-out", "answer.tsr")
        return (self.folder / "answer.tsr").read_bytes()

    def enveloped(self, info: bytes, signer: str, *others: str, options: Sequence[str] = ("-md", "sha256")) -> bytes:
        """Return a token around any TSTInfo, signed by ``openssl cms``."""
        (self.folder / "info").write_bytes(info)
        what = ("-in", "info", "-binary", "-nodetach", "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-cades", "-outform", "DER")
        who = ("-signer", f"{signer}.pem", "-inkey", f"{signer}.key", *(("-certfile", self.chain(*others)) if others else ()))
        return self.run("cms", "-sign", *what, *who, *options)


@contextmanager
def serving(shop: Shop, signer: str, *others: str, answers: Sequence[tuple[int, dict[str, str], bytes]] = ()) -> Iterator[str]:
    """Answer time-stamp requests over HTTP; ``answers`` are given first, as they are. Yields the address."""
    waiting = list(answers)

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, body = waiting.pop(0) if waiting else (200, {}, shop.answer(asked, signer, *others))
            self.send_response(status)
            for name, value in (
                {"Content-Type": "application/timestamp-reply", "Content-Length": str(len(body))} | headers
            ).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - where a redirection leads

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/tsa"
        finally:
            server.shutdown()
            thread.join()


SHA256, SHA1, SM3 = "2.16.840.1.101.3.4.2.1", "1.3.14.3.2.26", "1.2.156.10197.1.401"
_NAMES = {SHA256: "sha256", SHA1: "sha1", SM3: "sm3"}


def algorithm(name: str) -> bytes:
    """Write an AlgorithmIdentifier without parameters."""
    return encode(SEQUENCE, encode(OID, oid(name)))


def handmade(  # the knobs of a token
    info: bytes,
    certificates: Sequence[bytes],
    sign: Callable[[bytes], bytes],
    *,
    by: str,
    digest: str = SHA256,
    binding: bytes | None = None,
    unsigned: bytes = b"",
    version: int = 3,
    kind: str = "1.2.840.113549.1.9.16.1.4",
    revocations: bytes = b"",
    further: bytes = b"",
) -> bytes:
    """Write a token as openssl would not: ``certificates`` as they come, the signer's first; ``by`` names the signature."""
    signer = certificate(certificates[0])
    bound = encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, encode(OCTET_STRING, hashlib.sha256(signer.der).digest()))))
    attributes = b"".join(
        encode(SEQUENCE, encode(OID, oid(name)), encode(SET, value))
        for name, value in (
            ("1.2.840.113549.1.9.3", encode(OID, oid(kind))),
            ("1.2.840.113549.1.9.4", encode(OCTET_STRING, hashlib.new(_NAMES[digest], info).digest())),
            ("1.2.840.113549.1.9.16.2.47", bound if binding is None else binding),
        )
        if value
    )
    attributes += further
    who = encode(SEQUENCE, signer.issuer, signer.serial)
    value = encode(OCTET_STRING, sign(encode(SET, attributes)))
    parts = (integer(1), who, algorithm(digest), encode(0xA0, attributes), algorithm(by), value, unsigned)
    content = encode(SEQUENCE, encode(OID, oid("1.2.840.113549.1.9.16.1.4")), encode(0xA0, encode(OCTET_STRING, info)))
    held = encode(0xA0, *certificates)
    signed = encode(
        SEQUENCE,
        integer(version),
        encode(SET, algorithm(digest)),
        content,
        held,
        revocations,
        encode(SET, encode(SEQUENCE, *parts)),
    )
    return encode(SEQUENCE, encode(OID, oid("1.2.840.113549.1.7.2")), encode(0xA0, signed))


def imprint(data: bytes, *, at: str, tail: bytes = b"", name: str = SHA256) -> bytes:
    """Write a TSTInfo over ``data``; ``tail`` is what stands behind the time."""
    over = encode(SEQUENCE, algorithm(name), encode(OCTET_STRING, hashlib.new(_NAMES[name], data).digest()))
    time = encode(GENERALIZED_TIME, at.encode())
    return encode(SEQUENCE, integer(1), encode(OID, oid("1.2.3.4.1")), over, integer(7), time, tail)

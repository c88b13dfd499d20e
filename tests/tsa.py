"""A real time-stamping authority on this machine, made of openssl: certificates, and a server around ``openssl ts``."""

import base64
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

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
        who = ("-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-chain", self.chain(*others, signer), f"-{digest}")
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

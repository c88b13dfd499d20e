"""Keys that sign manifests: files, programs, tokens, and the command that makes a test chain."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from manifest_chain import STATEMENT, Chain, Stuck, read, signed
from mingwen import wiring
from mingwen.adapters.manifests import keys, tokens
from mingwen.adapters.manifests.c2pa_manifests import Signing
from mingwen.domain.errors import Malformed, Misused, Refused, Unavailable
from mingwen.domain.manifests import Agent, Disclosure, State, System


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def png(media: Path) -> bytes:
    out = io.BytesIO()
    with Image.open(media / "chelsea.png") as image:
        image.resize((150, 100)).save(out, "png")
    return out.getvalue()


def openssl_key(folder: Path, *words: str) -> Chain:
    """A chain for a key that OpenSSL makes: a leaf under a root, both for the algorithm."""
    other = Chain.__new__(Chain)
    other.key, other.chain = folder / "key.pem", folder / "chain.pem"
    config = folder / "c.cnf"
    config.write_text(
        "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n"
        "subjectKeyIdentifier=hash\n[leaf]\nbasicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=emailProtection\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )

    def openssl(*arguments: str) -> None:
        subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)

    new = ("-newkey", *words, "-noenc", "-config", "c.cnf")
    openssl(
        "req", "-x509", *new, "-subj", "/O=TEST ONLY/CN=r", "-extensions", "ca", "-keyout", "r.key", "-out", "r.pem", "-days", "9"
    )
    openssl("req", *new, "-subj", "/O=TEST ONLY/CN=Mingwen test signer", "-keyout", "key.pem", "-out", "l.csr")
    digest = [w for w in words if w.startswith("-sha")]
    ca = ("-CA", "r.pem", "-CAkey", "r.key", "-CAcreateserial", "-extfile", "c.cnf", "-extensions", "leaf", *digest)
    openssl("x509", "-req", "-in", "l.csr", *ca, "-out", "l.pem", "-days", "9")
    other.key.chmod(0o600)
    other.root = (folder / "r.pem").read_text()
    other.chain.write_text((folder / "l.pem").read_text() + other.root)
    return other


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        ("es384", ("ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384")),
        ("es512", ("ec", "-pkeyopt", "ec_paramgen_curve:P-521", "-sha512")),
        ("ps256", ("rsa:2048",)),
        ("ps512", ("rsa:2048",)),
        ("ed25519", ("ed25519",)),
    ],
)
def test_every_algorithm_signs(png: bytes, tmp_path: Path, algorithm: str, words: tuple[str, ...]) -> None:
    other = openssl_key(tmp_path, *words)
    out = signed(other.port(signing=other.signing(algorithm=algorithm)), png, "image/png")
    assert read(other.port(trust=other.root), out, "image/png").state is State.TRUSTED


def test_a_program_signs(chain: Chain, png: bytes) -> None:
    command = f"exec:openssl dgst -sha256 -sign '{chain.key}'"  # prints DER, as the clouds' tools do
    out = signed(chain.port(signing=chain.signing(command)), png, "image/png")
    assert read(chain.port(trust=chain.root), out, "image/png").state is State.TRUSTED


@pytest.mark.parametrize("command", ["exec:false", "exec:no-such-program", "exec:", "exec:cat"])
def test_a_program_that_fails_is_our_error(chain: Chain, png: bytes, command: str) -> None:
    with pytest.raises((Unavailable, Refused)) as caught:
        signed(chain.port(signing=chain.signing(command)), png, "image/png")
    assert caught.value.code == ("key.mismatch" if "cat" in command else "signer.failed")


def test_a_key_of_another_chain_signs_nothing(chain: Chain, png: bytes, tmp_path: Path) -> None:
    other = Chain(tmp_path)
    with pytest.raises(Refused) as caught:
        signed(chain.port(signing=chain.signing(str(other.key))), png, "image/png")
    assert caught.value.code == "key.mismatch"
    with pytest.raises(Misused) as wrong:
        signed(chain.port(signing=chain.signing(algorithm="ps256")), png, "image/png")
    assert wrong.value.code == "key.algorithm"


def test_a_key_file_is_for_its_owner_alone(chain: Chain, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(chain.key.read_bytes())
    key.chmod(0o644)
    with pytest.raises(Refused) as caught:
        chain.signing(str(key))
    assert caught.value.code == "key.permissions"
    key.chmod(0o600)
    key.write_bytes(chain.chain.read_bytes())
    with pytest.raises(Malformed) as malformed:
        chain.signing(str(key))
    assert malformed.value.code == "key.not-private"
    with pytest.raises(Unavailable):
        chain.signing(str(tmp_path / "none"))


SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"


def test_a_token_signs(chain: Chain, png: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    for words in (
        ("--init-token", "--free", "--label", "a token", "--pin", "1234", "--so-pin", "5678"),
        ("--import", str(chain.key), "--token", "a token", "--label", "a key", "--id", "A1B2", "--pin", "1234"),
    ):
        subprocess.run(("softhsm2-util", *words), check=True, capture_output=True)
    for name in ("object=a%20key", "id=%A1%B2", "object=a%20key;id=%A1%B2;type=private"):
        uri = f"pkcs11:token=a%20token;{name}?module-path={SOFTHSM}"
        sign = keys.signing(uri, keys.ALGORITHMS["es256"], chain.chain.read_bytes(), b"1234")
        signing = Signing(sign, "es256", chain.chain.read_text())
        out = signed(chain.port(signing=signing), png, "image/png")
        assert read(chain.port(trust=chain.root), out, "image/png").state is State.TRUSTED
    for uri, pin in (
        (f"pkcs11:token=a%20token;object=other?module-path={SOFTHSM}", b"1234"),
        (f"pkcs11:token=a%20token;object=a%20key?module-path={SOFTHSM}", b"4321"),
        (f"pkcs11:token=none;object=a%20key?module-path={SOFTHSM}", b"1234"),
        ("pkcs11:token=a%20token;object=a%20key?module-path=/no/such.so", b"1234"),
    ):
        with pytest.raises(Unavailable) as caught:
            tokens.signing(uri, "es256", pin)(b"x")
        assert caught.value.code == "signer.failed"


def test_a_token_without_the_extra_says_what_to_install(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    monkeypatch.delitem(sys.modules, tokens.__name__)
    monkeypatch.delattr("mingwen.adapters.manifests.tokens")
    with pytest.raises(Misused) as caught:
        chain.signing("pkcs11:object=a?module-path=/m.so")
    assert (caught.value.code, caught.value.hint) == ("key.pkcs11", "run: pip install 'mingwen[pkcs11]'")


@pytest.mark.parametrize("uri", ["pkcs11:", "pkcs11:object=a", "pkcs11:object=a?module-path=/m.so&pin-value=1", "pkcs11:a?b"])
def test_a_tokens_uri_is_checked(uri: str) -> None:
    with pytest.raises(Misused) as caught:
        tokens.signing(uri, "es256", None)
    assert caught.value.code == "key.pkcs11"


def test_the_configured_port_signs_with_the_chain_that_the_command_makes(
    run: Callable[..., "subprocess.CompletedProcess[bytes]"], library: None, png: bytes, tmp_path: Path
) -> None:
    said = run("key", "new", "--c2pa", "-o", "mine").stdout
    assert b"TEST chain" in said
    assert {p.name: p.stat().st_mode & 0o777 for p in tmp_path.glob("mine.*")}["mine.key.pem"] == 0o600
    assert b"key.exists" in run("key", "new", "--c2pa", "-o", "mine", status=None).stderr
    (tmp_path / "folder").mkdir()
    assert json.loads(run("key", "new", "--c2pa", "-o", "folder", "--json").stdout)["root"] == "folder/mingwen-test.root.pem"
    config = wiring.configuration(
        manifest_key=str(tmp_path / "mine.key.pem"),
        manifest_chain=str(tmp_path / "mine.chain.pem"),
        manifest_trust=[str(tmp_path / "mine.root.pem")],
        manifest_agent="Painter/3",
        manifest_model="M",
    )
    assert wiring.system(config) == System(Agent("Painter", "3"), Disclosure("M"))
    port, sink = wiring.world(config).manifests, io.BytesIO()
    assert port.sign(io.BytesIO(png), sink, "image/png", STATEMENT, None) is None
    found = port.read(sink, "image/png", None)
    assert found
    assert found.state is State.TRUSTED
    with pytest.raises(Unavailable) as full:
        port.sign(io.BytesIO(png), Stuck(), "image/png", STATEMENT, None)
    assert full.value.code == "disk.full"
    with pytest.raises(Misused) as unset:
        wiring.world(wiring.configuration()).manifests.sign(io.BytesIO(), io.BytesIO(), "image/png", STATEMENT, None)
    assert unset.value.code == "manifest.key"
    (tmp_path / "mine.root.pem").write_text("no certificate")
    with pytest.raises(Malformed) as no_root:
        wiring.world(config).manifests.read(sink, "image/png", None)
    assert no_root.value.code == "manifest.chain"

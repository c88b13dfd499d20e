"""``mingwen key``."""

from pathlib import Path

from mingwen.adapters.files.disk import staged
from mingwen.adapters.signers import sm2 as signer
from mingwen.cli import exits
from mingwen.cli.terminal import clean, line, object_line
from mingwen.domain import sm2
from mingwen.domain.errors import Misused


def new(output: str, *, as_json: bool) -> int:
    """Make a key pair; neither file may exist."""
    path = Path(output)
    if not path.name:
        raise Misused("usage.name", f"expected a file's name, got {output!r}", hint="for example -o key.pem")
    public_path = path.with_suffix(".pub.pem")
    private, public = signer.new_key()
    with staged(public_path, replace=False) as file:
        file.write(public)
        signer.save_private(path, private)
    fingerprint = sm2.fingerprint(signer.load_public(public))
    if as_json:
        object_line({"private": str(path), "public": str(public_path), "fingerprint": fingerprint})
        return exits.WELL
    line(f"private key {clean(output)} (mode 0600; keep it and a copy of it safe)")
    line(f"public key  {clean(str(public_path))}")
    line(f"fingerprint {fingerprint}")
    line(f"sign labels: mingwen label --key {clean(output)} FILE   or   key.file in `mingwen config --path`")
    return exits.WELL


def show(name: str, *, as_json: bool) -> int:
    """Print a fingerprint."""
    fingerprint = signer.fingerprint_of(Path(name))
    if as_json:
        object_line({"file": name, "fingerprint": fingerprint})
    else:
        line(fingerprint)
    return exits.WELL

"""``mingwen key``."""

from pathlib import Path

from mingwen import wiring
from mingwen.cli import exits
from mingwen.cli.terminal import clean, line, object_line
from mingwen.domain.errors import Misused


def new(output: str, *, as_json: bool) -> int:
    """Make a key pair; neither file may exist."""
    path = Path(output)
    if not path.name:
        raise Misused("usage.name", f"expected a file's name, got {output!r}", hint="for example -o key.pem")
    public_path, fingerprint = wiring.new_key(path)
    if as_json:
        object_line({"private": str(path), "public": str(public_path), "fingerprint": fingerprint})
        return exits.WELL
    line(f"private key {clean(output)} (mode 0600; keep it and a copy of it safe)")
    line(f"public key  {clean(str(public_path))}")
    line(f"fingerprint {fingerprint}")
    line(f"sign labels: mingwen label --key {clean(output)} FILE, or set key.file in the file that `mingwen config --path` names")
    return exits.WELL


def show(name: str, *, as_json: bool) -> int:
    """Print a fingerprint."""
    fingerprint = wiring.fingerprint_of(Path(name))
    if as_json:
        object_line({"file": name, "fingerprint": fingerprint})
    else:
        line(fingerprint)
    return exits.WELL

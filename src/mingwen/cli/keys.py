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


def new_chain(prefix: str, *, as_json: bool) -> int:
    """Make a test chain for C2PA; none of its files may exist."""
    key, chain, root = wiring.new_chain(Path(prefix))
    if as_json:
        object_line({"private": str(key), "chain": str(chain), "root": str(root), "test": True})
        return exits.WELL
    line("This is a TEST chain: nobody outside trusts it. For the public, get a certificate from an authority on C2PA's list.")
    line(f"private key  {clean(str(key))} (mode 0600)")
    line(f"certificates {clean(str(chain))}")
    line(f"root         {clean(str(root))} (add it to manifest.trust to see your own files as trusted)")
    line(f'sign: set manifest.key = "{clean(str(key))}" and manifest.chain = "{clean(str(chain))}"')
    return exits.WELL


def show(name: str, *, as_json: bool) -> int:
    """Print a fingerprint."""
    fingerprint = wiring.fingerprint_of(Path(name))
    if as_json:
        object_line({"file": name, "fingerprint": fingerprint})
    else:
        line(fingerprint)
    return exits.WELL

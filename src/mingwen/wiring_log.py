"""Configuration in, LogWorld out: what keeps the log, and where its keys are."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from platformdirs import user_data_path, user_state_path

from mingwen.adapters.clock import SystemClock
from mingwen.adapters.files.disk import home
from mingwen.adapters.ids import RandomIds
from mingwen.adapters.note_signers import files
from mingwen.adapters.note_signers.files import KeySigner
from mingwen.adapters.stores import open_log, open_store
from mingwen.domain.digests import sha256
from mingwen.domain.errors import Malformed, Misused, Refused, Unavailable
from mingwen.ports import Authority, Head, LogWorld, NoteSigner, Objects, Witness
from mingwen.proofs.notes import Key, Kind, parse_key
from mingwen.wiring import MAX_CONFIG_BYTES, Configuration, read_small, store_url

KINDS: Final = {"ed25519": Kind.ED25519, "ml-dsa-44": Kind.ML_DSA_44, "sm2": Kind.SM2}
"""Keys that ``new_log_key`` makes."""
_SQLITE: Final = "sqlite:///"
_S3: Final = "s3://"


def log_world(config: Configuration) -> LogWorld:
    """Build what keeps the log that the configuration describes.

    Raises:
        Refused: it has no key yet, or its key may be read by others (``log.not-begun``, ``key.*``).
        Misused: its keys are of the wrong kinds (``log.keys``).
        Unavailable: the store cannot be opened.
    """
    signers = log_signers(config)
    origin = signers[0].key.name
    with ExitStack() as undo:
        store = undo.enter_context(closing(open_store(store_url(config))))
        kept = undo.enter_context(closing(open_log(store_url(config))))
        objects, head = _objects(config), _head(config, origin)
        close = undo.pop_all().close
    return LogWorld(
        clock=SystemClock(),
        ids=RandomIds(),
        store=store,
        ledger=kept.ledger,
        archive=kept.archive,
        objects=objects,
        head=head,
        origin=origin,
        signers=signers,
        witnesses=_witnesses(config),
        watchers=tuple(key for text in config.texts("log.witnesses") for key in map(parse_key, text.split()[1:])),
        authorities=_authorities(config),
        close=close,
    )


def _witnesses(config: Configuration) -> tuple[Witness, ...]:
    """Read ``log.witnesses``: an address and one key or several each.

    Raises:
        Misused: another form (``log.witnesses``).
        Malformed: a key is none (``key.verifier``).
    """
    out: list[Witness] = []
    for text in config.texts("log.witnesses"):
        from mingwen.adapters.witnesses.http import HttpWitness  # noqa: PLC0415 - it brings the web, for logs with witnesses

        url, *keys = text.split()
        if not keys:
            hint = 'for example "https://witness.example/w1 witness.example/w1+5301eb37+BEwy…"'
            raise Misused("log.witnesses", f"expected an address and a verifier key, got {text!r}", hint=hint)
        out.append(HttpWitness(url, *map(parse_key, keys)))
    return tuple(out)


def _authorities(config: Configuration) -> tuple[Authority, ...]:
    """Read ``log.authorities``; ``log.authority_roots`` completes the chains of those that leave their root out.

    Raises:
        Misused: an address or a root is none (``stamp.address``, ``log.roots``).
    """
    urls = config.texts("log.authorities")
    if not urls:
        return ()
    from mingwen.adapters.authorities.http import HttpAuthority  # noqa: PLC0415 - it brings the web, for logs with stamps

    roots = [root for path in config.texts("log.authority_roots") for root in _certificates(home(path))]
    return tuple(HttpAuthority(url, roots=roots) for url in urls)


def _certificates(path: Path) -> Sequence[bytes]:
    from cryptography import x509  # noqa: PLC0415 - few need it
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - the same

    try:
        return [c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(read_small(path, MAX_CONFIG_BYTES))]
    except ValueError as e:
        hint = "give the PEM file that the authority hands out"
        raise Misused("log.roots", f"expected certificates in PEM in {path}, found none", hint=hint) from e


def begin(config: Configuration) -> Path | None:
    """Make the log's key where none is configured and none was made; return where it is, if it is new.

    Raises:
        Unavailable: its folder cannot be written (``key.unwritable``).
        Refused: a log was signed with a key that is no longer there (``log.key-missing``).
    """
    path = _default_key(config)
    if config.texts("log.keys") or path.exists():
        return None
    log = open_log(store_url(config))
    signed = log.archive.newest()
    log.close()
    if signed:
        hint = "put it back from its copy: a log does not go on with another key"
        raise Refused("log.key-missing", f"expected the log's key at {path}, found none", hint=hint)
    return path if files.save(path, files.new_key(Kind.ED25519)) else None


def new_log_key(path: Path, kind: str) -> None:
    """Make a key that signs the log, one of ``KINDS``, in a new file with mode 0600.

    Raises:
        Refused: the file exists (``key.exists``).
        Unavailable: the folder cannot be written (``key.unwritable``).
    """
    pem = _sm2_key() if KINDS[kind] is Kind.SM2 else files.new_key(KINDS[kind])
    if not files.save(path, pem):
        raise Refused("key.exists", f"expected no file at {path}, found one", hint="move it away; keys are never overwritten")


def log_signers(config: Configuration) -> tuple[NoteSigner, ...]:
    """Read the keys of the log, the Ed25519 one first; their name is the log's origin.

    Raises:
        Refused, Misused: as ``log_world``.
    """
    paths = [home(path) for path in config.texts("log.keys")] or [_default_key(config)]
    if not config.texts("log.keys") and not paths[0].exists():
        hint = "`mingwen log publish` makes it, and begins the log; or set log.keys"
        raise Refused("log.not-begun", f"expected the log's key at {paths[0]}, found none", hint=hint)
    signers = sorted(map(_signer, paths), key=lambda s: s.key.kind is not Kind.ED25519)
    first = signers[0].key
    if first.kind is not Kind.ED25519:
        hint = "`mingwen log key new` makes one; keys of other kinds sign beside it"
        raise Misused("log.keys", "expected an Ed25519 key in log.keys (tlog-tiles), found none", hint=hint)
    origin = config.text("log.origin") or f"mingwen.local/{sha256(first.public)[:4].hex()}"
    return tuple(KeySigner(_named(s.key, origin), s.signing) for s in signers)


def _named(key: Key, origin: str) -> Key:
    if any(c.isspace() or c == "+" or not c.isprintable() for c in origin) or len(origin.encode()) >= 256:  # noqa: PLR2004 - tlog-cosignature
        hint = "for example log.example.com/2026: no spaces, no plus signs (c2sp.org/tlog-checkpoint)"
        raise Misused("log.name", f"expected a name of fewer than 256 bytes, got {origin!r}", hint=hint)
    return replace(key, name=origin)


def _signer(path: Path) -> KeySigner:
    pem = files.read(path)
    passphrase = os.environ.get("MINGWEN_KEY_PASSPHRASE", "").encode() or None
    if signer := files.load(pem, "", passphrase):
        return signer
    from mingwen.adapters.signers import sm2  # noqa: PLC0415 - a C library of its own, for few logs

    try:
        found = sm2.load_private(pem, passphrase=passphrase)
    except Malformed as e:
        hint = "`mingwen log key new` makes one"
        raise Misused("log.keys", f"expected a key of Ed25519, ML-DSA-44 or SM2 in {path}: {e.message}", hint=hint) from e
    return KeySigner(Key("", Kind.SM2, found.public_point), found.sign)


def _sm2_key() -> bytes:
    from mingwen.adapters.signers import sm2  # noqa: PLC0415 - see _signer

    return sm2.new_key()[0]


def _beside_store(config: Configuration) -> Path:
    """What the log's key and objects are named after: the SQLite file, without its suffix."""
    url = store_url(config)
    return Path(url.removeprefix(_SQLITE)).with_suffix("") if url.startswith(_SQLITE) else user_data_path("mingwen") / "mingwen"


def _default_key(config: Configuration) -> Path:
    beside = _beside_store(config)
    return beside.with_name(f"{beside.name}-log.key.pem")


def _objects(config: Configuration) -> Objects:
    place = config.text("log.folder")
    if place.startswith(_S3):
        try:
            from mingwen.adapters.objects.s3 import S3Objects  # noqa: PLC0415 - an extra
        except ImportError as e:
            raise _no_s3() from e
        return S3Objects(place)
    from mingwen.adapters.objects.folder import FolderObjects  # noqa: PLC0415 - one of two

    beside = _beside_store(config)
    return FolderObjects(home(place) if place else beside.with_name(f"{beside.name}-log"))


def _head(config: Configuration, origin: str) -> Head:
    place = config.text("log.head")
    if place.startswith(_S3):
        try:
            from mingwen.adapters.heads.s3 import S3Head  # noqa: PLC0415 - an extra
        except ImportError as e:
            raise _no_s3() from e
        return S3Head(place)
    from mingwen.adapters.heads.file import FileHead  # noqa: PLC0415 - one of two

    return FileHead(home(place) if place else user_state_path("mingwen") / f"{quote(origin, safe='')}.head")


def _no_s3() -> Unavailable:
    return Unavailable("s3.missing", "expected obstore for s3://, it is not installed", hint="pip install 'mingwen[s3]'")

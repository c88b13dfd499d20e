"""Configuration in, World out: the only place that names an adapter."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

from platformdirs import user_config_path, user_data_path

from mingwen import formats, settings
from mingwen.adapters.clock import SystemClock
from mingwen.adapters.files.disk import Disk, home, opened, staged, translated
from mingwen.adapters.ids import RandomIds
from mingwen.adapters.stores import open_log, open_store
from mingwen.domain.digests import Digesting
from mingwen.domain.errors import Misused, Refused
from mingwen.domain.manifests import Agent, Disclosure, Manifest, Statement, System
from mingwen.domain.notices import Layout, Moment, Pages, Position, Recording, Rhythm, Style, TextForm
from mingwen.formats import beside
from mingwen.ports import FaceFinder, Manifests, Parent, Recogniser, RecordWorld, Signer, Store, Voice, World
from mingwen.settings import Scalar, Value

__all__ = [
    "MAX_CONFIG_BYTES",
    "Configuration",
    "Disk",
    "config_path",
    "configuration",
    "fingerprint_of",
    "new_chain",
    "new_key",
    "opened",
    "read_small",
    "recording",
    "shown",
    "staged",
    "store",
    "store_url",
    "style",
    "system",
    "translated",
    "world",
]

MAX_CONFIG_BYTES: Final = 1 << 20
MAX_FONT_BYTES: Final = 64 << 20
MAX_RECORDING_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Configuration:
    """All settings as they hold."""

    values: Mapping[str, Value]

    def __getitem__(self, name: str) -> Scalar:
        """Return the value of a setting by its dotted name."""
        return self.values[name].value

    def text(self, name: str) -> str:
        """Return a setting that is a string."""
        return str(self[name])

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a setting that is a list of strings."""
        value = self[name]
        return value if isinstance(value, tuple) else ()

    def number(self, name: str) -> float:
        """Return a setting that is a number."""
        return float(str(self[name]))

    @property
    def producer(self) -> str:
        """Who generates."""
        return self.text("producer")

    @property
    def propagator(self) -> str:
        """Who spreads."""
        return self.text("propagator") or self.producer

    @property
    def language(self) -> str:
        """``zh`` or ``en``, for messages."""
        chosen = self.text("language")
        if chosen != "auto":
            return chosen
        locale = next((os.environ[v] for v in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(v)), "")
        return "zh" if locale.lower().startswith("zh") else "en"


def config_path() -> Path:
    """Return where the configuration file is looked for: ``MINGWEN_CONFIG``, or the platform's usual place."""
    return home(os.environ.get("MINGWEN_CONFIG") or str(user_config_path("mingwen") / "config.toml"))


def configuration(**flags: object) -> Configuration:
    """Read the configuration; ``flags`` are dotted names with underscores for dots (``store_url``), None counts as not given.

    Raises:
        Misused: it cannot be read as configuration (``config.*``).
        Unavailable: the file may not be read.
    """
    path = config_path()
    toml = ""
    named = os.environ.get("MINGWEN_CONFIG")
    if not os.path.exists(path):  # noqa: PTH110 - a folder that may not be entered has none
        if named:
            hint = "`mingwen config --template` prints a file to begin with; or unset MINGWEN_CONFIG"
            raise Misused("config.missing", f"expected the file that MINGWEN_CONFIG names, {path}, found none", hint=hint)
    else:
        toml = read_small(path, MAX_CONFIG_BYTES).decode("utf-8", "replace")
    by_flag = {name.replace(".", "_"): name for name in settings.SETTINGS}
    for flag in flags:
        if flag not in by_flag:
            raise Misused("config.unknown", f"expected a setting, got {flag!r}", hint=f"there are: {', '.join(by_flag)}")
    dotted = {by_flag[flag]: value for flag, value in flags.items()}
    return Configuration(settings.resolve(toml, str(path), os.environ, dotted))


def store(config: Configuration) -> Store:
    """Open the configured store."""
    return open_store(store_url(config))


@contextmanager
def recording(config: Configuration) -> Iterator[RecordWorld]:
    """Open the configured store for whoever records acts, and keeps or erases what was recorded."""
    url = store_url(config)
    with closing(open_store(url)) as kept, closing(open_log(url)) as log:
        yield RecordWorld(SystemClock(), RandomIds(), kept, log.ledger, log.holds)


def store_url(config: Configuration) -> str:
    """Return where the store is; a bare path is taken for an SQLite file."""
    url = config.text("store.url") or str(user_data_path("mingwen") / "mingwen.db")
    return url if "://" in url or url.startswith("sqlite:") else f"sqlite:///{home(url).absolute()}"


def shown(name: str, value: Scalar) -> str:
    """Write a setting for people to see: a password in a URL is not for them."""
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", text) if name == "store.url" else text


def world(config: Configuration) -> World:
    """Build the world that the configuration describes."""
    # SM2 is a C library of its own; a run that neither signs nor meets a signature never loads it.
    return World(
        clock=SystemClock(),
        ids=RandomIds(),
        files=Disk(),
        store=store(config),
        verify_signature=_verify_signature,
        manifests=_Manifests(config),
        signer=_signer(config),
        pinned=_pinned(config),
        places=_places(config),
        recognise=_recogniser(config),
        digesting=Digesting(int(config.number("log.digest_megabytes")) * 1_000_000, sm3=bool(config["log.digest_sm3"])),
    )


def _places(config: Configuration) -> dict[str, str]:
    """Read the setting ``places``: one ``format=place`` each.

    Raises:
        Misused: another form, or no such format or place (``places.unknown``).
    """
    out = dict(choice.partition("=")[::2] for choice in config.texts("places"))
    known = {f.name: f for f in formats.every()} if out else {}
    for name, choice in out.items():
        if name not in known:
            hint = "write format=place, for example html=aigc-metadata"
            raise Misused("places.unknown", f"expected a format among {', '.join(known)}, got {name!r}", hint=hint)
        beside.placed(known[name], choice)
    return out


def _recogniser(config: Configuration) -> Recogniser | None:
    if config.text("gate.recogniser") == "none":
        return None
    from mingwen.adapters.recognisers.tesseract import Tesseract  # noqa: PLC0415 - see world()

    return Tesseract()


def system(config: Configuration) -> System:
    """Return who speaks in manifests: the generating system and its model, as configured; without a name, this program."""
    name, _, version = config.text("manifest.agent").partition("/")
    model = config.text("manifest.model")
    disclosure = Disclosure(model) if model else None
    return System(Agent(name, version), disclosure) if name else System(disclosure=disclosure)


def _ourselves() -> Agent:
    from importlib import metadata  # noqa: PLC0415 - 30 ms that runs without manifests need not spend

    try:
        return Agent("Mingwen", metadata.version("mingwen"))
    except metadata.PackageNotFoundError:  # run from its sources
        return Agent("Mingwen")


class _Manifests:
    """The port ``Manifests``: C2PA is a large library of its own, loaded when the first file asks for it."""

    def __init__(self, config: Configuration) -> None:
        self._config = config

    def read(self, source: BinaryIO, mime: str, beside: BinaryIO | None) -> Manifest | None:
        """See ``ports.Manifests``."""
        with translated("read the file", code="file.unreadable"):
            return _manifests(self._config).read(source, mime, beside)

    def sign(self, source: BinaryIO, sink: BinaryIO, mime: str, statement: Statement, parent: Parent | None) -> bytes | None:
        """See ``ports.Manifests``."""
        with translated("write the file with its manifest"):
            return _manifests(self._config).sign(source, sink, mime, statement, parent)


def _manifests(config: Configuration) -> Manifests:
    from mingwen.adapters.manifests import c2pa_manifests, keys  # noqa: PLC0415 - see _Manifests

    def signing() -> c2pa_manifests.Signing:
        key, algorithm = config.text("manifest.key"), config.text("manifest.algorithm")
        if not key or not config.text("manifest.chain"):
            hint = "`mingwen key new --c2pa` makes a test pair; set both as it says"
            raise Misused("manifest.key", "expected manifest.key and manifest.chain to sign a manifest, got none", hint=hint)
        chain = read_small(home(config.text("manifest.chain")), MAX_CONFIG_BYTES)
        sign = keys.signing(key, keys.ALGORITHMS[algorithm], chain, _passphrase())
        return c2pa_manifests.Signing(sign, algorithm, chain.decode("latin-1"), config.text("manifest.timestamp"))

    trusted = [keys.pem(read_small(home(path), MAX_CONFIG_BYTES)) for path in config.texts("manifest.trust")]
    generator = _ourselves()
    return c2pa_manifests.C2paManifests(generator, signing, trust="".join(trusted), fetch=bool(config["manifest.fetch"]))


def style(config: Configuration) -> Style:
    """Build the style of explicit labels.

    Raises:
        Refused: the wording lacks an element (``notice.elements``), or a voice cannot say it (``voice.words``).
        Unavailable: a font or a recording cannot be read, or there is no such voice (``voice.missing``).
            Or what is to find faces is not installed (``faces.missing``).
    """
    font = config.text("notice.font")
    return Style(
        wording=config.text("notice.wording"),
        position=Position(config.text("notice.position")),
        layout=Layout(config.text("notice.layout")),
        moments=tuple(m for m in Moment if m in config.texts("notice.moments")),
        persistent=bool(config["notice.persistent"]),
        every_seconds=config.number("notice.every_seconds"),
        text_form=TextForm(config.text("notice.text_form")),
        pages=Pages(config.text("notice.pages")),
        ink_height_share=config.number("notice.ink_height"),
        seconds=config.number("notice.seconds"),
        rhythm=Rhythm(
            unit_seconds=config.number("rhythm.unit_seconds"),
            pitch_hz=config.number("rhythm.pitch_hz"),
            letter_gap_units=int(config.number("rhythm.letter_gap_units")),
            level_lu=config.number("rhythm.level_lu"),
        ),
        spoken=_spoken(config),
        font=read_small(home(font), MAX_FONT_BYTES) if font else None,
        faces=_face_finder(config),
        elements="cn" in config.texts("regimes"),
    )


def _face_finder(config: Configuration) -> FaceFinder | None:
    if config.text("notice.faces") == "none":
        return None
    from mingwen.adapters.faces.opencv import OpenCvFaces  # noqa: PLC0415 - see world()

    return OpenCvFaces()


def _spoken(config: Configuration) -> Recording | None:
    """Return what is said beside sounds: a recording, or what a voice says; None leaves them to the rhythm."""
    path, wording = config.text("notice.recording"), config.text("notice.wording")
    if path:
        return Recording(read_small(home(path), MAX_RECORDING_BYTES), config.text("notice.recording_words") or wording)
    return Recording(_said(wording), wording) if config.text("notice.voice") != "none" else None


@lru_cache(maxsize=4)
def _said(words: str) -> bytes:
    """Have words said once a process: every file gets the same."""
    from mingwen.adapters.voices.espeak import Espeak  # noqa: PLC0415 - see world()

    voice: Voice = Espeak()
    return voice.say(words)


def _verify_signature(point: bytes, message: bytes, signature: bytes) -> bool:
    from mingwen.adapters.signers import sm2  # noqa: PLC0415 - see world()

    return sm2.verify(point, message, signature)


def new_key(path: Path) -> tuple[Path, str]:
    """Make an SM2 key pair: the private key at ``path``, the public one beside it; return where that is, and the fingerprint.

    Raises:
        Refused: one of the two files exists (``key.exists``).
        Unavailable: the folder cannot be written.
    """
    from mingwen.adapters.signers import sm2  # noqa: PLC0415 - see world()

    public_path = path.with_suffix(".pub.pem")
    if os.path.lexists(public_path):
        hint = "move it away, or give another -o; keys are never overwritten"
        raise Refused("key.exists", f"expected no file at {public_path}, found one", hint=hint)
    private, public = sm2.new_key()
    with staged(public_path, replace=False) as file:
        file.write(public)
        sm2.save_private(path, private)
    return public_path, fingerprint_of(public_path)


def new_chain(prefix: Path) -> tuple[Path, Path, Path]:
    """Make a test chain for C2PA: ``prefix`` with .key.pem, .chain.pem and .root.pem; in a folder ``mingwen-test``.

    Raises:
        Refused: one of the files exists (``key.exists``).
        Unavailable: the folder cannot be written.
    """
    from mingwen.adapters.manifests import chains  # noqa: PLC0415 - see world()
    from mingwen.adapters.signers import sm2  # noqa: PLC0415 - see world()

    stem = prefix / "mingwen-test" if prefix.is_dir() else prefix
    key, chain, root = (stem.with_name(f"{stem.name}.{part}.pem") for part in ("key", "chain", "root"))
    for path in (chain, root):
        if os.path.lexists(path):
            hint = "move it away, or give another -o; keys are never overwritten"
            raise Refused("key.exists", f"expected no file at {path}, found one", hint=hint)
    secret, chain_pem, root_pem = chains.new_chain(SystemClock().now())
    with staged(chain, replace=False) as chain_file, staged(root, replace=False) as root_file:
        chain_file.write(chain_pem)
        root_file.write(root_pem)
        sm2.save_private(key, secret)
    return key, chain, root


def fingerprint_of(path: Path) -> str:
    """Name the key in a file: a private key, a public key or a certificate.

    Raises:
        MingwenError: it cannot be read, or holds no SM2 key.
    """
    from mingwen.adapters.signers import sm2  # noqa: PLC0415 - see world()

    return sm2.fingerprint_of(path, passphrase=_passphrase())


def _signer(config: Configuration) -> Signer | None:
    key, certificate = config.text("key.file"), config.text("key.certificate")
    if not key:
        return None
    from mingwen.adapters.signers import sm2  # noqa: PLC0415 - see world()

    return sm2.read_private(
        home(key),
        passphrase=_passphrase(),
        certificate=read_small(home(certificate), MAX_CONFIG_BYTES) if certificate else None,
    )


def _passphrase() -> bytes | None:
    """Take the passphrase from the environment: a flag or a file would be seen by others."""
    return os.environ.get("MINGWEN_KEY_PASSPHRASE", "").encode() or None


def _pinned(config: Configuration) -> frozenset[str]:
    return frozenset(_fingerprint(key) for key in config.texts("trust.keys"))


def _fingerprint(key: str) -> str:
    """Take a fingerprint as it is, or that of the key in a file."""
    if re.fullmatch(r"(sha256:)?[0-9a-fA-F]{64}", key):
        return "sha256:" + key.lower().removeprefix("sha256:")
    path = home(key)
    if not os.path.exists(path):  # noqa: PTH110 - see configuration()
        hint = "give a file, or the fingerprint that `mingwen key show FILE` prints"
        raise Misused("trust.key", f"expected a file or 64 hexadecimal digits, got {key!r}", hint=hint)
    return fingerprint_of(path)


def read_small(path: Path, most: int) -> bytes:
    """Read a file of at most so many bytes, which an operator named.

    Raises:
        Misused: it is larger (``config.too-large``).
        Unavailable: it cannot be read (``file.unreadable``).
    """
    with translated(f"read {path}", code="file.unreadable"), path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Misused("config.too-large", f"expected at most {most} bytes in {path}", hint="it is not the file you meant")
    return data

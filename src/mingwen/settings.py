"""Every setting, once: its name, default, meaning and where the value came from.

Values come, each overriding the one before, from the default, one TOML file, environment variables (``MINGWEN_`` and the name
in capitals, dots as underscores) and flags. The documentation's page of settings is written from this table.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mingwen.domain.errors import Misused
from mingwen.domain.notices import (
    INK_HEIGHT_SHARE,
    RHYTHM_RANGES,
    VIDEO_SECONDS,
    WORDINGS,
    Layout,
    Moment,
    Pages,
    Position,
    Rhythm,
    TextForm,
)

TEST_PRODUCER: Final = "MINGWEN-TEST-PRODUCER"
"""Stands in every label until a producer is configured, and says so."""

RECOGNISERS: Final = ("none", "tesseract")
FACE_FINDERS: Final = ("none", "opencv")
VOICES: Final = ("none", "espeak-ng")

OTHER_VARIABLES: Final = ("MINGWEN_CONFIG", "MINGWEN_KEY_PASSPHRASE", "MINGWEN_TRACEBACK", "MINGWEN_MEDIA")
"""Environment variables that are no settings; the last one is the tests' own."""

Scalar: TypeAlias = str | float | int | tuple[str, ...]

_RHYTHM = Rhythm()


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing an operator may set."""

    name: str
    default: Scalar
    meaning: str
    read: Callable[[object], Scalar]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a string")
    return value


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return read


def _number(least: float, most: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        except (ValueError, OverflowError):
            number = None
        if number is None or not least <= number <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return number

    return read


def _yes_or_no(value: object) -> bool:
    words = {"true": True, "false": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(v.strip() for v in value.split(",") if v.strip())
    if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise TypeError("a list of strings")


def _several_of(*choices: str) -> Callable[[object], tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        texts = tuple(dict.fromkeys(_texts(value)))
        if not texts or not set(texts) <= set(choices):
            raise ValueError(f"some of {', '.join(choices)}")
        return texts

    return read


SETTINGS: Final = {
    s.name: s
    for s in (
        Setting(
            "producer",
            TEST_PRODUCER,
            "ContentProducer: your 27-character provider code from your registration, or your name",
            _text,
        ),
        Setting("propagator", "", "ContentPropagator for --propagate; empty takes the producer", _text),
        Setting("language", "auto", "of messages: auto (by LANG), zh or en", _one_of("auto", "zh", "en")),
        Setting("regimes", ("cn",), "laws that label has to satisfy and duties asks of: cn, eu, us-ca", _texts),
        Setting(
            "places",
            (),
            "where no guide names a place, another one than our default: html=aigc-metadata, text=sidecar, …",
            _texts,
        ),
        Setting(
            "notice.wording",
            WORDINGS["zh"],
            "the explicit label's words; with cn among the regimes both elements of GB 45438-2025 §5 must be in them",
            _text,
        ),
        Setting(
            "notice.position",
            Position.BOTTOM_RIGHT.value,
            "of the label in pictures (§5.2: an edge or a corner)",
            _one_of(*Position),
        ),
        Setting(
            "notice.layout",
            Layout.HORIZONTAL.value,
            "of letters in pictures: horizontal or vertical",
            _one_of(*Layout),
        ),
        Setting(
            "notice.moments",
            (Moment.START.value,),
            "of texts, sounds and films that carry the label: start, middle, end (§5.1, §5.3 d); a film does at its start",
            _several_of(*Moment),
        ),
        Setting("notice.persistent", default=False, meaning="a film carries the label as long as it lasts", read=_yes_or_no),
        Setting(
            "notice.every_seconds",
            0.0,
            "a sound carries the label again whenever so much has gone by; 0 for never, else at least 10",
            _number(0, 86400),
        ),
        Setting(
            "notice.text_form",
            TextForm.LINE.value,
            "of the label in texts (§5.1): line, or corner for superscript letters",
            _one_of(*TextForm),
        ),
        Setting(
            "notice.pages",
            Pages.FIRST.value,
            "of a document, slides or sheets that carry the label: first or all",
            _one_of(*Pages),
        ),
        Setting(
            "notice.ink_height",
            INK_HEIGHT_SHARE,
            "of the label, as a share of the shortest side (§5.2, §5.4: at least 0.05)",
            _number(0.05, 0.5),
        ),
        Setting(
            "notice.seconds",
            VIDEO_SECONDS,
            "that a video carries the label from its first frame (§5.4: at least 2)",
            _number(2, 86400),
        ),
        Setting("notice.font", "", "a TrueType or OpenType file; empty takes the one that ships with Mingwen", _text),
        Setting(
            "notice.faces",
            "none",
            "finds faces, which the label in a picture then stays away from: none, or opencv (the extra `faces`)",
            _one_of(*FACE_FINDERS),
        ),
        Setting(
            "notice.voice",
            "none",
            "says the label beside sounds in place of the rhythm (§5.3 b): none, or espeak-ng (a program of that name)",
            _one_of(*VOICES),
        ),
        Setting("notice.recording", "", "a file in which the label is said, at most 30 s; it stands for the voice", _text),
        Setting("notice.recording_words", "", "what is said in it, with both elements of §5; empty takes notice.wording", _text),
        Setting(
            "rhythm.unit_seconds",
            _RHYTHM.unit_seconds,
            "length of 短 in the audio label; the standard gives none: our default",
            _number(*RHYTHM_RANGES["unit_seconds"]),
        ),
        Setting(
            "rhythm.pitch_hz",
            _RHYTHM.pitch_hz,
            "pitch of the audio label; the standard gives none: our default",
            _number(*RHYTHM_RANGES["pitch_hz"]),
        ),
        Setting(
            "rhythm.letter_gap_units",
            _RHYTHM.letter_gap_units,
            "silence between 短长 and 短短, in units; not in the standard: our default",
            _number(*RHYTHM_RANGES["letter_gap_units"]),
        ),
        Setting(
            "rhythm.level_lu",
            _RHYTHM.level_lu,
            "loudness of the audio label above the programme's (EBU R 128), in LU; the standard gives none: our default",
            _number(*RHYTHM_RANGES["level_lu"]),
        ),
        Setting("key.file", "", "SM2 private key in PEM; with it every first label is signed (ReservedCode1)", _text),
        Setting(
            "key.certificate",
            "",
            "certificate of that key, PEM or DER; goes into the label instead of the bare public key",
            _text,
        ),
        Setting("trust.keys", (), "public keys or certificates that are pinned: files, or fingerprints in hex", _texts),
        Setting(
            "gate.recogniser",
            "none",
            "reads explicit labels from pictures at the gate: none, or tesseract (a program of that name, with chi_sim and eng)",
            _one_of(*RECOGNISERS),
        ),
        Setting(
            "manifest.key",
            "",
            "private key that signs C2PA manifests: a PEM file, pkcs11:… (RFC 7512), or exec:COMMAND, which gets the bytes "
            "to sign on standard input and prints the signature",
            _text,
        ),
        Setting("manifest.chain", "", "certificates of that key in one PEM file, its own first (C2PA 2.2 §14.5)", _text),
        Setting(
            "manifest.algorithm",
            "es256",
            "of that key (C2PA 2.2 §13.2.1)",
            _one_of("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"),
        ),
        Setting("manifest.timestamp", "", "address of an RFC 3161 authority that stamps the time; empty goes without", _text),
        Setting(
            "manifest.trust", (), "PEM files of root certificates whose signers are trusted; none ships with Mingwen", _texts
        ),
        Setting("manifest.agent", "", "your generating system as Name/1.2 (softwareAgent); empty takes Mingwen itself", _text),
        Setting("manifest.model", "", "the model's name for c2pa.ai-disclosure (C2PA 2.4); empty leaves it out", _text),
        Setting(
            "manifest.fetch",
            False,  # noqa: FBT003 - a value like the others
            "whether verifying may fetch a manifest from where the file says it is",
            _yes_or_no,
        ),
        Setting(
            "retention.periods",
            (),
            "days after which `mingwen retention expire` erases entries of a kind: verdict.given=365, …; none keeps them",
            _texts,
        ),
        Setting(
            "log.digest_megabytes",
            64.0,
            "files up to this size are entered in the log with their SHA-256, so that an entry tells of these bytes; 0 for none",
            _number(0, 1e9),
        ),
        Setting("log.digest_sm3", default=False, meaning="with their SM3 too, which takes seven times as long", read=_yes_or_no),
        Setting(
            "log.origin",
            "",
            "the log's name, its checkpoints' first line; empty takes mingwen.local/ and the key's number",
            _text,
        ),
        Setting(
            "log.keys",
            (),
            "PEM files of the keys that sign the log: one of Ed25519, others beside it; empty takes one beside the store, made "
            "at the first publish",
            _texts,
        ),
        Setting(
            "log.folder",
            "",
            "where the log is published: a folder, or s3://bucket/prefix with the AWS_… variables (the extra `s3`); empty takes "
            "mingwen-log beside the store",
            _text,
        ),
        Setting(
            "log.head",
            "",
            "the second place that keeps the last checkpoint, best on another disk: a file, or s3://bucket/name; empty takes "
            "one in your state folder",
            _text,
        ),
        Setting("log.witnesses", (), "who cosigns checkpoints: each its address, a space, and its verifier key", _texts),
        Setting("log.authorities", (), "addresses of RFC 3161 authorities that stamp checkpoints", _texts),
        Setting("log.authority_roots", (), "PEM files of root certificates that these authorities leave out of a stamp", _texts),
        Setting("log.stamp_seconds", 3600.0, "an authority is asked again when its last stamp is older", _number(60, 31536000)),
        Setting("store.url", "", "sqlite:///PATH or postgresql+psycopg://…; empty takes mingwen.db in your data folder", _text),
    )
}


@dataclass(frozen=True, slots=True)
class Value:
    """A setting as it holds, and where it comes from."""

    setting: Setting
    value: Scalar
    origin: str
    """``default``, a file's path, ``MINGWEN_…`` or ``flag``."""


def resolve(toml: str, path: str, environment: Mapping[str, str], flags: Mapping[str, object]) -> dict[str, Value]:
    """Lay the sources over each other; ``toml`` is the text of the file at ``path``, flags that are None do not count.

    Raises:
        Misused: TOML that cannot be read, a name that is no setting, or a value out of its range (``config.*``).
    """
    values = {name: Value(s, s.default, "default") for name, s in SETTINGS.items()}
    layers = [(path, _flat(toml, path))]
    known = {f"MINGWEN_{name.upper().replace('.', '_')}": name for name in SETTINGS}
    for variable in environment:
        if variable.startswith("MINGWEN_") and variable not in {*known, *OTHER_VARIABLES}:
            hint = f"there are: {', '.join((*known, *OTHER_VARIABLES))}"
            raise Misused("config.unknown", f"expected a setting, found the environment variable {variable}", hint=hint)
    layers += [(variable, {name: environment[variable]}) for variable, name in known.items() if environment.get(variable)]
    layers.append(("flag", {k: v for k, v in flags.items() if v is not None}))
    for origin, layer in layers:
        for name, raw in layer.items():
            values[name] = Value(SETTINGS[name], _read(name, raw, origin), origin)
    return values


def _read(name: str, raw: object, origin: str) -> Scalar:
    try:
        return SETTINGS[name].read(raw)
    except (TypeError, ValueError) as e:
        raise Misused(
            "config.value", f"expected {e} for {name}, got {raw!r} ({origin})", hint=f"{name}: {SETTINGS[name].meaning}"
        ) from e


def _flat(toml: str, path: str) -> dict[str, object]:
    """Read TOML into dotted names."""
    try:
        tree = tomllib.loads(toml)
    except (tomllib.TOMLDecodeError, RecursionError) as e:
        raise Misused(
            "config.toml", f"expected TOML in {path}, but: {e}", hint="`mingwen config --template` prints a file to begin with"
        ) from e
    out: dict[str, object] = {}
    for key, value in tree.items():
        out |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    for name in out:
        if name not in SETTINGS:
            raise Misused(
                "config.unknown", f"expected a setting in {path}, found {name!r}", hint=f"there are: {', '.join(SETTINGS)}"
            )
    return out


def template() -> str:
    """Return a configuration file that sets nothing and explains everything."""
    lines = ["# Mingwen's configuration; every line that is commented out shows its default.", ""]
    table = ""
    for setting in SETTINGS.values():
        head, _, tail = setting.name.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        lines += [f"# {setting.meaning}", f"# {tail} = {_toml(setting.default)}"]
    return "\n".join(lines) + "\n"


def _toml(value: Scalar) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)

"""C2PA manifests: what ours says of a file, and what a reading found.

A manifest binds statements to a file's bytes by a signature (C2PA 2.2 §11.2.2). Ours repeats the metadata label, so that whoever
changes the label afterwards contradicts what was signed.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from mingwen.domain import strict_json
from mingwen.domain.findings import Finding, found
from mingwen.domain.labels import MAX_LABEL_BYTES, WRAPPER_KEY

AIGC_ASSERTION: Final = "cn.org.tc260.aigc"
"""The assertion that holds the bare seven-key label, as a JSON box.

C2PA 2.2 §6.2.1 asks for the Internet domain of whoever defined the thing, and tc260.org.cn defined the label; the name is ours.
"""
MANIFEST_SUFFIX: Final = ".c2pa"
"""Of a manifest that stands beside its file (C2PA 2.2 §11.4)."""
ACTIONS_ASSERTION: Final = "c2pa.actions.v2"
DISCLOSURE_ASSERTION: Final = "c2pa.ai-disclosure"
"""C2PA 2.4."""
MODEL_TYPE: Final = "c2pa.types.model"
"""What that assertion wants said of a model of which no more is known."""
TRAINED: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC: made by a model that learned from samples; the source type of what a producer labels "1"."""


class Action(StrEnum):
    """What the signer did, C2PA 2.2 §18.14."""

    CREATED = "c2pa.created"
    """As the producer: the content began here, and nothing stood before it."""
    EDITED_METADATA = "c2pa.edited.metadata"
    """As a platform: the file was opened, its parent stands as ingredient, and fields 5 to 7 of its label changed.

    An update manifest (§11.2.3) would not do: it has no binding of its own, and the label lies within the parent's."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A program and its version; ``version`` may be empty."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Which model made the content, C2PA 2.4 ``c2pa.ai-disclosure``."""

    model_name: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What our manifest says of a file."""

    aigc: str
    """The bare seven-key JSON, as it stands in the file."""
    agent: Agent
    """The generating system: softwareAgent of the action."""
    title: str
    when: datetime
    """With a time zone."""
    action: Action = Action.CREATED
    source_type: str = TRAINED
    """A full IPTC URI; §18.14 asks for it with ``c2pa.created`` only."""
    disclosure: Disclosure | None = None


@dataclass(frozen=True, slots=True)
class System:
    """Who speaks in our manifests: the generating (or spreading) system, and its model where one is named."""

    agent: Agent = Agent("Mingwen")
    disclosure: Disclosure | None = None

    def statement(self, aigc: str, *, title: str, when: datetime, action: Action = Action.CREATED) -> Statement:
        """Say of a file that this system made it, or, with another ``action``, that it changed its label."""
        disclosure = self.disclosure if action is Action.CREATED else None
        return Statement(aigc, self.agent, title, when, action, disclosure=disclosure)


UNNAMED: Final = System()
"""Whoever gave no name: this program itself."""


def definition(statement: Statement, generator: Agent) -> dict[str, object]:
    """Return the statement as a manifest definition; ``generator`` is the program that makes the claim (§10.3).

    Every assertion is one of the signer's own (``created``), which §10.3 wants of the actions at least. There is no thumbnail.

    Raises:
        ValueError: ``aigc`` is not JSON.
    """
    assertions: list[dict[str, object]] = [
        {"label": ACTIONS_ASSERTION, "created": True, "data": {"actions": _actions(statement)}},
        {
            "label": AIGC_ASSERTION,
            "created": True,
            "kind": "Json",  # CBOR would lose the order of Annex E b
            "data": strict_json.plain(strict_json.read(statement.aigc)),
        },
    ]
    if statement.disclosure:
        assertions.append({"label": DISCLOSURE_ASSERTION, "created": True, "data": _disclosure(statement.disclosure)})
    return {"claim_generator_info": [_agent(generator)], "title": statement.title, "assertions": assertions}


def _actions(statement: Statement) -> list[dict[str, object]]:
    when = statement.when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    action: dict[str, object] = {"action": statement.action.value, "when": when, "softwareAgent": _agent(statement.agent)}
    if statement.action is Action.CREATED:
        return [action | {"digitalSourceType": statement.source_type}]
    # §18.14.2: what began as another's file opens with it. The library binds the action to its parent by this name.
    return [{"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": [PARENT]}}, action]


PARENT: Final = "parent"
"""What an action calls the parent ingredient; whoever adds the ingredient gives it this name."""


def _agent(agent: Agent) -> dict[str, str]:
    return {"name": agent.name} | ({"version": agent.version} if agent.version else {})


def _disclosure(disclosure: Disclosure) -> dict[str, str]:
    return {"modelType": MODEL_TYPE, "modelName": disclosure.model_name}


class Where(StrEnum):
    """Where a manifest was found."""

    EMBEDDED = "embedded"
    BESIDE = "beside"
    REMOTE = "remote"


class State(StrEnum):
    """What a manifest amounts to, C2PA 2.2 §14.3."""

    TRUSTED = "trusted"
    """Valid, and the signer's certificate leads to a configured root."""
    VALID = "valid"
    """Intact as it was signed, by a signer that no configured list knows."""
    INVALID = "invalid"
    UNREADABLE = "unreadable"
    UNFETCHED = "unfetched"
    """The file only names where its manifest is, and nobody went there."""


@dataclass(frozen=True, slots=True)
class Status:
    """One result of a validation, C2PA 2.2 §15.2.2."""

    code: str
    """As the specification spells it: ``assertion.dataHash.mismatch``."""
    success: bool | None
    """None: for information only."""
    explanation: str = ""
    url: str = ""
    """The part of the manifest that it is about."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How the content came to be: the ``c2pa.created`` of the active manifest, or of the parent that it goes back to."""

    agent: Agent | None
    """The generating system; without one, the program that made the claim."""
    when: str = ""
    """In RFC 3339; the signer's claim."""
    source_types: tuple[str, ...] = ()
    """IPTC URIs."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a reading found of the active manifest; empty where it says nothing."""

    where: Where
    state: State
    statuses: tuple[Status, ...] = ()
    id: str = ""
    """The manifest's own name, ``urn:c2pa:…``."""
    signer: str = ""
    """The common name in the signer's certificate."""
    issuer: str = ""
    """The organisation in it."""
    time: str = ""
    """Of the RFC 3161 time stamp, in RFC 3339; a time that only the signer claims is not here."""
    when: str = ""
    """When the signer says that it was made, in RFC 3339; nobody vouches for it."""
    agent: Agent | None = None
    """Which system made or changed the content; without one, the program that made the claim."""
    source_types: tuple[str, ...] = ()
    """IPTC URIs of the actions."""
    actions: tuple[str, ...] = ()
    origin: Origin | None = None
    """None where no manifest of the line tells of the beginning."""
    aigc: str | None = None
    """The JSON of our assertion."""
    ingredients: int = 0
    remote_url: str = ""

    @property
    def failures(self) -> tuple[Status, ...]:
        """What does not hold, beyond that nobody vouches for the signer."""
        return tuple(s for s in self.statuses if s.success is False and s.code != UNTRUSTED)


UNTRUSTED: Final = "signingCredential.untrusted"

_BINDINGS: Final = ("assertion.dataHash.", "assertion.bmffHash.", "assertion.boxesHash.", "assertion.collectionHash.")
_CREDENTIAL: Final = ("signingCredential.", "claimSignature.outsideValidity")


def findings(manifest: Manifest, *, label: str | None = None, bare: bool = False) -> tuple[Finding, ...]:
    """Say what a manifest amounts to.

    ``label`` is the JSON of the file's own metadata label, bare or wrapped; ``bare`` says that it certainly has none.
    """
    return (*_of_state(manifest), *(_of_absence(manifest) if bare else _of_label(manifest, label)))


def obstacle(manifest: Manifest, *, label: str | None = None, bare: bool = False) -> Finding | None:
    """Say why no later manifest may be put upon this one: it would vouch for what was changed, or leave the older one behind."""
    if manifest.where is Where.REMOTE:
        return found("manifest.remote", _place(manifest), url=manifest.remote_url)
    harmless = {"manifest.valid", "manifest.trusted", "manifest.unknown-signer"}
    return next((f for f in findings(manifest, label=label, bare=bare) if f.code not in harmless), None)


def _place(manifest: Manifest) -> str:
    return f"C2PA manifest ({manifest.where.value})"


def _of_state(manifest: Manifest) -> Iterator[Finding]:
    place = _place(manifest)
    if manifest.state is State.UNFETCHED:
        yield found("manifest.remote", place, url=manifest.remote_url)
    elif manifest.state is State.UNREADABLE:
        yield found("manifest.unreadable", place, reason=manifest.statuses[0].explanation)
    elif manifest.state is State.INVALID:
        failures = manifest.failures or (Status("general.error", success=False),)
        yield from dict.fromkeys(_failed(s, place) for s in failures)
    else:
        yield found("manifest.valid", place)
        signer = manifest.signer or manifest.issuer
        yield found("manifest.trusted" if manifest.state is State.TRUSTED else "manifest.unknown-signer", place, signer=signer)


def _failed(status: Status, place: str) -> Finding:
    if status.code.startswith(_CREDENTIAL):
        return found("manifest.credential", place, status=status.code)
    return found(f"manifest.tampered-{changed(status)}", place, status=status.code)


def changed(status: Status) -> str:
    """Name what a failure shows to be changed: ``content`` (any byte but the manifest), ``label``, ``ingredient``, ``manifest``.

    A hash over the file cannot tell a pixel from a metadata label; that the label in the file is another than the signed one is
    found by comparing them.
    """
    if status.code.startswith(_BINDINGS):
        return "content"
    if status.url.endswith(f"/{AIGC_ASSERTION}"):
        return "label"
    return "ingredient" if status.code.startswith("ingredient.") else "manifest"


def _of_label(manifest: Manifest, label: str | None) -> Iterator[Finding]:
    if manifest.aigc is None or label is None:
        return
    ours, theirs = _fields(manifest.aigc), _fields(label)
    if differing := [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]:
        yield found("manifest.label-differs", f"C2PA assertion {AIGC_ASSERTION}", fields=", ".join(differing))


def _of_absence(manifest: Manifest) -> Iterator[Finding]:
    if manifest.aigc is not None:
        was = _fields(manifest.aigc).get("ContentProducer") or "—"
        yield found("manifest.label-gone", f"C2PA assertion {AIGC_ASSERTION}", was=was)


def _fields(text: str) -> dict[str, object]:
    """Return a label's fields; what is no JSON object, or far too long for one, is one field of its own."""
    value: object = text
    if len(text) <= 4 * MAX_LABEL_BYTES:
        with suppress(ValueError):
            value = strict_json.plain(strict_json.read(text))
    inner = value.get(WRAPPER_KEY, value) if isinstance(value, dict) else value
    return inner if isinstance(inner, dict) else {WRAPPER_KEY: inner}


AI_SOURCES: Final = frozenset(
    f"http://cv.iptc.org/newscodes/digitalsourcetype/{name}"
    for name in ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic")
)
"""IPTC source types of what a machine made, wholly or in part."""

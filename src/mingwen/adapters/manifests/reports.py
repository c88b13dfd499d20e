"""The JSON report of the C2PA library, which repeats what a stranger's file says, as a ``Manifest``."""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from mingwen.domain.manifests import ACTIONS_ASSERTION, AIGC_ASSERTION, Action, Agent, Manifest, Origin, State, Status, Where

MAX_TEXT_CHARS: Final = 4096
"""What is longer is no name, code or address, and people have to read it."""

MAX_PARENTS: Final = 16
"""Manifests that are followed back; each platform adds one."""
_STATES: Final = {"Trusted": State.TRUSTED, "Valid": State.VALID}
_OUTCOMES: Final = {"success": True, "informational": None, "failure": False}


def manifest(report: str, where: Where, remote_url: str) -> Manifest:
    """Translate a report.

    Raises:
        ValueError: it names no active manifest, or is no JSON.
        RecursionError: it nests too deep.
    """
    whole = _dict(json.loads(report))
    active = _dict(_dict(whole.get("manifests")).get(_text(whole.get("active_manifest"))))
    if not active:
        raise ValueError("no manifest is active")
    statuses = tuple(_statuses(_dict(whole.get("validation_results"))))
    signature = _dict(active.get("signature_info"))
    actions = tuple(_actions(active))
    stamped = any(s.code.startswith("timeStamp.") and s.success for s in statuses)
    return Manifest(
        where,
        _STATES.get(_text(whole.get("validation_state")), State.INVALID),
        statuses,
        id=_text(whole.get("active_manifest")),
        signer=_text(signature.get("common_name")),
        issuer=_text(signature.get("issuer")),
        time=_text(signature.get("time")) if stamped else "",
        when=next((w for a in actions if (w := _text(a.get("when")))), ""),
        agent=_agent_of(actions, active),
        source_types=_source_types(actions),
        actions=tuple(_text(a.get("action")) for a in actions),
        origin=_origin(_dict(whole.get("manifests")), active),
        aigc=_aigc(active),
        ingredients=len(_dicts(active.get("ingredients"))),
        remote_url=remote_url,
    )


def _origin(manifests: dict[str, object], manifest: dict[str, object]) -> Origin | None:
    """Follow the parents to the one that says ``c2pa.created`` (C2PA 2.2 §18.14.2: a manifest tells of it or has a parent)."""
    for _ in range(MAX_PARENTS):
        created = [a for a in _actions(manifest) if _text(a.get("action")) == Action.CREATED]
        if created:
            return Origin(_agent_of(created, manifest), _text(created[0].get("when")), _source_types(created))
        parents = (i for i in _dicts(manifest.get("ingredients")) if i.get("relationship") == "parentOf")
        manifest = _dict(manifests.get(next((_text(p.get("active_manifest")) for p in parents), "")))
    return None


def _agent_of(actions: Iterable[dict[str, object]], manifest: dict[str, object]) -> Agent | None:
    agents = (_agent(a.get("softwareAgent")) for a in actions)
    claimed = (_agent(g) for g in _dicts(manifest.get("claim_generator_info")))
    return next((a for a in (*agents, *claimed) if a), None)


def _source_types(actions: Iterable[dict[str, object]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t for a in actions if (t := _text(a.get("digitalSourceType")))))


def _statuses(results: dict[str, object]) -> Iterator[Status]:
    """Take the codes of the active manifest and those that its ingredients add (C2PA 2.2 §15.2)."""
    deltas = [_dict(d.get("validationDeltas")) for d in _dicts(results.get("ingredientDeltas"))]
    for part in (_dict(results.get("activeManifest")), *deltas):
        for outcome, success in _OUTCOMES.items():
            for s in _dicts(part.get(outcome)):
                yield Status(_text(s.get("code")), success, _text(s.get("explanation")), _text(s.get("url")))


def _assertions(active: dict[str, object], *labels: str) -> Iterator[object]:
    """Take the assertions of a label; a second one of it is called ``LABEL__1`` (C2PA 2.2 §6.4)."""
    return (a.get("data") for a in _dicts(active.get("assertions")) if _text(a.get("label")).partition("__")[0] in labels)


def _actions(active: dict[str, object]) -> Iterator[dict[str, object]]:
    for data in _assertions(active, "c2pa.actions", ACTIONS_ASSERTION):
        yield from _dicts(_dict(data).get("actions"))


def _aigc(active: dict[str, object]) -> str | None:
    data = next(_assertions(active, AIGC_ASSERTION), None)
    return None if data is None else json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _agent(value: object) -> Agent | None:
    """Read a softwareAgent: a name alone in version 1 of the assertion, an object in version 2."""
    given = _dict(value)
    name = _text(given.get("name")) or _text(value)
    return Agent(name, _text(given.get("version"))) if name else None


def _text(value: object) -> str:
    return value[:MAX_TEXT_CHARS] if isinstance(value, str) else ""


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, object]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []

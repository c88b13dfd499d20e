"""``mingwen create`` and ``mingwen log add``."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mingwen import wire, wiring
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, line, object_line
from mingwen.domain import strict_json
from mingwen.domain.errors import Misused
from mingwen.domain.kinds import KINDS
from mingwen.domain.steps import Act, Doer
from mingwen.domain.works import FAULTS, MOST_TEXT_CHARS, Closing, Fault, Link, Material, Opening, Step
from mingwen.services import authorship, recording
from mingwen.services.authorship import Story
from mingwen.services.recording import RecordAct
from mingwen.wiring import Configuration

_MOST_TEXT_BYTES: Final = 4 * MOST_TEXT_CHARS
_WORDS: Final = {
    "en": {
        "open": "open",
        "closed": "closed",
        "whole": "every step names the one before it",
        "human": "by a human, as recorded",
        "machine": "by a machine, as recorded",
        "recorded": "recorded as entry {number}",
        "step": "step {ordinal}, entry {number}",
        "fault": "entry {number} {what}",
        "choices": "chosen from",
        "chosen": "chosen",
    },
    "zh": {
        "open": "进行中",
        "closed": "已完成",
        "whole": "每一步均载明其前一步的摘要",
        "human": "由人完成（据记录）",
        "machine": "由机器完成（据记录）",
        "recorded": "已记录，编号 {number}",
        "step": "第 {ordinal} 步，记录编号 {number}",
        "fault": "记录 {number}：{what}",
        "choices": "备选",
        "chosen": "选定",
    },
}
_SHOWN: Final = ("prompt", "seed", "model", "tool", "note", "statement")


def open_work(title: str, given: Mapping[str, object]) -> int:
    """Open a work and print its id."""
    config = _configuration(given)
    author = _text(given, "author") or config.producer
    with wiring.recording(config) as world:
        story = authorship.open_work(world, Opening(title, author, _text(given, "note")), by=author)
    if given["as_json"]:
        object_line(_link(story.work.id, story.links[0]))
    else:
        line(story.work.id)
    return exits.WELL


def step(work: str, given: Mapping[str, object]) -> int:
    """Record a step."""
    kind, doer, seed, chose = given["kind"], given["doer"], given["seed"], given["chose"]
    facts = Step(
        act=Act(str(kind)) if kind else None,
        doer=Doer(str(doer)) if doer else None,
        prompt=_text(given, "prompt"),
        parameters=_parameters(_several(given, "parameters")),
        seed="" if seed is None else str(seed),
        model=_text(given, "model"),
        tool=_text(given, "tool"),
        note=_text(given, "note"),
        files=_materials(_several(given, "files")),
        choices=_materials(_several(given, "choices")),
        chosen=_materials([str(chose)])[0] if chose else None,
    )
    config = _configuration(given)
    with wiring.recording(config) as world:
        link = authorship.step(world, work, facts, by=str(given["by"]))
    return _told(work, link, config, as_json=bool(given["as_json"]))


def close(work: str, given: Mapping[str, object]) -> int:
    """End the record of a work."""
    facts = Closing(_materials(_several(given, "files")), _text(given, "statement"))
    config = _configuration(given)
    with wiring.recording(config) as world:
        link = authorship.close(world, work, facts, by=str(given["by"]))
    return _told(work, link, config, as_json=bool(given["as_json"]))


def show(work: str, given: Mapping[str, object]) -> int:
    """Show a work; a chain with a fault is a finding."""
    config = _configuration(given)
    with wiring.recording(config) as world:
        story = authorship.tell(world, work)
    if given["as_json"]:
        object_line(_story(story, config.language))
    else:
        _print(story, config.language)
    return exits.FINDING if story.faults else exits.WELL


def timeline(work: str, given: Mapping[str, object]) -> int:
    """Write a work as a page; a chain with a fault is a finding, and stands in the page."""
    from mingwen import reports  # noqa: PLC0415 - only this command draws

    config = _configuration(given)
    with wiring.recording(config) as world:
        story = authorship.tell(world, work)
    output = Path(str(given["output"]))
    with wiring.staged(output, replace=bool(given["overwrite"])) as file:
        file.write(reports.timeline(story.links, config.language))
    if given["as_json"]:
        object_line({"work": work, "output": str(output), "faults": len(story.faults)})
    else:
        line(clean(str(output)))
    return exits.FINDING if story.faults else exits.WELL


def every(given: Mapping[str, object]) -> int:
    """List works, newest first."""
    config = _configuration(given)
    with wiring.recording(config) as world:
        for entry, closed in authorship.every(world):
            title = str(entry.detail.get("title", ""))
            if given["as_json"]:
                at = entry.at.isoformat()
                object_line({"work": entry.subject, "title": title, "by": entry.by, "at": at, "closed": closed})
            else:
                state = _WORDS[config.language]["closed" if closed else "open"]
                line(f"{entry.subject} {entry.at.astimezone():%Y-%m-%d %H:%M:%S} {coloured(state, 'cyan')} {clean(title)}")
    return exits.WELL


def record(kind: str, given: Mapping[str, object]) -> int:
    """Record an act that happened elsewhere."""
    config = _configuration(given)
    pairs = [field.partition("=") for field in _several(given, "fields")]
    if wrong := [name for name, sign, _ in pairs if not sign]:
        raise Misused("entry.field", f"expected name=value, got {wrong[0]!r}", hint="for example --field reason='court order'")
    file = _materials([str(given["file"])])[0] if given["file"] else None
    fields = {name: value for name, _, value in pairs}
    command = RecordAct(kind, str(given["subject"]), str(given["by"]) or config.producer, fields, file)
    with wiring.recording(config) as world:
        number = recording.record(world, command)
    if given["as_json"]:
        object_line({"number": number, "kind": kind, "subject": command.subject})
    else:
        line(_WORDS[config.language]["recorded"].format(number=number))
    return exits.WELL


def _configuration(given: Mapping[str, object]) -> Configuration:
    return wiring.configuration(language=given["language"], store_url=given["store"])


def _told(work: str, link: Link, config: Configuration, *, as_json: bool) -> int:
    if as_json:
        object_line(_link(work, link))
    else:
        ordinal = link.entry.detail.get("ordinal")
        line(_WORDS[config.language]["step"].format(ordinal=ordinal, number=link.number))
    return exits.WELL


def _link(work: str, link: Link) -> dict[str, object]:
    return {"work": work, **wire.entry(link.number, link.entry), "digest": link.digest}


def _story(story: Story, language: str) -> dict[str, object]:
    return {
        "work": story.work.id,
        "closed": story.work.is_closed,
        "entries": [_link(story.work.id, link) for link in story.links],
        "faults": [{"code": f.code, "number": f.number, "message": _fault(f, language)} for f in story.faults],
    }


def _fault(fault: Fault, language: str) -> str:
    en, zh = FAULTS[fault.code]
    return _WORDS[language]["fault"].format(number=fault.number, what=zh if language == "zh" else en)


def _print(story: Story, language: str) -> None:
    words = _WORDS[language]
    for link in story.links:
        entry, kind = link.entry, KINDS[link.entry.kind]
        detail = entry.detail
        what = str(detail.get("act") or (kind.zh if language == "zh" else kind.en))
        doer = words.get(str(detail.get("doer")), "")
        ordinal = str(detail.get("ordinal", "?")).rjust(4)
        head = f"{coloured(ordinal, 'dim')} {entry.at.astimezone():%Y-%m-%d %H:%M:%S}"
        line(f"{head} {coloured(what, 'cyan')} {clean(str(detail.get('title', '')))} {clean(entry.by)} {doer}".rstrip())
        for name in _SHOWN:
            if name in detail:
                line(f"       {name}: {clean(str(detail[name])[:200])}")
        if "parameters" in detail:
            line(f"       parameters: {clean(json.dumps(detail['parameters'], ensure_ascii=False)[:200])}")
        for name in ("files", "choices", "chosen"):
            _print_files(words.get(name, ""), detail.get(name))
    state = words["closed" if story.work.is_closed else "open"]
    line(f"{story.work.id} {coloured(state, 'cyan')}{'' if story.faults else ', ' + words['whole']}")
    for fault in story.faults:
        line(coloured(_fault(fault, language), "red"))


def _print_files(word: str, value: object) -> None:
    for file in value if isinstance(value, list) else [value]:
        if isinstance(file, dict):
            line(f"       {word} {clean(str(file.get('name')))} sha256 {file.get('sha256')}".replace("  ", " "))


def _several(given: Mapping[str, object], name: str) -> Sequence[str]:
    value = given[name]
    return [str(v) for v in value] if isinstance(value, tuple) else []


def _text(given: Mapping[str, object], name: str) -> str:
    """Take a text as it is, or with @ before it what stands in that file."""
    value = str(given[name])
    if not value.startswith("@"):
        return value
    path = Path(value[1:])
    with wiring.opened(path) as file:
        data = file.read(_MOST_TEXT_BYTES + 1)
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise Misused("text.not-utf-8", f"expected UTF-8 in {path}, but: {e.reason}", hint="give it with --file instead") from e


def _materials(names: Sequence[str]) -> tuple[Material, ...]:
    out = []
    for name in names:
        with wiring.opened(Path(name)) as file, wiring.translated(f"read {name}", code="file.unreadable"):
            out.append(authorship.material(Path(name).name, file))
    return tuple(out)


def _parameters(texts: Sequence[str]) -> dict[str, object]:
    """Read parameters: each a JSON object, or ``name=value`` with JSON or a text as its value."""
    out: dict[str, object] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if text.lstrip().startswith("{"):
            read = strict_json.plain(_json(text))
            out |= read if isinstance(read, dict) else {}
        elif sign and name:
            out[name] = _value(value)
        else:
            hint = "for example --parameters steps=30, or '{\"steps\": 30}'"
            raise Misused("parameters.form", f"expected JSON or name=value, got {text[:80]!r}", hint=hint)
    return out


def _json(text: str) -> strict_json.Value:
    try:
        return strict_json.read(text)
    except ValueError as e:
        raise Misused("parameters.form", f"expected a JSON object, but: {e}", hint="or name=value, and repeat it") from e


def _value(text: str) -> object:
    try:
        return strict_json.plain(strict_json.read(text))
    except ValueError:
        return text

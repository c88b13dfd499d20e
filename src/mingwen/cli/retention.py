"""``mingwen retention``."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from mingwen import wiring
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, line, object_line
from mingwen.domain.clauses import cited
from mingwen.domain.errors import Misused
from mingwen.domain.evidence import Hold
from mingwen.domain.kinds import KINDS
from mingwen.domain.retention import Policy, ranges
from mingwen.ports import RecordWorld
from mingwen.services import retention
from mingwen.services.retention import EraseFields, Kept
from mingwen.wiring import Configuration

_WORDS: Final = {
    "en": {
        "kept": "kept until you set a period",
        "days": "{days} days",
        "least": "at least {days} days{having}: {clause}",
        "having": " (those with the field {having})",
        "count": "{count} entries, {due} due, {held} of them on hold",
        "expired": "{kind}: erased {count} entries, {ranges}",
        "would": "{kind}: would erase {count} entries, {ranges}",
        "nothing": "nothing is due",
        "erased": "entry {number}: erased {names}",
        "gone": "entry {number}: nothing was left to erase",
        "released": "released {hold}",
    },
    "zh": {
        "kept": "未设期限，一直保存",
        "days": "{days} 天",
        "least": "至少 {days} 天{having}：{clause}",
        "having": "（含字段 {having} 的记录）",
        "count": "{count} 条记录，{due} 条到期，其中 {held} 条保全中",
        "expired": "{kind}：已删除 {count} 条记录的内容，{ranges}",
        "would": "{kind}：将删除 {count} 条记录的内容，{ranges}",
        "nothing": "没有到期的记录",
        "erased": "记录 {number}：已删除 {names}",
        "gone": "记录 {number}：已无内容可删除",
        "released": "已解除 {hold}",
    },
}


def show(given: Mapping[str, object]) -> int:
    """Show how each kind is kept."""
    with _opened(given) as (config, world, rules):
        for kept in retention.show(world, rules):
            if given["as_json"]:
                object_line(_kept(kept))
            else:
                _print(kept, config.language)
    return exits.WELL


def expire(given: Mapping[str, object]) -> int:
    """Erase what is due, or say what would go."""
    dry_run, some = bool(given["dry_run"]), False
    with _opened(given) as (config, world, rules):
        words = _WORDS[config.language]
        for gone in retention.expire(world, rules, by=_by(given, config), dry_run=dry_run):
            some, spans = True, ranges(gone.numbers)
            if given["as_json"]:
                object_line({"kind": gone.kind, "count": len(gone.numbers), "entries": spans, "erased": not dry_run})
            else:
                said = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)
                line(words["would" if dry_run else "expired"].format(kind=gone.kind, count=len(gone.numbers), ranges=said))
        if not some and not given["as_json"]:
            line(words["nothing"])
    return exits.WELL


def erase(entries: tuple[int, ...], given: Mapping[str, object]) -> int:
    """Erase fields on request."""
    names = given["fields"]
    if names and given["everything"]:
        raise Misused("usage.combination", "expected --field or --all, got both", hint="--all takes every field")
    with _opened(given) as (config, world, rules):
        command = EraseFields(
            entries,
            str(given["reason"]),
            _by(given, config),
            names=tuple(str(n) for n in names) if isinstance(names, tuple) else (),
            everything=bool(given["everything"]),
        )
        erased = retention.erase(world, rules, command)
    for number in dict.fromkeys(entries):
        gone = erased.get(number, ())
        if given["as_json"]:
            object_line({"number": number, "erased": list(gone)})
        else:
            line(_WORDS[config.language]["erased" if gone else "gone"].format(number=number, names=", ".join(gone)))
    return exits.WELL


def hold(given: Mapping[str, object]) -> int:
    """Place a hold and print its id."""
    with _opened(given) as (config, world, _):
        placed = retention.hold(world, str(given["subject"]), reason=str(given["reason"]), by=_by(given, config))
    if given["as_json"]:
        object_line(_hold(placed))
    else:
        line(placed.id)
    return exits.WELL


def release(hold_id: str, given: Mapping[str, object]) -> int:
    """End a hold."""
    with _opened(given) as (config, world, _):
        released = retention.release(world, hold_id, reason=str(given["reason"]), by=_by(given, config))
    if given["as_json"]:
        object_line({**_hold(released), "released": True})
    else:
        line(_WORDS[config.language]["released"].format(hold=released.id))
    return exits.WELL


def holds(given: Mapping[str, object]) -> int:
    """List the holds that stand."""
    with _opened(given) as (_, world, _):
        for standing in retention.holds(world):
            if given["as_json"]:
                object_line(_hold(standing))
            else:
                at, why = f"{standing.placed_at.astimezone():%Y-%m-%d %H:%M:%S}", clean(standing.reason)
                line(f"{standing.id} {at} {coloured(clean(standing.subject), 'cyan')} {clean(standing.by)}: {why}")
    return exits.WELL


@contextmanager
def _opened(given: Mapping[str, object]) -> Iterator[tuple[Configuration, RecordWorld, Policy]]:
    config = wiring.configuration(language=given["language"], store_url=given["store"])
    rules = retention.policy(config.texts("regimes"), config.texts("retention.periods"))
    with wiring.recording(config) as world:
        yield config, world, rules


def _by(given: Mapping[str, object], config: Configuration) -> str:
    return str(given["by"]) or config.producer


def _hold(value: Hold) -> dict[str, object]:
    return {
        "hold": value.id,
        "subject": value.subject,
        "reason": value.reason,
        "by": value.by,
        "placed_at": value.placed_at.isoformat(),
    }


def _kept(value: Kept) -> dict[str, object]:
    leasts = [{"days": least.days, "clause": least.clause, "having": least.having or None} for least in value.leasts]
    return {
        "kind": value.kind,
        "days": value.days,
        "least": leasts,
        "count": value.count,
        "due": value.due,
        "held": value.held,
    }


def _print(value: Kept, language: str) -> None:
    words, kind = _WORDS[language], KINDS[value.kind]
    period = words["days"].format(days=value.days) if value.days else words["kept"]
    line(f"{coloured(value.kind, 'cyan')} ({kind.zh if language == 'zh' else kind.en}): {period}")
    for least in value.leasts:
        having = words["having"].format(having=least.having) if least.having else ""
        line("  " + words["least"].format(days=least.days, having=having, clause=cited(least.clause, language)))
    if value.count:
        line("  " + words["count"].format(count=value.count, due=value.due, held=value.held))

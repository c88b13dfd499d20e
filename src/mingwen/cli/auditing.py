"""``mingwen audit``."""

from collections.abc import Mapping
from contextlib import closing

from mingwen import wiring, wiring_log
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, line, object_line, told
from mingwen.cli.words import say
from mingwen.domain.log_faults import Fault
from mingwen.services import auditing


def run(flags: Mapping[str, object], *, as_json: bool) -> int:
    """Print what is wrong, one line a fault, and a summary."""
    config = wiring.configuration(**flags)
    language, count = config.language, 0
    with closing(wiring_log.log_world(config)) as world:
        size = auditing.size(world)
        with told(-(-size // auditing.BATCH), language) as tick:
            for fault in auditing.audit(world, tick):
                count += 1
                _show(fault, language, as_json=as_json)
    if as_json:
        object_line({"entries": size, "faults": count})
    else:
        line(say(language, "log-faults" if count else "log-well", size=size, count=count))
    return exits.FINDING if count else exits.WELL


def _show(fault: Fault, language: str, *, as_json: bool) -> None:
    if as_json:
        object_line({"code": fault.code, "place": fault.place, "message": fault.message(language)})
    else:
        line(f"{coloured(fault.code, 'red')} {clean(fault.place)}: {clean(fault.message(language))}")

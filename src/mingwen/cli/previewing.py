"""``mingwen preview``."""

from collections.abc import Mapping
from pathlib import Path

from mingwen import face
from mingwen.cli import exits, labelling
from mingwen.cli.terminal import clean, coloured, line, object_line, report_error
from mingwen.cli.words import say
from mingwen.domain.errors import MingwenError


def run(name: str, given: Mapping[str, object]) -> int:
    """Show one file's label; return the status."""
    face.configure(**{k: v for k, v in labelling.flags(given).items() if k != "store_url"})
    config, _ = face.settled()
    target = Path(str(given["output"])) if given["output"] else Path(f"{name}.preview.png")
    try:
        made = face.preview(name, target, overwrite=bool(given["overwrite"]))
    except MingwenError as problem:
        report_error(problem, language=config.language, about=name)
        return exits.of_error(problem)
    drawn = str(target) if made.picture else None
    if given["as_json"]:
        object_line({"file": name, "format": made.format, "notice": made.notice, "preview": drawn, "lines": list(made.lines)})
        return exits.WELL
    line(f"{coloured(say(config.language, 'previewed'), 'green')} {clean(name)}" + (f" → {clean(drawn)}" if drawn else ""))
    line(f"  {clean(made.notice)}")
    for text in made.lines:
        colour = {"+": "green", "-": "red"}.get(text[:1])
        line(f"  {coloured(clean(text), colour) if colour else clean(text)}")
    return exits.WELL

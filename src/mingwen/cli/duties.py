"""``mingwen duties``."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mingwen import face, wire
from mingwen.cli import exits, inputs
from mingwen.cli.inputs import STREAM
from mingwen.cli.terminal import clean, coloured, each, line, object_line, report_error, worst
from mingwen.cli.words import ANSWERS, say
from mingwen.domain.clauses import cited
from mingwen.domain.errors import MingwenError, only_ours
from mingwen.regimes import Assessed, Met
from mingwen.services import assessing
from mingwen.services.assessing import AssessContent
from mingwen.wiring import opened

_COLOURS = {Met.MET: "green", Met.NOT_MET: "red", Met.UNKNOWN: "yellow", Met.NOT_APPLICABLE: "dim"}


def run(names: Sequence[str], flags: Mapping[str, object], *, jobs: int, as_json: bool) -> int:
    """Answer every duty for every file; return the highest status."""
    face.configure(**flags)
    config, _ = face.settled()
    wanted = config.texts("regimes")
    paths = [path for path, _ in inputs.files(names, outputs=True)]
    statuses = []
    for path, result in each(paths, lambda path: _assess(path, wanted), jobs=jobs, language=config.language):
        statuses.append(_show(path, result, as_json=as_json, language=config.language))
    return worst(statuses)


def _assess(path: Path, wanted: tuple[str, ...]) -> tuple[Assessed, ...] | MingwenError:
    _, world = face.settled()
    try:
        with only_ours(), face.standard_input() if path == STREAM else opened(path) as source:
            near = {} if path == STREAM else face.near(path)
            return assessing.assess(world, AssessContent(str(path), wanted), source=source, near=near)
    except MingwenError as e:
        return e


def _show(path: Path, result: tuple[Assessed, ...] | MingwenError, *, as_json: bool, language: str) -> int:
    if isinstance(result, MingwenError):
        if as_json:
            object_line({"file": str(path), "duties": [], "error": wire.error(result)})
        else:
            report_error(result, language=language, about=str(path))
        return exits.of_error(result)
    if as_json:
        object_line({"file": str(path), "duties": [wire.assessed(a) for a in result]})
    else:
        _print(path, result, language)
    return exits.FINDING if any(a.is_open for a in result) else exits.WELL


def _print(path: Path, result: tuple[Assessed, ...], language: str) -> None:
    line(coloured(clean(str(path)), "bold"))
    zh = language == "zh"
    regime = ""
    for a in result:
        if a.regime.name != regime:
            regime = a.regime.name
            title = a.regime.title_zh if zh else a.regime.title_en
            line(f"  {title} ({say(language, 'since', date=a.regime.since)})")
        word = coloured(ANSWERS[language][a.answer.met], _COLOURS[a.answer.met])
        duty, why = (a.duty.zh, a.answer.zh) if zh else (a.duty.en, a.answer.en)
        line(f"    {word} {cited(a.duty.article, language)}: {duty}; {clean(why)}")

"""Write docs/reference from the tables and the code, or check that it is in step.

python tools/reference.py --write
python tools/reference.py --check
"""

import argparse
import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import click

from mingwen import formats, regimes, traces
from mingwen.cli import exits
from mingwen.cli.application import cli
from mingwen.domain import errors
from mingwen.domain.findings import RULES
from mingwen.domain.labels import FIELDS
from mingwen.domain.verdicts import Verdict
from mingwen.settings import SETTINGS

ROOT: Final = Path(__file__).parents[1]
SRC: Final = ROOT / "src/mingwen"
FOLDER: Final = ROOT / "docs/reference"
KINDS: Final = tuple(
    name
    for name, c in inspect.getmembers(errors, inspect.isclass)
    if issubclass(c, errors.MingwenError) and c is not errors.MingwenError
)
CODE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+")
VERDICT_CODE: Final = "verdict.<verdict>"


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in row) + " |" for row in lines) + "\n"


def findings() -> str:
    rows: list[tuple[object, ...]] = [
        (f"`{r.code}`", r.severity.value, "the clause of the format's guide" if r.clause == "{guide}" else r.clause, r.en, r.zh)
        for r in RULES.values()
    ]
    return (
        "# Findings\n\nWhat `mingwen verify` can find, from `domain/findings.py`. One error makes a label non-compliant;\n"
        "a channel that could not be read makes the verdict inconclusive; warnings and infos leave it compliant.\n"
        "`ours`: no clause asks for it.\n\nVerdicts: "
        + ", ".join(f"`{v.value}`" for v in Verdict)
        + ".\n\n"
        + table(("code", "severity", "clause", "English", "中文"), rows)
    )


def shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(shown, value)) or "none"
    return f"`{value}`" if value != "" else "empty"


def settings() -> str:
    rows: list[tuple[object, ...]] = [
        (f"`{s.name}`", f"`MINGWEN_{s.name.upper().replace('.', '_')}`", shown(s.default), s.meaning) for s in SETTINGS.values()
    ]
    return (
        "# Settings\n\nEach value comes from the default, then the TOML file that `mingwen config --path` names, then the\n"
        "environment, then a flag of the command line or an argument of `mingwen.configure` (dots as underscores); the later\n"
        "one wins. `MINGWEN_CONFIG` names another file, `MINGWEN_KEY_PASSPHRASE` opens an encrypted key.\n\n"
        + table(("setting", "environment", "default", "meaning"), rows)
    )


def places() -> str:
    rows: list[tuple[object, ...]] = [
        (
            f"`{f.name}`",
            f.mime,
            " ".join(f"`{s}`" for s in f.suffixes),
            f.place,
            f.source,
            "; ".join(f"`{a.name}`: {a.place}" for a in f.alternatives),
            "in the file" if f.c2pa else "beside it",
        )
        for f in formats.every()
    ]
    return (
        "# Formats\n\nWhere the label goes in each format. Labels at other places are read too. A file goes by its\n"
        "bytes; only text formats look at the suffix. The letter after a guide says how sure its clause is\n"
        "(A: its text, B: a report of it).\n\n"
        "The setting `places` chooses one of the other places, or, for any format, `sidecar`: an XMP file beside it.\n"
        "The last column says where a C2PA manifest goes.\n\n"
        "The label's fields, in this order: "
        + ", ".join(f"`{name}`" for name in FIELDS)
        + ".\n\n"
        + table(("format", "MIME type", "suffixes", "place", "source", "other places", "manifest"), rows)
    )


def marks() -> str:
    rows: list[tuple[object, ...]] = [
        (f"`{t.name}`", t.title_en, t.title_zh, "statement" if t.strong else "hint", _asked(t), t.source) for t in traces.every()
    ]
    return (
        "# Traces\n\nWhat `mingwen gate` looks for besides labels. A statement puts an upload into the first tier of\n"
        "Measures Art. 6, a hint into the third. The letter says how sure the form is (A: its documentation,\n"
        "B: a report, F: seen in files, M: memory).\n\n"
        + table(("trace", "English", "中文", "is a", "looked for in", "source"), rows)
    )


def _asked(trace: traces.Trace) -> str:
    return ", ".join([*sorted(c.value for c in trace.channels), *(["pixels"] if trace.pixels else [])])


def laws() -> str:
    head = (
        "# Regimes\n\nWhat `mingwen duties` asks of a finished file, and `mingwen label --regime` works towards. The letter\n"
        "says how sure an article is (A: its text, B: a report of it, M: memory). This is not legal advice.\n"
    )
    return "\n".join([head, *(_law(r) for r in regimes.every())])


def _law(regime: regimes.Regime) -> str:
    rows: list[tuple[object, ...]] = [(d.article, d.en, d.zh) for d in regime.duties]
    needs = ", ".join(sorted(n.value for n in regime.needs))
    return (
        f"## `{regime.name}`\n\n{regime.title_en}\\\n{regime.title_zh}\n\nApplies since {regime.since}. Asks for: {needs}. "
        f"Source: <{regime.source}>\n\n" + table(("article", "asks for", "中文"), rows)
    )


def statuses() -> str:
    rows: list[tuple[object, ...]] = list(exits.MEANING.items())
    parts = [
        "# Commands and exit statuses\n\nSeveral files give the highest status of all.\n\n" + table(("status", "meaning"), rows),
        *(_command(path, command) for path, command in commands(cli, "mingwen")),
    ]
    return "\n".join(parts)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below ``command`` with what one types to run it, the group itself first."""
    yield path, command
    if isinstance(command, click.Group):
        for name, below in sorted(command.commands.items()):
            yield from commands(below, f"{path} {name}")


def _command(path: str, command: click.Command) -> str:
    options = [p for p in command.params if isinstance(p, click.Option)]
    rows: list[tuple[object, ...]] = [(" ".join(f"`{o}`" for o in p.opts), p.help or "") for p in options]
    text = inspect.cleandoc(command.help or "").replace("\b", "")
    return f"## `{path}`\n\n{text}\n" + ("\n" + table(("option", "meaning"), rows) if rows else "")


def error_codes() -> dict[str, set[str]]:
    """Return every error code of the code and the kinds of error it comes with, "" where a function builds it.

    A code is the first argument of an error class, or of a function that hands it on; and a function's default ``code=…``.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(SRC.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for code, kind in _codes_in(tree, _builders(tree)):
            found.setdefault(code, set()).add(kind)
    return dict(sorted(found.items()))


def _builders(tree: ast.AST) -> Mapping[str, str]:
    """Return the functions that hand their argument ``code`` to an error class, and which."""
    out = {"translated": "Unavailable"}
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        for call in (n for n in ast.walk(function) if isinstance(n, ast.Call)):
            first = call.args[0] if call.args else None
            if _name(call) in KINDS and isinstance(first, ast.Name) and first.id in {a.arg for a in function.args.args}:
                out[function.name] = _name(call)
    return out


def _codes_in(tree: ast.AST, builders: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        kind = _name(call) if _name(call) in KINDS else builders.get(_name(call))
        if kind is None:
            continue
        given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "code")]
        for text in (t for value in given for t in _texts(value)):
            if text.startswith("verdict."):
                yield VERDICT_CODE, kind
            elif CODE.fullmatch(text):
                yield text, kind
    for function in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        for default in (*function.args.defaults, *function.args.kw_defaults):
            if isinstance(default, ast.Constant) and function.name in builders and CODE.fullmatch(str(default.value)):
                yield str(default.value), builders[function.name]


def _texts(value: ast.expr) -> Iterator[str]:
    """Yield the strings that an expression may be: itself, either branch, or the head of an f-string."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body)
        yield from _texts(value.orelse)
    elif isinstance(value, ast.JoinedStr) and value.values:
        yield from _texts(value.values[0])


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def codes_page() -> str:
    meanings = [(f"`{name}`", (getattr(errors, name).__doc__ or "").strip()) for name in KINDS]
    rows: list[tuple[object, ...]] = [
        (f"`{code}`", ", ".join(f"`{k}`" for k in sorted(kinds))) for code, kinds in error_codes().items()
    ]
    return (
        "# Errors\n\nEvery error has a code, a message that says what was expected and what came, and a hint. In Python each\n"
        "is a class below `mingwen.MingwenError`; the command turns it into a status (see the page of commands).\n\n"
        + table(("class", "meaning"), [*meanings])
        + "\n"
        + table(("code", "class"), rows)
    )


PAGES: Final = {
    "findings.md": findings,
    "settings.md": settings,
    "formats.md": places,
    "traces.md": marks,
    "regimes.md": laws,
    "errors.md": codes_page,
    "commands.md": statuses,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    behind = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if asked.write:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            behind.append(name)
    if behind:
        sys.stderr.write(f"docs/reference is behind the code in {', '.join(behind)}; run: python tools/reference.py --write\n")
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main())

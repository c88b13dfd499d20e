"""Write docs/reference/matrix.md, the verdict on every format in every case and its part in every regime; or check it.

MINGWEN_MEDIA=.cache/media python tools/matrix.py --write
MINGWEN_MEDIA=.cache/media python tools/matrix.py --check

Every cell is computed: the files are made, by our writer and by the tools of others, and verified; each sample is
labelled for each regime and held to its duties.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import matrix  # noqa: E402 - the cases stand among the tests
import mingwen  # noqa: E402
from foreign import BEHIND, FOREIGN, SECOND, Tool  # noqa: E402
from matrix import CODE, COLUMNS, GBK, Absent, Case, Told  # noqa: E402
from mingwen import face, formats, regimes, wiring  # noqa: E402
from mingwen.domain.errors import MingwenError, Refused  # noqa: E402
from mingwen.formats import Format  # noqa: E402
from mingwen.ports import World  # noqa: E402
from mingwen.regimes import Assessed, Met, Need, Regime  # noqa: E402

PAGE: Final = ROOT / "docs/reference/matrix.md"
MARKED: Final = "AI生成"
MEANT: Final = {
    Case.NONE: "the sample as it came",
    Case.OURS: "labelled by `mingwen label`",
    Case.FOREIGN: "labelled by a program of others, see below",
    Case.DUPLICATED: "labelled, and the same label once more at another place, see below",
    Case.CONTRADICTORY: "as duplicated, with another ProduceID in the second label",
    Case.TRUNCATED: "labelled, and cut in the middle of the file",
    Case.CHARSET: "GBK bytes where the label names the producer, all checksums mended",
    Case.ODD: "Chinese and a space as the producer, well coded, against Annex E j (“mainly”, hence a warning)",
    Case.ILLEGAL: '`"Label":"9"`',
}


@dataclass
class Notes:
    """Footnotes of a table, each text once."""

    texts: list[str] = field(default_factory=list)

    def marked(self, cell: str, *texts: str) -> str:
        """Return the cell with the numbers of its notes."""
        numbers = []
        for text in filter(None, texts):
            if text not in self.texts:
                self.texts.append(text)
            numbers.append(str(self.texts.index(text) + 1))
        return f"{cell} [{', '.join(numbers)}]" if numbers else cell

    @property
    def lines(self) -> list[str]:
        """The notes as a list."""
        return [f"{number}. {text}" for number, text in enumerate(self.texts, 1)]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    first = list(head)
    lines = [first, ["---"] * len(first), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def verdicts(world: World, samples: dict[str, bytes], folder: Path) -> list[str]:
    """Return the table of verdicts with its notes."""
    notes = Notes()
    rows = [
        [f"`{member.name}`", *(verdict(world, member, case, samples[member.name], folder, notes) for case in Case)]
        for member in formats.every()
    ]
    return [*table(["format", *Case], rows), "", *notes.lines]


def verdict(world: World, member: Format, case: Case, sample: bytes, folder: Path, notes: Notes) -> str:
    file = matrix.made(member, case, sample, folder)
    if isinstance(file, Absent):
        return notes.marked("none", file.reason)
    told, right = matrix.told(world, member, file), matrix.expected(member, case)
    wrong = "" if told.verdict is right.verdict and right.codes <= told.codes else f"**expected {right.verdict}**"
    return notes.marked(told.verdict.value, wrong, right.why, *([] if right.why else more(case, told)))


def more(case: Case, told: Told) -> list[str]:
    """Say what a usual verdict leaves open: how wrong bytes were read, and what stands for an error."""
    if told.error:
        return ["no structure can be followed: the error " + f"`{told.error}`"]
    if case is not Case.CHARSET or told.report is None:
        return []
    producer = next((read.label.ContentProducer for read in told.report.labels if read.label), "")
    how = {
        GBK.decode("gbk"): "as GB 18030, which they are",
        GBK.decode("latin-1"): "in the one-byte charset of the place",
    }
    return [f"the bytes are read {how.get(producer, 'as U+FFFD, each that is no UTF-8')}; `label.charset` warns"]


def tools() -> list[str]:
    def cell(tool: Tool) -> str:
        return f"{tool.name}: {tool.how}"

    rows = [
        [f"`{f.name}`", cell(FOREIGN[f.name]) if f.name in FOREIGN else "none known", cell(SECOND.get(f.name, BEHIND))]
        for f in formats.every()
    ]
    return table(["format", "the label of others", "the second label"], rows)


def covered(samples: dict[str, bytes], folder: Path) -> list[str]:
    """Return the table of regimes, with the duties it counts."""
    reasons: dict[str, list[str]] = {}
    notes = Notes()
    rows = []
    for member in formats.every():
        source = folder / f"in{member.suffixes[0]}"
        source.write_bytes(samples[member.name])
        rows.append([f"`{member.name}`", *(coverage(r, source, reasons, notes) for r in regimes.every())])
    duties = [(f"{r.name}-{n}", d) for r in regimes.every() for n, d in enumerate(r.duties, 1)]
    told = [[f"`{n}`", d.article, d.en, "; ".join(reasons.get(n, [])) or "nothing"] for n, d in duties]
    head = ["format", *(f"`{r.name}`" for r in regimes.every())]
    return [*table(head, rows), "", *notes.lines, "", *table(["duty", "article", "what it asks", "what leaves it open"], told)]


def coverage(regime: Regime, source: Path, reasons: dict[str, list[str]], notes: Notes) -> str:
    """Label a sample for a regime, and say where things stand and which duties stay open."""
    sink = source.with_name(f"out-{regime.name}{source.suffix}")
    try:
        made = mingwen.label(source, sink, marked=MARKED, regimes=[regime.name])
    except Refused as e:
        return notes.marked("refused", f"{e.message} (`{e.code}`); {e.hint}")
    except MingwenError as e:
        return f"**failed**: `{e.code}`"
    said = ["covered", *(["label beside the file"] if ".xmp" in made.beside else [])]
    if Need.MANIFEST in regime.needs:
        said.append("manifest beside the file" if ".c2pa" in made.beside else "manifest in the file")
        said += [] if made.manifest else ["**no manifest**"]
    answers = face.duties(sink, regimes=[regime.name])
    still = [a for a in answers if a.is_open]
    for a in still:
        known = reasons.setdefault(number(regime, a), [])
        known += [] if a.answer.en in known else [a.answer.en]
    if all(a.answer.met is Met.NOT_APPLICABLE for a in answers):
        return f"{', '.join(said)}; no duty applies"
    open_ = [f"{met.value.replace('-', ' ')}: {named}" for met in Met if (named := numbers(regime, still, met))]
    return "; ".join([", ".join(said), *open_])


def numbers(regime: Regime, still: list[Assessed], met: Met) -> str:
    return ", ".join(number(regime, a) for a in still if a.answer.met is met)


def number(regime: Regime, assessed: Assessed) -> str:
    return f"{regime.name}-{regime.duties.index(assessed.duty) + 1}"


def page(media: Path, folder: Path) -> str:
    """Compute everything; ``folder`` is empty and for our use."""
    key, chain, root = wiring.new_chain(folder)
    mingwen.configure(
        store_url=f"sqlite:///{folder}/store.db",
        producer=CODE,
        manifest_key=str(key),
        manifest_chain=str(chain),
        manifest_trust=[str(root)],
        manifest_agent="Studio/3.1",
    )
    samples = matrix.samples(media, folder)
    meant = [[case.value, MEANT[case], right.verdict.value, codes(right.codes)] for case, right in COLUMNS.items()]
    return "\n".join(
        [
            "# Matrix",
            "",
            "What `mingwen verify` says of every format in every case, and what `mingwen label` does for every regime. Every",
            "cell is computed by `make docs`, from files that are made and verified; `tests/scenarios/test_matrix.py` holds each",
            "to what is right. A number in brackets leads to a note below the table.",
            "",
            "## The cases",
            "",
            *table(["case", "the file", "right, if no note says otherwise", "with the findings"], meant),
            "",
            "A file in which no structure can be followed gets an error of the kind `Malformed` instead of a verdict; here it",
            "counts as inconclusive.",
            "",
            "## Verdicts",
            "",
            *verdicts(face.settled()[1], samples, folder),
            "",
            "## Who wrote the labels",
            "",
            *tools(),
            "",
            "## Regimes",
            "",
            f"Each sample is labelled with `--marked {MARKED}` (whoever made it drew the explicit label) and a test chain",
            "without time stamps, then held to the regime's duties. *Covered* means that the label and the manifest the regime",
            "asks for were written, not that every duty is met: Mingwen writes no watermark, here there is no time stamp, and",
            "the samples bear no explicit label in truth. *Not met* and *unknown* name the duties that stay open, see below.",
            "",
            *covered(samples, folder),
            "",
        ]
    )


def codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    media = Path(os.environ.get("MINGWEN_MEDIA") or ROOT / ".cache/media").absolute()
    for name in [n for n in os.environ if n.startswith("MINGWEN_")]:
        del os.environ[name]  # the page is the same whoever writes it
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MINGWEN_CONFIG"] = os.devnull
        text = page(media, Path(folder))
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.stderr.write("docs/reference/matrix.md is behind the code; run: python tools/matrix.py --write\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

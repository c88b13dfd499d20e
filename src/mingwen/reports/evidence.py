"""What a bundle shows, put in order for somebody who reads it on paper."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from cryptography import x509

from mingwen.domain.digests import sha256
from mingwen.domain.errors import Malformed
from mingwen.domain.kinds import KINDS
from mingwen.proofs import notes, rfc3161, words
from mingwen.proofs.bundle import Act, Bound, Case, Head, Label
from mingwen.reports._letters import MOST_NAME, shown
from mingwen.reports._moments import moment
from mingwen.reports._shape import (
    Block,
    Cell,
    Commands,
    Facts,
    Heading,
    Line,
    Mark,
    Paragraph,
    Report,
    Section,
    Table,
    Verbatim,
)
from mingwen.reports._words import ABOUT, FAILING, FIELDS, GLOSSARY, LABEL, PHRASES, PREFACE, TITLE

MOST_ACTS: Final = 200
"""Entries shown one by one; a bundle may hold some thousands."""
_ALGORITHMS: Final = {
    notes.Kind.ED25519: "Ed25519",
    notes.Kind.COSIGNATURE: "Ed25519 (cosignature)",
    notes.Kind.ML_DSA_44: "ML-DSA-44 (cosignature)",
    notes.Kind.SM2: "SM2, SM3",
}


def report(case: Case, language: str) -> Report:
    """Return the report on a case in ``zh`` or ``en``."""
    say = _Speaker(case, language)
    about = ABOUT.of(language).format(origin=say.name(case.origin), made=moment(case.created, language))
    first, *rest = PREFACE
    sections = (
        Section(first.of(language), [Paragraph(p.of(language)) for p in rest]),
        say.section("acts", _acts(case, say)),
        say.section("content", _content(case, say)),
        say.section("times", _times(case, say)),
        say.section("log", _log(case, say)),
        say.section("keys", _keys(case, say)),
        say.section("custody", _custody(case, say)),
        say.section("environment", _environment(case, say)),
        say.section("verify", _verify(case, say)),
        say.section(
            "glossary", [say.table(("term", "meaning"), (28, 72), [[a.of(language), b.of(language)] for a, b in GLOSSARY])]
        ),
    )
    return Report(language, TITLE.of(language), about, say.name(case.origin), case.created, sections)


class _Speaker:
    """The phrases of reports in one language."""

    def __init__(self, case: Case, language: str) -> None:
        self.language = language
        self._case = case

    def __call__(self, name: str, /, **values: object) -> str:
        return PHRASES[name].of(self.language).format(**values)

    def shown(self, text: str) -> str:
        return shown(text, self.language)

    def name(self, text: str) -> str:
        return shown(text, self.language, MOST_NAME)

    def moment(self, at: datetime) -> str:
        return moment(at, self.language)

    def section(self, name: str, blocks: Iterator[Block] | Sequence[Block]) -> Section:
        return Section(self(name), list(blocks))

    def table(self, head: Sequence[str], shares: Sequence[int], rows: Sequence[Sequence[Cell]]) -> Table:
        return Table([self(name) for name in head], rows, shares)

    def act(self, act: Act) -> str:
        """Name an entry: its number and what kind of act it tells of."""
        return self("entry", index=act.index, kind=self.kind(act.kind))

    def kind(self, kind: str) -> str:
        known = KINDS.get(kind)
        if known is None:
            return self("other-kind", kind=self.name(kind))
        return known.zh if self.language == "zh" else known.en


def _acts(case: Case, say: _Speaker) -> Iterator[Block]:
    yield Paragraph(say("acts-intro", made=say.moment(case.created), count=len(case.acts)))
    for act in case.acts[:MOST_ACTS]:
        yield Heading(say.act(act))
        names = sorted(act.fields, key=lambda name: (list(FIELDS).index(name) if name in FIELDS else len(FIELDS), name))
        rows: list[tuple[str, Cell]] = [(say("kind"), Verbatim(say.shown(act.kind))), (say("at"), say.moment(act.at))]
        rows += [(_field_name(name, say), Verbatim(say.shown(_text(act.fields[name])))) for name in names]
        rows.append((say("hidden"), say("hidden-some", count=act.hidden) if act.hidden else say("hidden-none")))
        rows.append((say("leaf"), Verbatim(say.shown(act.leaf.decode(errors="replace")))))
        yield Facts(rows)
    if len(case.acts) > MOST_ACTS:
        yield Paragraph(say("acts-more", count=len(case.acts) - MOST_ACTS))


def _field_name(name: str, say: _Speaker) -> str:
    return FIELDS[name].of(say.language) if name in FIELDS else say.name(name)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _content(case: Case, say: _Speaker) -> Iterator[Block]:
    content = case.content
    if content is None:
        yield Paragraph(say("content-none"))
        return
    yield Paragraph(say("content-intro"))
    digests = (("SHA-256", content.sha256), ("SM3", content.sm3), (say("iscc"), content.iscc))
    yield Facts(
        [
            (say("name"), Verbatim(say.shown(content.name)) if content.name else say("unknown")),
            (say("size"), say("bytes", count=f"{content.size_bytes:,}")),
            *((name, Verbatim(say.shown(value)) if value else say("unknown")) for name, value in digests),
            (say("told-by"), say("entry-number", index=content.entry)),
            (say("binding"), say("bound" if content.bound else "unbound")),
        ]
    )
    for label in content.labels:
        yield from _label(label, say)


def _label(label: Label, say: _Speaker) -> Iterator[Block]:
    """Show a label field by field where it is the JSON of GB 45438-2025 Annex E, and as it stands in any case."""
    text = label.data.decode(errors="replace")
    yield Heading(say("label-at", place=say.name(label.place)))
    found = _fields(text)
    if found:
        yield Paragraph(say("label-intro"))
        yield say.table(
            ("label-field", "meaning", "value"),
            (24, 36, 40),
            [
                [
                    Verbatim(name),
                    LABEL[name].of(say.language),
                    Verbatim(say.shown(found[name])) if found[name] else say("label-empty"),
                ]
                for name in LABEL
                if name in found
            ],
        )
    yield Facts([(say("label-raw"), Verbatim(say.shown(text)))])


def _fields(text: str) -> dict[str, str]:
    """Return the fields of a label, bare or within ``AIGC``; nothing where it is not written so."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    inner = value.get("AIGC", value) if isinstance(value, dict) else value
    return {name: _text(inner[name]) for name in LABEL if name in inner} if isinstance(inner, dict) else {}


def _times(case: Case, say: _Speaker) -> Iterator[Block]:
    yield Paragraph(say("times-intro"))
    for act in case.acts[:MOST_ACTS]:
        yield Heading(say.act(act))
        claimed = Mark(say("claimed"), _two_lines(say.moment(act.at)), say("own-clock"), outside=False)
        yield Line([_bound("after", act.after, say), claimed, _bound("before", act.before, say)])


def _bound(name: str, bound: Bound | None, say: _Speaker) -> Mark:
    if bound is None:
        return Mark(say(name), say("unknown"), say("no-bound"))
    return Mark(say(name), _two_lines(say.moment(bound.at)), say("clock-of", whose=say.name(bound.by)), outside=True)


def _two_lines(moment: str) -> str:
    return moment.replace("（", "\n（")


def _log(case: Case, say: _Speaker) -> Iterator[Block]:
    yield Facts([(say("origin"), Verbatim(say.shown(case.origin)))])
    for head in case.heads:
        yield Heading(say("checkpoint", size=f"{head.published.size:,}"))
        yield Facts(_head(head, say))


def _head(head: Head, say: _Speaker) -> list[tuple[str, Cell]]:
    text, _, _ = head.published.note.partition("\n\n")
    root = (*text.split("\n"), "", "", "")[2]
    rows: list[tuple[str, Cell]] = [
        (say("root"), Verbatim(say.shown(root))),
        (say("signed-by"), Verbatim(say.shown("\n".join(_signers(head.published.note))))),
    ]
    rows += [(say("witnesses"), say("cosigned", at=say.moment(b.at), name=say.name(b.by))) for b in head.cosigned]
    for stamp in head.published.stamps:
        rows.append((say("stamps"), say("stamp", at=say.moment(stamp.at), authority=say.name(stamp.authority))))
        rows += [(say("certificate"), Verbatim(say.shown(subject))) for subject in _subjects(stamp.token)]
    missing = [name for name, there in (("witnesses", head.cosigned), ("stamps", head.published.stamps)) if not there]
    return rows + [(say(name), say("none")) for name in missing]


def _signers(note: str) -> list[str]:
    try:
        return [f"{s.name} ({s.id.hex()})" for s in notes.parse(note.encode(errors="replace")).signatures]
    except Malformed:
        return [note]


def _subjects(token: bytes) -> list[str]:
    """Name the subjects of the certificates in a time stamp; a verifier says whether they hold."""
    try:
        return [x509.load_der_x509_certificate(der).subject.rfc4514_string() for der in rfc3161.read(token).certificates]
    except (Malformed, ValueError):
        return []


def _keys(case: Case, say: _Speaker) -> Iterator[Block]:
    yield Paragraph(say("keys-intro"))
    for text in case.keys:
        try:
            key = notes.parse_key(text)
        except Malformed:
            yield Facts([(say("key-text"), Verbatim(say.shown(text)))])
            continue
        yield Heading(say.shown(key.name))
        yield Facts(
            [
                (say("key-kind"), _ALGORITHMS[key.kind]),
                (say("fingerprint"), Verbatim(sha256(str(key).encode()).hex())),
                (say("key-text"), Verbatim(str(key))),
            ]
        )


def _custody(case: Case, say: _Speaker) -> Iterator[Block]:
    if not case.custody:
        yield Paragraph(say("custody-none"))
        return
    yield Paragraph(say("custody-intro"))
    rows = [[_two_lines(say.moment(h.at)), say.shown(h.by), say.shown(h.what)] for h in case.custody]
    yield say.table(("when", "who", "what"), (36, 24, 40), rows)


def _environment(case: Case, say: _Speaker) -> Iterator[Block]:
    if not case.environment:
        yield Paragraph(say("environment-none"))
        return
    yield Paragraph(say("environment-intro"))
    yield Facts([(say.name(name), Verbatim(say.shown(value))) for name, value in case.environment.items()])


def _verify(case: Case, say: _Speaker) -> Iterator[Block]:
    stamped = [head.published.size for head in case.heads if head.published.stamps]
    yield Paragraph(say("verify-intro"))
    ways = [
        ("verify-cli", "mingwen evidence verify case.zip --key KEY"),
        ("verify-single", "mingwen evidence verifier -o verifier.py\npython verifier.py case.zip --key KEY"),
        ("verify-page", "mingwen evidence page -o verify.html"),
        *(("verify-stamp", _OPENSSL.format(size=size)) for size in stamped[-1:]),
        ("verify-proof", ""),
    ]
    for number, (how, commands) in enumerate(ways, 1):
        yield Paragraph(say("way", number=number, how=say(how)))
        if commands:
            yield Commands(commands)
    yield Heading(say("steps"))
    yield Paragraph(say("steps-intro"))
    steps = [[f"{n}  {_of(words.STEPS, n, say)}", _of(words.MEANINGS, n, say), FAILING[n].of(say.language)] for n in words.STEPS]
    yield say.table(("step", "holding", "failing"), (22, 42, 36), steps)
    yield Heading(say("outcomes"))
    yield Paragraph(say("outcomes-intro"))
    yield Facts([(name, _of(words.OUTCOMES, name, say).removeprefix(f"{name}: ")) for name in words.OUTCOMES])
    yield Heading(say("faults"))
    yield say.table(("code", "meaning"), (32, 68), [[Verbatim(code), _of(words.WORDS, code, say)] for code in words.WORDS])


_OPENSSL: Final = """\
unzip case.zip
head -n 3 checkpoints/{size}.txt > stamped.txt
openssl ts -verify -token_in -in checkpoints/{size}.0.tst \\
    -data stamped.txt -CAfile ROOT.pem"""


def _of(table: dict[str, tuple[str, str]] | dict[int, tuple[str, str]], name: str | int, say: _Speaker) -> str:
    return words.say(table, name, say.language)

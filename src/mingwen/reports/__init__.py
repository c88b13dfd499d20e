"""Reports that people read: what an evidence bundle shows, on paper and on a page, and how a work came about."""

from itertools import groupby

from mingwen.domain import works
from mingwen.domain.digests import sha256
from mingwen.domain.evidence import Entry
from mingwen.domain.works import Link
from mingwen.proofs.bundle import Act, Case
from mingwen.reports import evidence, html
from mingwen.reports.timeline import timeline

__all__ = ["LANGUAGES", "render", "timeline"]

LANGUAGES = ("zh", "en")


def render(case: Case, language: str) -> dict[str, bytes]:
    """Return the reports on a case in ``zh`` or ``en``, by the names of their files; the same case gives the same bytes.

    ``report.zh.html`` and ``report.zh.pdf``, and a page for each work that the case tells of: ``timeline.1.zh.html``.
    """
    from mingwen.reports import pdf  # noqa: PLC0415 - only whoever makes a PDF pays for its library

    report = evidence.report(case, language)
    made = {f"report.{language}.html": html.render(report), f"report.{language}.pdf": pdf.render(report)}
    for number, links in enumerate(_works(case), 1):
        made[f"timeline.{number}.{language}.html"] = timeline(links, language)
    return made


def _works(case: Case) -> list[list[Link]]:
    """Return the works in a case, each as its entries; what is kept back shows as erased."""
    links = sorted((_link(act) for act in case.acts if act.kind in works.KINDS), key=lambda link: link.entry.subject)
    return [list(group) for _, group in groupby(links, lambda link: link.entry.subject)]


def _link(act: Act) -> Link:
    detail = {name: value for name, value in act.fields.items() if name not in {"subject", "by"}}
    entry = Entry(act.kind, str(act.fields.get("subject", "")), str(act.fields.get("by", "")), act.at, detail)
    return Link(act.index, entry, sha256(act.leaf).hex())

"""Reports that people read: what an evidence bundle shows, on paper and on a page, and how a work came about."""

from mingwen.proofs.bundle import Case
from mingwen.reports import evidence, html
from mingwen.reports.timeline import timeline

__all__ = ["LANGUAGES", "render", "timeline"]

LANGUAGES = ("zh", "en")


def render(case: Case, language: str) -> dict[str, bytes]:
    """Return the reports on a case in ``zh`` or ``en``, by the names of their files: HTML and PDF.

    The same case gives the same bytes.
    """
    from mingwen.reports import pdf  # noqa: PLC0415 - only whoever makes a PDF pays for its library

    report = evidence.report(case, language)
    return {f"report.{language}.html": html.render(report), f"report.{language}.pdf": pdf.render(report)}

"""What the labels of one file amount to: parse each site, compare them, and give one of four verdicts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from mingwen.domain import strict_json
from mingwen.domain.findings import Finding, Severity, found
from mingwen.domain.labels import (
    FIELDS,
    MAX_LABEL_BYTES,
    OLDER_FIELDS,
    OLDER_LEAST,
    PRODUCTION,
    PROPAGATION,
    WRAPPER_KEY,
    AigcLabel,
    Claim,
)
from mingwen.domain.providers import problems
from mingwen.domain.sites import Reading, Site, Wrapper
from mingwen.domain.strict_json import Pairs, Value

MAX_LABELS: Final = 16
"""Labels of one file that are looked at; one is allowed."""
MAX_NAMED: Final = 8
"""Strange or repeated keys that are named one by one."""
SHOWN: Final = 60
"""How many characters of a stranger's value a message quotes."""
MAX_ODD: Final = 5
"""Characters outside the standard's range that are named one by one."""

_KINDS: Final[dict[type, tuple[str, str]]] = {
    Pairs: ("an object", "对象"),
    list: ("a list", "数组"),
    str: ("a string", "字符串"),
    bool: ("a boolean", "布尔值"),
    int: ("a number", "数字"),
    float: ("a number", "数字"),
    type(None): ("null", "空值"),
}
_FORMS_ZH: Final = {Wrapper.BARE: "不带 AIGC 外层的", Wrapper.WRAPPED: "带 AIGC 外层的"}


class Verdict(StrEnum):
    """The four verdicts. *Not found* is never given where a channel could not be read."""

    COMPLIANT = "compliant"
    NON_COMPLIANT = "non-compliant"
    NOT_FOUND = "not-found"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class ReadLabel:
    """One label as it was read."""

    place: str
    guide: bool
    fields: tuple[tuple[str, Value], ...]
    """Every field as it stands, in its order; of duplicates the first. Empty if the site is no JSON object."""
    label: AigcLabel | None
    """The seven fields as strings, where all three production fields could be understood."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found."""

    file: str
    format: str
    verdict: Verdict
    labels: tuple[ReadLabel, ...]
    findings: tuple[Finding, ...]
    digests: Mapping[str, object] = field(default_factory=dict)
    """``bytes`` and ``sha256`` of the file, where the log shall tell them (``digests.of``)."""


def judge(reading: Reading, *, file: str, format_name: str, guide: str, source: str, also: tuple[Finding, ...] = ()) -> Report:
    """Weigh one file's reading.

    ``guide`` is the place the format's guide names and ``source`` its clause; ``also`` are findings that come from elsewhere,
    for example of the file's name.
    """
    labels: list[ReadLabel] = []
    findings: list[Finding] = list(also)
    for site in reading.sites[:MAX_LABELS]:
        label, seen = read_site(site)
        labels.append(label)
        findings += seen
        if not site.guide:
            findings.append(found("label.place", site.place, wanted=guide, guide=source))
    findings += _compare(labels)
    if len(reading.sites) > MAX_LABELS:
        findings.append(found("label.too-many", file, most=MAX_LABELS, count=len(reading.sites)))
    findings += [found("channel.unread", u.place, reason=u.reason) for u in reading.unread]
    report = Report(file, format_name, Verdict.NOT_FOUND, tuple(labels), tuple(findings))
    return replace(report, verdict=weigh(report))


def weigh(report: Report) -> Verdict:
    """Give the verdict: an error outweighs an unread channel, which outweighs what was found or not."""
    if any(f.severity is Severity.ERROR for f in report.findings):
        return Verdict.NON_COMPLIANT
    if any(f.code == "channel.unread" for f in report.findings):
        return Verdict.INCONCLUSIVE
    return Verdict.COMPLIANT if report.labels else Verdict.NOT_FOUND


def with_findings(report: Report, more: tuple[Finding, ...]) -> Report:
    """Add findings, for example of signatures, and weigh again."""
    longer = replace(report, findings=report.findings + more)
    return replace(longer, verdict=weigh(longer))


def read_site(site: Site) -> tuple[ReadLabel, list[Finding]]:
    """Parse one site and check it field by field, Annex E b to j."""
    nothing = ReadLabel(site.place, site.guide, (), None)
    size = len(site.text.encode("utf-8", "surrogatepass"))
    if size > MAX_LABEL_BYTES:
        return nothing, [found("label.too-long", site.place, most=MAX_LABEL_BYTES, found=size)]
    try:
        value, encoded = _decode(site.text)
    except ValueError as e:
        return nothing, [found("label.not-json", site.place, found=e)]
    out = [found("label.double-encoded", site.place)] if encoded else []
    if not isinstance(value, Pairs):
        return nothing, [*out, found("label.not-json", site.place, **_kind(value))]
    value, more = _unwrap(value, site)
    out += more
    if not isinstance(value, Pairs):
        return nothing, [*out, found("label.not-json", site.place, **_kind(value))]
    first = value.first()
    if older := _older(first):  # the rules of Annex E say nothing of its form: one finding instead of one a field
        return ReadLabel(site.place, site.guide, tuple(first.items()), None), [
            found("label.older-schema", site.place, found=", ".join(older))
        ]
    out += _check(value, site.place)
    return ReadLabel(site.place, site.guide, tuple(first.items()), _label(first)), out


def _decode(text: str) -> tuple[Value, bool]:
    """Read JSON, and once more if what it holds is a string that is JSON itself."""
    value = strict_json.read(text.strip().strip("\0\ufeff"))
    if isinstance(value, str):
        return strict_json.read(value), True
    return value, False


def _unwrap(value: Pairs, site: Site) -> tuple[Value, list[Finding]]:
    """Take the label out of ``{"AIGC":…}`` and compare the form with what the place asks for."""
    keys = [k for k, _ in value.items]
    is_wrapped = WRAPPER_KEY in keys and not set(keys) & set(FIELDS)
    form = Wrapper.WRAPPED if is_wrapped else Wrapper.BARE
    out = []
    if site.wrapper not in {form, Wrapper.EITHER}:
        zh = {"wanted_zh": _FORMS_ZH[site.wrapper], "found_zh": _FORMS_ZH[form]}
        out.append(found("label.wrapper", site.place, wanted=site.wrapper.value, found=form.value, **zh))
    if not is_wrapped:
        return value, out
    if keys.count(WRAPPER_KEY) > 1:
        out.append(found("label.key-duplicate", site.place, field=WRAPPER_KEY, count=keys.count(WRAPPER_KEY)))
    strangers = [k for k in keys if k != WRAPPER_KEY]
    out += [found("label.field-unknown", site.place, field=_quote(k)) for k in strangers[:MAX_NAMED]]
    inner = next(v for k, v in value.items if k == WRAPPER_KEY)
    if isinstance(inner, str):
        try:
            return strict_json.read(inner), [*out, found("label.double-encoded", site.place)]
        except ValueError as e:
            return inner, [*out, found("label.not-json", site.place, found=e)]
    return inner, out


def _older(first: dict[str, Value]) -> list[str]:
    """Return the keys of the older schema, if the object is one of it and holds none of the seven fields."""
    keys: list[str] = [k for k in OLDER_FIELDS if k in first]
    return keys if len(keys) >= OLDER_LEAST and not first.keys() & set(FIELDS) else []


def _check(value: Pairs, place: str) -> list[Finding]:
    keys = [k for k, _ in value.items]
    first = value.first()
    repeated = [(k, n) for k, n in Counter(keys).items() if n > 1]
    out = [found("label.key-duplicate", place, field=_quote(k), count=n) for k, n in repeated[:MAX_NAMED]]
    unknown = [k for k in first if k not in FIELDS]
    out += [found("label.field-unknown", place, field=_quote(k)) for k in unknown[:MAX_NAMED]]
    platforms = _is_platforms(first)
    if platforms:
        out.append(found("label.producer-unknown", place))
    for name in FIELDS:
        if not (platforms and name in PRODUCTION[1:]):
            out += _check_field(name, first[name], place) if name in first else [_missing(name, place)]
    if first.get("ContentPropagator") != first.get("ContentProducer"):  # a first write repeats it: one warning is enough
        out += _provider("ContentPropagator", first.get("ContentPropagator"), place)
    out += _provider("ContentProducer", first.get("ContentProducer"), place)
    known = [k for k in keys if k in FIELDS]
    if known != sorted(known, key=FIELDS.index):
        out.append(found("label.key-order", place))
    return out


def _is_platforms(first: dict[str, Value]) -> bool:
    """Measures Art. 6: a platform that found no producer writes the attribute and its own part."""
    unknown = all(first.get(name) == "" for name in PRODUCTION[1:])
    return unknown and all(isinstance(first.get(name), str) and first[name] for name in PROPAGATION)


def _missing(name: str, place: str) -> Finding:
    return found("label.field-missing" if name in PRODUCTION else "label.optional-missing", place, field=name)


def _check_field(name: str, value: Value, place: str) -> list[Finding]:
    if not isinstance(value, str):
        return _check_not_string(name, value, place)
    if not value:
        if name in PRODUCTION:
            return [found("label.field-empty", place, field=name)]
        return [found("label.propagation-empty", place, field=name)] if name in PROPAGATION else []
    out = []
    if name == "Label" and value not in set(Claim):
        out.append(found("label.value-illegal", place, found=_quote(value)))
    if odd := _odd_characters(name, value):
        out.append(found("label.charset", place, field=name, found=odd))
    return out


def _provider(name: str, value: Value, place: str) -> list[Finding]:
    """Hold a code to TC260-PG-20252A; empty fields have their own finding."""
    return [found(code, place, field=name) for code in problems(value)] if isinstance(value, str) and value else []


def _check_not_string(name: str, value: Value, place: str) -> list[Finding]:
    if name == "Label" and isinstance(value, int) and not isinstance(value, bool):
        if str(value) in set(Claim):
            return [found("label.value-numeric", place, found=value)]
        return [found("label.value-illegal", place, found=value)]
    if name.startswith("ReservedCode") and isinstance(value, Pairs):
        return [found("label.reserved-nested", place, field=name)]
    return [found("label.value-not-string", place, field=name, **_kind(value))]


def _odd_characters(name: str, value: str) -> str:
    """Annex E j: 0x21, 0x23 to 0x5B, 0x5D to 0x7E and the escape of a quotation mark; "mainly", hence a warning.

    The quotation mark arrives here unescaped, so 0x22 counts as its escape. Backslashes within a reserved code are
    those of the JSON text it carries and pass.
    """
    allowed = {'"', "\\"} if name.startswith("ReservedCode") else {'"'}
    odd = sorted({c for c in value if not (0x21 <= ord(c) <= 0x7E and c != "\\") and c not in allowed})  # noqa: PLR2004 - the clause's own range
    return ", ".join(f"U+{ord(c):04X}" for c in odd[:MAX_ODD]) + (" …" if len(odd) > MAX_ODD else "")


def _label(first: dict[str, Value]) -> AigcLabel | None:
    """Build the label from what stands there, numbers and nested objects turned to strings; None if production is incomplete."""
    texts = {name: as_text(first.get(name)) for name in FIELDS}
    if not all(texts[name] for name in PRODUCTION) and not (texts["Label"] and _is_platforms(first)):
        return None
    extra = tuple((k, strict_json.write(v)) for k, v in first.items() if k not in FIELDS)
    return AigcLabel(**texts, extra=extra)


def as_text(value: Value) -> str:
    """Return a field as the text that stands for it: numbers and objects as JSON, nothing for null."""
    if value is None:
        return ""
    return value if isinstance(value, str) else strict_json.write(value)


def _compare(labels: list[ReadLabel]) -> list[Finding]:
    """Annex 6.1 c: one label a file; several that disagree are worse."""
    if len(labels) < 2:  # noqa: PLR2004 - one label is what the clause wants
        return []
    places = "; ".join(label.place for label in labels)
    out = [found("label.duplicate", places, count=len(labels))]
    understood = [label.label for label in labels if label.label]
    differing = [n for n in FIELDS if len({getattr(label, n) for label in understood}) > 1]
    if differing:
        out.append(found("label.disagree", places, fields=", ".join(differing)))
    return out


def _kind(value: Value) -> dict[str, str]:
    """Name the kind of a JSON value in both languages, as findings are given it."""
    en, zh = _KINDS[type(value)]
    return {"found": en, "found_zh": zh}


def _quote(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")

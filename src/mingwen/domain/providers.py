"""The 27-character code of a provider (TC260-PG-20252A) and the check digit of its subject (GB 32100).

    00 | 1 | 1 | 91310104MACE0YX639 | 1 | 8020
    format, subject type, binding, subject code (18), service type, service code (4)

The code comes from an operator's registration: this module puts one together and looks at it, and
never invents one. ``ContentProducer`` may also be a plain name (GB 45438-2025 Annex E d).
"""

import re
from dataclasses import dataclass

from mingwen.domain.errors import Malformed

CODE_CHARS = 27
USCC_CHARS = 18
FORMAT = "00"
ORGANISATION = "1"
"""Subject type; the value for a natural person is UNKNOWN, so others are let through."""
BY_USCC = "1"
"""Binding: by unified social credit code; other values are UNKNOWN and let through."""
SERVICE_TYPES = "012"
"""1 generates, 2 spreads; 0 goes with the unused extension 00000, and is seen in front of a used one."""

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100: 31 characters, without I, O, S, V and Z; the place of each is its value."""
_MODULUS = 31
_WEIGHTS = tuple(pow(3, i, _MODULUS) for i in range(USCC_CHARS - 1))

_CODE_LIKE = re.compile(r"00[0-9]{2}.*|(?=.*[0-9])[0-9A-Za-z]{27}", re.DOTALL)
"""What was meant as a code, though it may be a broken one; everything else is a name."""
_ALPHABET = re.compile(r"[0-9A-Z]*")

_REASONS = {
    "provider.bare-name": "expected a provider code, got a name",
    "provider.length": f"expected {CODE_CHARS} characters",
    "provider.alphabet": "expected digits and upper-case letters, without I, O, S, V and Z in a credit code",
    "provider.prefix": f"expected the format code {FORMAT} in front",
    "provider.check-digit": "expected a credit code whose last character follows from the first 17 (GB 32100)",
    "provider.service-type": "expected service type 0, 1 or 2",
}


@dataclass(frozen=True, slots=True)
class ProviderCode:
    """A code in its parts; ``str()`` gives the 27 characters."""

    format: str
    subject_type: str
    binding: str
    subject_code: str
    """18 characters; a unified social credit code where subject type and binding are both 1."""
    service_type: str
    service_code: str
    """4 characters the provider chooses for a model or an application."""

    def __str__(self) -> str:
        parts = (self.format, self.subject_type, self.binding, self.subject_code, self.service_type, self.service_code)
        return "".join(parts)


def check_digit(first17: str) -> str:
    """Return the 18th character of a unified social credit code (GB 32100: weights 3^i mod 31).

    Raises:
        Malformed: not 17 characters of the alphabet (``provider.length``, ``provider.alphabet``).
    """
    if len(first17) != USCC_CHARS - 1:
        raise _malformed("provider.length", first17, f"expected {USCC_CHARS - 1} characters")
    if not set(first17) <= set(USCC_ALPHABET):
        raise _malformed("provider.alphabet", first17)
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(first17, _WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % _MODULUS]


def problems(text: str) -> tuple[str, ...]:
    """Return what is wrong with a ``ContentProducer`` or ``ContentPropagator``: codes, all of them warnings.

    A plain name gives ``provider.bare-name`` and nothing else. Subject types and bindings other than
    those we know are no problem; neither is service type 0, which real files carry.
    """
    if not _CODE_LIKE.fullmatch(text):
        return ("provider.bare-name",)
    found = [] if _ALPHABET.fullmatch(text) else ["provider.alphabet"]
    if len(text) != CODE_CHARS:
        return (*found, "provider.length")
    code = _split(text)
    if code.format != FORMAT:
        found.append("provider.prefix")
    if not found and (code.subject_type, code.binding) == (ORGANISATION, BY_USCC):
        found += _uscc_problems(code.subject_code)
    if code.service_type not in SERVICE_TYPES:
        found.append("provider.service-type")
    return tuple(found)


def parse(text: str) -> ProviderCode:
    """Take a code apart. An odd service type passes, since a reader must cope with what is out there.

    Raises:
        Malformed: any other of ``problems``, the first one.
    """
    for problem in problems(text):
        if problem != "provider.service-type":
            raise _malformed(problem, text)
    return _split(text)


def build(uscc: str, *, service_type: str = "0", service_code: str = "0000") -> ProviderCode:
    """Put together the code of an organisation; without a service it ends in 00000 (TC260-PG-20252A).

    Raises:
        Malformed: the credit code, the type or the service code is not what it has to be.
    """
    if len(uscc) != USCC_CHARS:
        raise _malformed("provider.length", uscc, f"expected a credit code of {USCC_CHARS} characters")
    code = ProviderCode(FORMAT, ORGANISATION, BY_USCC, uscc, service_type, service_code)
    for problem in problems(str(code)):
        raise _malformed(problem, str(code))
    if len(service_type) != 1:
        raise _malformed("provider.service-type", service_type)
    return code


def _uscc_problems(uscc: str) -> list[str]:
    if not set(uscc) <= set(USCC_ALPHABET):
        return ["provider.alphabet"]
    return [] if check_digit(uscc[:-1]) == uscc[-1] else ["provider.check-digit"]


def _split(text: str) -> ProviderCode:
    return ProviderCode(text[:2], text[2], text[3], text[4:22], text[22], text[23:])


def _malformed(code: str, text: str, reason: str = "") -> Malformed:
    shown = repr(text[:40]) + ("…" if len(text) > 40 else "")  # noqa: PLR2004 - enough to recognise it by
    return Malformed(
        code,
        f"{reason or _REASONS[code]}; got {shown} of {len(text)} characters",
        hint="copy the code from the registration of the service (TC260-PG-20252A)",
    )

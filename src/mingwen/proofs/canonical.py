"""JSON in the one form of RFC 8785 (JCS), in which the same value always has the same bytes."""

import math
from json.encoder import encode_basestring
from typing import Final

from mingwen.domain.errors import Misused

MOST_INTEGER: Final = 2**53 - 1
"""Beyond it JSON's readers disagree (RFC 8785 §3.2.2.3, RFC 7493 §2.2); larger amounts are written as strings."""

_WORDS: Final = {None: "null", True: "true", False: "false"}


def canonical(value: object) -> bytes:
    """Write ``value`` (None, bool, int, float, str, lists, tuples and dicts with str keys) in canonical form.

    Raises:
        Misused: what JSON cannot carry unharmed: NaN, an integer beyond 2⁵³-1, half a character, another type (``json.value``).
    """
    try:
        return _written(value).encode()
    except (ValueError, TypeError, RecursionError) as e:  # a UnicodeEncodeError is a ValueError
        raise Misused("json.value", f"expected values that JSON carries, but: {e}", hint="write large numbers as strings") from e


def _written(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring(value)  # the escapes of RFC 8785 §3.2.2.2
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list | tuple):
        return f"[{','.join([_written(item) for item in value])}]"
    raise TypeError(f"a {type(value).__name__} is none")


def _object(value: dict[object, object]) -> str:
    keys = [k for k in value if isinstance(k, str)]
    if len(keys) < len(value):
        raise TypeError("a key is no string")
    keys.sort(key=None if "".join(keys).isascii() else _utf16)  # UTF-16 units are the order of RFC 8785 §3.2.3
    return f"{{{','.join([f'{encode_basestring(key)}:{_written(value[key])}' for key in keys])}}}"


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _integer(value: int) -> str:
    if abs(value) > MOST_INTEGER:
        raise ValueError(f"an integer of {value.bit_length()} bits is beyond 2^53-1")
    return int.__repr__(value)


def _number(value: float) -> str:
    """Write a float as ECMAScript does (ECMA-262, Number::toString): Python finds the same digits and lays them out otherwise."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    if value == 0:
        return "0"  # for -0 too
    digits, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    figures = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(figures)
    figures = figures.rstrip("0")
    return ("-" if value < 0 else "") + _laid_out(figures, point)


def _laid_out(figures: str, point: int) -> str:
    """Put the decimal point behind so many ``figures``, with an exponent where ECMAScript takes one."""
    if len(figures) <= point <= 21:  # noqa: PLR2004 - ECMA-262, steps 6 to 10 of Number::toString
        return figures.ljust(point, "0")
    if 0 < point <= 21:  # noqa: PLR2004 - the same
        return f"{figures[:point]}.{figures[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004 - the same
        return f"0.{'0' * -point}{figures}"
    mantissa = figures[0] + (f".{figures[1:]}" if figures[1:] else "")
    return f"{mantissa}e{point - 1:+d}"

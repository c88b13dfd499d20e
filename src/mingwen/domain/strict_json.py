"""JSON read for evidence: every key as it stands, duplicates kept, size and depth bounded."""

import json
import math
from dataclasses import dataclass
from typing import Final, TypeAlias

MAX_DEPTH: Final = 16
"""Nesting beyond this is no label. A SecurityData object within a label is 6 deep."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """A JSON object as it was written: keys in order, duplicates included."""

    items: tuple[tuple[str, "Value"], ...]

    def first(self) -> "dict[str, Value]":
        """Return an ordinary dict in the same order; of duplicate keys the first stands."""
        out: dict[str, Value] = {}
        for key, value in self.items:
            out.setdefault(key, value)
        return out


Value: TypeAlias = "Pairs | list[Value] | str | int | float | bool | None"


def plain(value: Value) -> object:
    """Turn a strictly read value into ordinary dicts and lists."""
    if isinstance(value, Pairs):
        return {k: plain(v) for k, v in value.first().items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def read(text: str) -> Value:
    """Read one JSON value.

    Raises:
        ValueError: it is not JSON, holds NaN or Infinity, or nests deeper than ``MAX_DEPTH``; the
            message names the fault in few words.
    """
    _bound_depth(text)
    try:
        value: Value = json.loads(
            text, object_pairs_hook=lambda pairs: Pairs(tuple(pairs)), parse_constant=_refuse, parse_float=_finite
        )
    except json.JSONDecodeError as e:
        raise ValueError(f"{e.msg.lower()} at character {e.pos}") from e
    return value


def _bound_depth(text: str) -> None:
    """Count brackets outside strings before any parser recurses."""
    depth = 0
    inside = escaped = False
    for c in text:
        if inside:
            inside = escaped or c != '"'
            escaped = not escaped and c == "\\"
        elif c == '"':
            inside = True
        elif c in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested deeper than {MAX_DEPTH}")
        elif c in "]}":
            depth -= 1


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def write(value: Value) -> str:
    """Write a strictly read value back, compact, ASCII, every key where it stood, duplicates included."""
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(k)}:{write(v)}" for k, v in value.items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write(v) for v in value) + "]"
    return json.dumps(value)

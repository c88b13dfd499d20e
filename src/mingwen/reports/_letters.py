"""Values of strangers as text that can be shown: bounded, and without characters that act instead of being seen."""

from typing import Final
from unicodedata import category

MOST_CHARACTERS: Final = 2_000
"""Of one value in a report; the whole of it stands in the bundle."""
MOST_NAME: Final = 200
"""Of a name in a heading or a line of ours."""

_UNSEEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Controls, marks of direction, halves of characters, characters without a meaning, and separators of lines."""
_CUT: Final = {
    "zh": "……（共 {count} 个字符，此处只列前 {most} 个）",
    "en": "… ({count} characters, of which the first {most} are shown)",
}


def code_point(character: str) -> str:
    """Name a character that cannot be shown."""
    return f"[U+{ord(character):04X}]"


def visible(text: str) -> str:
    """Name what would not be seen, or would turn its neighbours round; ends of lines stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c == "\n" or category(c) not in _UNSEEN else code_point(c) for c in text)


def shown(text: str, language: str, most: int = MOST_CHARACTERS) -> str:
    """Make a value fit to be shown: at most so many of its characters, with a word where that are not all."""
    whole = visible(text[:most])
    return whole if len(text) <= most else whole + _CUT[language].format(count=f"{len(text):,}", most=f"{most:,}")

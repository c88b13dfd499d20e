"""Most traces are a table: in which channel, under which name, which text."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mingwen.domain.clues import MAX_CLUE_CHARS, Channel, Clue
from mingwen.traces._shape import MAX_WORDS_CHARS

_AGENT: Final = r"(?:claim_generator(?:_info)?|softwareAgents?|name|model(?:Name|Identifier))[^\n]{1,4}?"
"""In a manifest (C2PA 2.2): a key that names the program that made something, and the head of the CBOR string behind it."""
WORKING_CHANNELS: Final = frozenset({Channel.TEXT, Channel.EXIF, Channel.TAG, Channel.PRIVATE})
"""Where programs write what they did."""

TITLE_CHARS: Final = 256
"""How far the name of a program reaches where one is asked for."""
NOTE_CHARS: Final = 4096
"""How far a vendor's note reaches."""

_NAME_CHARS = 40
_CONTROL = re.compile(r"[\0-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form of a trace."""

    channels: frozenset[Channel]
    text: re.Pattern[str]
    """Searched in the text; the match, or its group, is what is told."""
    name: re.Pattern[str] | None = None
    """The whole name of the clue; None where any will do."""
    reach: int = MAX_CLUE_CHARS
    """How much of the text is searched, from its beginning."""

    def match(self, clue: Clue) -> re.Match[str] | None:
        """Return what was found in a clue of one of the channels."""
        if self.name is not None and not self.name.fullmatch(clue.name):
            return None
        return self.text.search(clue.text, 0, self.reach)


def agent(names: str) -> Pattern:
    """Return the form of a manifest that names one of the programs as its maker, or as the maker of a part."""
    return Pattern(frozenset({Channel.MANIFEST}), re.compile(f"{_AGENT}({names})"))


def channels_of(patterns: Sequence[Pattern]) -> frozenset[Channel]:
    """Return every channel that a table asks."""
    return frozenset().union(*(p.channels for p in patterns))


def finder(patterns: Sequence[Pattern]) -> Callable[[Sequence[Clue]], Iterator[str]]:
    """Return the function that looks through clues for a table; each clue is told of once."""
    asked = {channel: [p for p in patterns if channel in p.channels] for channel in channels_of(patterns)}

    def find(clues: Sequence[Clue]) -> Iterator[str]:
        for clue in clues:
            match = next((m for p in asked[clue.channel] if (m := p.match(clue))), None)
            if match:
                yield words(clue, match[match.lastindex or 0])

    return find


def words(clue: Clue, seen: str) -> str:
    """Say what was seen in a clue: channel, name and text on one line."""
    place = f"{clue.channel.value} {clue.name[:_NAME_CHARS]}".strip()
    return _CONTROL.sub(" ", f"{place}: {seen[:MAX_WORDS_CHARS]}").strip()[:MAX_WORDS_CHARS]

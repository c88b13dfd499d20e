"""What a report consists of, before it becomes a page of HTML or sheets of PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A value to be compared letter by letter: a digest, a key, a name in a file. It is set in letters of one width."""

    text: str


Cell: TypeAlias = str | Verbatim


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of prose."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below that of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and their values, one below the other."""

    rows: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    shares: Sequence[int]
    """How wide the columns are, in hundredths of the whole."""


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type, to the letter, line by line."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on a line of time."""

    title: str
    at: str
    whose: str
    """Whose clock said so."""
    outside: bool | None = None
    """Is it the clock of somebody else than the operator of the log? None where no time is known."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of time, from the earliest mark to the latest; not to scale."""

    marks: Sequence[Mark]


Block: TypeAlias = Paragraph | Heading | Facts | Table | Commands | Line


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter with its number in its title."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report in one language."""

    language: str
    """``zh`` or ``en``."""
    title: str
    about: str
    """One line below the title: which bundle it is."""
    subject: str
    """The same in a word, for the foot of each page."""
    made: datetime
    sections: Sequence[Section]

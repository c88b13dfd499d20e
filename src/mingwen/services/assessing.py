"""Hold a finished file to the duties of several regimes: which are met, which are not, and why."""

from dataclasses import dataclass
from typing import BinaryIO, Final

from mingwen import regimes, traces
from mingwen.domain.media import Medium
from mingwen.domain.notices import has_elements
from mingwen.ports import World
from mingwen.regimes import Assessed, Facts
from mingwen.services import _examination
from mingwen.services._files import NOTHING, Beside

_VISIBLE: Final = "wording"
"""The trace of a line that readers see."""


@dataclass(frozen=True, slots=True)
class AssessContent:
    """Ask what regimes say of a file that is known to be generated."""

    name: str
    """The file's name; see ``LabelContent.name``."""
    regimes: tuple[str, ...]
    """Names of regimes: ``cn``, ``eu``, ``us-ca``."""
    explicit: bool | None = None
    """Whether people perceive a label, where the caller knows it; None has it looked for."""


def assess(world: World, command: AssessContent, *, source: BinaryIO, near: Beside = NOTHING) -> tuple[Assessed, ...]:
    """Answer every duty of the regimes, in their order.

    Raises:
        Misused: no such regime.
        Malformed: no format claims the bytes, or no structure can be followed at all.
    """
    chosen = regimes.named(command.regimes)
    examined = _examination.examine(world, command.name, source=source, near=near)
    explicit = _explicit(world, examined, source) if command.explicit is None else command.explicit
    facts = Facts(examined.medium, examined.report, examined.manifest, explicit)
    return tuple(Assessed(regime, duty, duty.answer(facts)) for regime in chosen for duty in regime.duties)


def _explicit(world: World, examined: _examination.Examined, source: BinaryIO) -> bool | None:
    """Say whether people perceive a label; None where nobody could look everywhere."""
    if any(f.code == "notice.found" for f in examined.report.findings):
        return True
    if any(s.trace.name == _VISIBLE for s in traces.search(examined.clues, source, examined.format.name)):
        return True  # documents, whose bodies give clues only
    if world.recognise is None or examined.medium not in {Medium.IMAGE, Medium.VIDEO}:
        return None  # of a text its beginning and end were searched, and the label may stand in the middle (§5.1)
    lines = world.recognise.words(source, examined.medium)
    return None if lines is None else any(has_elements(line) for line in lines)

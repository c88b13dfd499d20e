"""When a film bears its label, and what it looks like then."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from av.video.frame import VideoFrame

from mingwen.domain.notices import Moment, Style
from mingwen.notices import _planes
from mingwen.notices._iso import Matrix
from mingwen.notices._lettering import Turn, label_for
from mingwen.notices._planes import Stamp

MAX_ASPECT = 8
"""Of a pixel; what is beyond is not believed."""
FOR_EVER = 1 << 63


@dataclass(frozen=True, slots=True)
class Span:
    """When the label is seen: ticks from ``start`` to before ``stop``."""

    start: Fraction
    stop: Fraction


def spans(first: int, last: int, ticks: Fraction, style: Style) -> tuple[Span, ...]:
    """Return when a film shown from ``first`` to ``last`` bears a label of so many ticks: at its start in any case."""
    start, end = Fraction(first), max(last - ticks, Fraction(first))
    if style.persistent:
        return (Span(start, start + FOR_EVER),)
    under = [Span(start, start + ticks)]
    if Moment.MIDDLE in style.moments:
        under.append(Span((start + end) / 2, (start + end) / 2 + ticks))
    if Moment.END in style.moments:
        under.append(Span(end, end + FOR_EVER))
    return tuple(under)


def turn(matrix: Matrix | None) -> Turn:
    """Return how stored pixels come from shown ones; a matrix of other than quarter turns counts as the nearest of them."""
    if matrix is None:
        return Turn()
    a, b, _, c, d = matrix[:5]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Turn(mirror_x=a < 0, mirror_y=d < 0)
    return Turn(mirror_x=c < 0, mirror_y=b < 0, transpose=True)


class Labels:
    """The label of each span, light or dark as the first picture under it asks for."""

    def __init__(self, style: Style, under: Iterable[Span], matrix: Matrix | None, aspect: Fraction) -> None:
        self._style, self._under, self._turn = style, tuple(under), turn(matrix)
        self._aspect = min(max(float(aspect), 1 / MAX_ASPECT), MAX_ASPECT)
        self._stamps = dict[Span, Stamp]()
        self.ink = 0
        """Height of the letters in pixels."""

    def marked(self, frame: VideoFrame, shown: Fraction | int, until: Fraction | float) -> VideoFrame:
        """Draw the label if the picture is seen within a span; times in the spans' ticks."""
        span = next((s for s in self._under if shown < s.stop and until > s.start), None)
        if span is None:
            return frame
        if span not in self._stamps:
            look = _planes.look(frame)
            size = frame.width, frame.height
            label = label_for(self._style, *size, turn=self._turn, aspect=self._aspect, grid=_planes.GRID, look=look)
            self._stamps[span], self.ink = Stamp(label), label.ink_pixels
        return self._stamps[span].put(frame)

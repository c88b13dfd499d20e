"""Faces found by OpenCV's cascades, which its packages ship: upright ones from the front and from both sides.

They find most faces of some size and now and then something that is none; a label only moves to another corner for that.
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from mingwen.domain.errors import Unavailable
from mingwen.domain.notices import Box

FRONT: Final = "haarcascade_frontalface_alt2.xml"
SIDE: Final = "haarcascade_profileface.xml"
"""Of faces that look to the left."""
STEP: Final = 1.1
"""Factor between the sizes that are tried."""
NEIGHBOURS: Final = 5
"""So many overlapping finds make a face."""
LEAST_SHARE: Final = 0.04
"""Of the picture's shortest side: smaller faces are not looked for."""
LEAST_PIXELS: Final = 24
_HINT: Final = "pip install 'mingwen[faces]', or set notice.faces to none"


class OpenCvFaces:
    """The port ``FaceFinder``.

    Raises:
        Unavailable: OpenCV is not installed, or is one without cascades (``faces.missing``).
    """

    def __init__(self) -> None:
        try:
            import cv2  # noqa: PLC0415 - an optional package
        except ImportError as e:
            raise Unavailable("faces.missing", f"expected the package opencv-python-headless, but: {e}", hint=_HINT) from e
        paths = [Path(cv2.__file__).with_name("data") / name for name in (FRONT, SIDE)]
        if not all(path.is_file() for path in paths):
            raise Unavailable("faces.missing", f"expected {FRONT} in OpenCV {cv2.__version__}, found none", hint=_HINT)
        self._cv2 = cv2
        self._front, self._side = (cv2.CascadeClassifier(str(path)) for path in paths)
        self._alone = Lock()  # a classifier keeps what it is at in itself

    def __call__(self, pixels: bytes, width: int, height: int) -> Sequence[Box]:
        """See ``ports.FaceFinder``."""
        picture = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        grey = self._cv2.equalizeHist(self._cv2.cvtColor(picture, self._cv2.COLOR_RGB2GRAY))
        least = max(LEAST_PIXELS, round(LEAST_SHARE * min(width, height)))
        with self._alone:
            front, left, right = (
                cascade.detectMultiScale(part, STEP, NEIGHBOURS, minSize=(least, least))
                for cascade, part in ((self._front, grey), (self._side, grey), (self._side, grey[:, ::-1].copy()))
            )
        found = [(int(x), int(y), int(w), int(h)) for x, y, w, h in (*front, *left)]
        found += [(width - int(x) - int(w), int(y), int(w), int(h)) for x, y, w, h in right]
        return [(x, y, x + w, y + h) for x, y, w, h in found]

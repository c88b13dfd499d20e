"""IPTC's digital source types: the vocabulary in which C2PA and IPTC both say how a work came to be.

https://cv.iptc.org/newscodes/digitalsourcetype/ (A); C2PA adds ``trainedAlgorithmicData``.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mingwen.domain.clues import Channel, Clue
from mingwen.traces._patterns import words

WHOLE: Final = frozenset({"trainedAlgorithmicMedia", "trainedAlgorithmicData"})
"""The whole work was made by a trained model."""
PARTS: Final = frozenset({"compositeWithTrainedAlgorithmicMedia", "compositeSynthetic", "algorithmicMedia"})
"""Parts were, or it was made by an algorithm without training."""

_IN_MANIFEST: Final = re.compile(r"digitalsourcetype/(\w+)")
"""The whole URI, as C2PA wants it; in CBOR the next key follows its last letter, behind a byte that is no letter."""
_IN_XMP: Final = re.compile(
    r"DigitalSourceType(?:\s+rdf:resource)?\s*(?:=\s*[\"']|(?:\s[^<>]{0,200})?>)\s*(?:https?://[\w./-]{1,80}/)?(\w+)"
)
"""Element or attribute, under any prefix; the full URI, or the bare code that careless writers put."""
_PATTERNS: Final = {Channel.MANIFEST: _IN_MANIFEST, Channel.XMP: _IN_XMP}


def finder(codes: frozenset[str]) -> Callable[[Sequence[Clue]], Iterator[str]]:
    """Return the function that looks for the ``codes`` in manifests and XMP."""

    def find(clues: Sequence[Clue]) -> Iterator[str]:
        for clue in clues:
            for match in _PATTERNS[clue.channel].finditer(clue.text):
                code = next((c for c in codes if match[1].startswith(c)), None)
                if code:
                    yield words(clue, f"digitalSourceType {code}")

    return find

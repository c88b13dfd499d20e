"""How new samples are fitted into the track they go to, by coding."""

from collections.abc import Callable, Iterable
from typing import Protocol

from mingwen.notices._entry import METADATA, SEQUENCE_HEADER, TEMPORAL_DELIMITER, obus
from mingwen.notices._parameter_sets import H264, Hevc


class Dialect(Protocol):
    """How one coding's new samples are fitted into the track they go to."""

    def options(self, spent: float) -> dict[str, str]:
        """Return what the encoder is told; the old samples ``spent`` so many Mbit/s."""

    def taken(self, old: Iterable[bytes]) -> None:
        """Learn from the samples that are replaced; called before the encoder is opened."""

    def config(self, made: bytes, depth: int) -> bytes | None:
        """Return the configuration for old and new samples, from what the encoder calls its own; None leaves it.

        ``depth`` is by how many pictures the old ones come early: players reckon decoding times with it.
        """

    def sample(self, made: bytes, old: bytes) -> bytes:
        """Return a new sample in the track's form, with the messages of the old one shown at its time."""

    def entered(self, sample: bytes) -> bytes:
        """Return the first old sample behind new ones, which is as it was if it has what it needs and says what it is."""


class Plain:
    """VP8, VP9, Motion JPEG: every key picture says all."""

    def __init__(self, config: bytes) -> None:
        del config

    def options(self, spent: float) -> dict[str, str]:
        """Return nothing more."""
        del spent
        return {}

    def taken(self, old: Iterable[bytes]) -> None:
        """Nothing is learnt."""

    def config(self, made: bytes, depth: int) -> bytes | None:
        """Leave it."""
        del made, depth
        return None

    def sample(self, made: bytes, old: bytes) -> bytes:
        """Return it as the encoder made it."""
        del old
        return made

    def entered(self, sample: bytes) -> bytes:
        """Return it as it is."""
        return sample


class Av1(Plain):
    """Sequence headers stand in the stream (AV1 §7.5)."""

    def __init__(self, config: bytes) -> None:
        super().__init__(config)
        self.header = b"".join(whole for kind, whole, _ in obus(config[4:]) if kind == SEQUENCE_HEADER)

    def taken(self, old: Iterable[bytes]) -> None:
        """Keep the last sequence header."""
        for sample in old:
            self.header = b"".join(whole for kind, whole, _ in obus(sample) if kind == SEQUENCE_HEADER) or self.header

    def sample(self, made: bytes, old: bytes) -> bytes:
        """Put the old metadata, HDR and captions among them, between our sequence header and our picture."""
        ours = [(kind, whole) for kind, whole, _ in obus(made) if kind not in (TEMPORAL_DELIMITER, METADATA)]
        head = [whole for kind, whole in ours if kind == SEQUENCE_HEADER]
        kept = [whole for kind, whole, _ in obus(old) if kind == METADATA]
        return b"".join([*head, *kept, *(whole for kind, whole in ours if kind != SEQUENCE_HEADER)])

    def entered(self, sample: bytes) -> bytes:
        """Put the source's sequence header before a picture that has none."""
        return sample if any(kind == SEQUENCE_HEADER for kind, _, _ in obus(sample)) else self.header + sample


DIALECTS: dict[str, Callable[[bytes], Dialect]] = {
    "h264": H264,
    "hevc": Hevc,
    "vp8": Plain,
    "vp9": Plain,
    "av1": Av1,
    "mjpeg": Plain,
}

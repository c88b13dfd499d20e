"""A voice without a network: the program espeak-ng (https://github.com/espeak-ng/espeak-ng), an optional one.

Chinese is said at 120 to 160 characters a minute (GB 45438-2025 §5.3 note 4), which is measured: espeak-ng's own measure counts
the words of an English text.
"""

import io
import re
import subprocess
import wave
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from mingwen.domain.errors import Refused, Unavailable

PROGRAM: Final = "espeak-ng"
MAX_SECONDS: Final = 30
MAX_CHARACTERS: Final = 200
"""Of a label that is said in half a minute."""
WORDS_A_MINUTE: Final = 155
"""A usual speed of English; of the others the same measure."""
CHARACTERS_A_MINUTE: Final = 140
FIRST_SPEED: Final = 125
SPEEDS: Final = (80, 450)
"""What espeak-ng takes; it speaks no slower."""
ROUNDS: Final = 3
CLOSE: Final = 0.05
"""How near to the wanted speed is near enough."""
QUIET: Final = 0.005
"""Of its loudest sample: what is quieter before and behind the words is none of them."""
HEAD_BYTES: Final = 44
"""Of a WAV as espeak-ng pipes it."""
_HINT: Final = "apt install espeak-ng, or set notice.voice to none"

READINGS: Final = {"人工知能": "じんこうちのう", "人工智能": "じんこうちのう", "生成": "せいせい", "合成": "ごうせい"}
"""The elements of a label in kana: the Japanese voice reads no others."""
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z'’ -]*[A-Za-z])?")
_COUNTED: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[A-Z0-9]")


class _Tongue(NamedTuple):
    letters: re.Pattern[str]
    voice: str


_CHINESE: Final = _Tongue(_HAN, "cmn-latn-pinyin")
_JAPANESE: Final = _Tongue(re.compile(r"[\u3040-\u30ff]"), "ja")
_ENGLISH: Final = _Tongue(re.compile(""), "en-us")
TONGUES: Final = (_JAPANESE, _Tongue(re.compile(r"[\uac00-\ud7af]"), "ko"), _CHINESE, _ENGLISH)
"""The first whose letters are in the words says them; Latin letters among others are said as in English."""


class Espeak:
    """The port ``Voice``.

    Raises:
        Unavailable: there is no such program (``voice.missing``).
    """

    def __init__(self) -> None:
        _run("--version")

    def say(self, words: str) -> bytes:
        """See ``ports.Voice``.

        Raises:
            Refused: there are too many words, or letters that cannot be read (``voice.words``).
            Unavailable: the program failed (``voice.missing``).
        """
        if len(words) > MAX_CHARACTERS:
            raise _unsaid(f"at most {MAX_CHARACTERS} characters, got {len(words)}")
        tongue = next(t for t in TONGUES if t.letters.search(words))
        text = _kana(words) if tongue is _JAPANESE else words
        marked = escape(text)
        if tongue is not _ENGLISH:
            marked = _LATIN.sub(lambda m: f'<voice xml:lang="en-us">{m[0]}</voice>', marked)
        return _paced(marked, len(_COUNTED.findall(words))) if tongue is _CHINESE else _said(marked, tongue.voice, WORDS_A_MINUTE)


def _kana(words: str) -> str:
    for written, read in READINGS.items():
        words = words.replace(written, read)
    if _HAN.search(words):
        raise _unsaid(f"Japanese in kana but for {', '.join(READINGS)}, got {words!r}")
    return words


def _unsaid(what: str) -> Refused:
    hint = "set notice.wording to other words, or give a recording of these: notice.recording"
    return Refused("voice.words", f"expected {what}", hint=hint)


def _paced(marked: str, characters: int) -> bytes:
    """Say Chinese so often that it takes as long as it should."""
    speed = FIRST_SPEED
    for _ in range(ROUNDS):
        audio = _said(marked, _CHINESE.voice, speed)
        share = CHARACTERS_A_MINUTE / (characters / max(seconds(audio), 0.01) * 60)
        if abs(share - 1) <= CLOSE:
            break
        speed = min(max(round(speed * share), SPEEDS[0]), SPEEDS[1])
    return audio


def _said(marked: str, voice: str, speed: int) -> bytes:
    """Return a WAV of 16 bits and one channel, with true sizes."""
    raw = _run("-m", "-b", "1", "-v", voice, "-s", str(speed), "--stdin", "--stdout", text=marked)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(int.from_bytes(raw[24:28], "little") or 1)
        file.writeframes(raw[HEAD_BYTES : len(raw) - len(raw) % 2])
    return out.getvalue()


def seconds(audio: bytes) -> float:
    """Return how long the words in a WAV of ours last, from first to last sound."""
    with wave.open(io.BytesIO(audio)) as file:
        rate, data = file.getframerate(), np.frombuffer(file.readframes(file.getnframes()), np.int16)
    levels = np.abs(data.astype(np.int32))
    heard = np.flatnonzero(levels > levels.max(initial=0) * QUIET)
    return float(heard[-1] - heard[0] + 1) / rate if heard.size else 0.0


def _run(*arguments: str, text: str = "") -> bytes:
    try:
        run = subprocess.run(  # noqa: S603 - our own words
            [PROGRAM, *arguments], input=text.encode(), capture_output=True, timeout=MAX_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as e:
        raise Unavailable("voice.missing", f"expected the program {PROGRAM}, but: {e}", hint=_HINT) from e
    return run.stdout

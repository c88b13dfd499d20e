"""Search every reader and writer for anything but our own errors; called by `make fuzz`.

python tools/fuzz.py [SECONDS]

Small real files of every format are damaged at random: bytes changed, moved, cut and lengths blown up. What breaks the contract
of ``formats._shape`` is kept in .cache/fuzz, named by its digest, and ends the run with status 1.
"""

import hashlib
import io
import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/family"))

from test_formats import LABEL, MAKERS, OTHER, assembled, member

from mingwen.domain.errors import MingwenError
from mingwen.domain.sites import Site, Wrapper
from mingwen.domain.verdicts import read_site

KEPT = Path(__file__).parents[1] / ".cache/fuzz"
SLOW_SECONDS = 5.0
TELLING = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the data with one to six faults."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at, length = chance.randrange(len(out) or 1), chance.randint(1, 40)
        match chance.randrange(6):
            case 0:
                out[at : at + 1] = bytes([chance.choice(TELLING)])
            case 1:
                out[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", chance.randbytes(4)))
            case 2:
                del out[at : at + length]
            case 3:
                other = chance.randrange(len(out) or 1)
                out[at:at] = out[other : other + length]
            case 4:
                out[at : at + length] = chance.randbytes(length)
            case 5:
                del out[at:]
    return bytes(out)


def check(name: str, data: bytes) -> None:
    """Read and write; a written label must be read back unless the file says that something could not be read."""
    format_ = member(name)
    try:
        found = format_.read(io.BytesIO(data))
        for site in found.sites:
            read_site(site)
        out = assembled(data, format_.splice(io.BytesIO(data), OTHER))
    except MingwenError:
        return
    again = format_.read(io.BytesIO(out))
    if not found.unread and not again.unread and [s.guide for s in again.sites] != [True]:
        raise AssertionError(again)


def main(seconds: float) -> int:
    media, seed = Path(os.environ["MINGWEN_MEDIA"]), random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    samples: list[tuple[str, bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in MAKERS.items():
            path = Path(folder) / f"sample{member(name).suffixes[0]}"
            make(media, path)
            plain = path.read_bytes()
            labelled = assembled(plain, member(name).splice(io.BytesIO(plain), LABEL))
            samples += [(name, plain), (name, labelled)]
    tried, broken, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        name, sample = chance.choice(samples)
        data = damaged(sample, chance)
        began = time.monotonic()
        try:
            check(name, data)
            read_site(Site("fuzz", data.decode("utf-8", "replace"), Wrapper.BARE, guide=True))
            slow = time.monotonic() - began > SLOW_SECONDS
        except Exception:  # noqa: BLE001 - everything that escapes is what we look for
            traceback.print_exc()
            slow = True
        if slow:
            broken += 1
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}").write_bytes(data)
        tried += 1
    print(f"seed {seed}: {tried} files tried, {broken} kept in {KEPT}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600))

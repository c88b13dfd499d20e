"""Build the font that draws labels: Noto Sans CJK SC Bold, cut down to what Chinese and English labels need.

It wants Debian's package ``fonts-noto-cjk`` (1:20220127+repack1-1) and fonttools:

    apt-get install --no-install-recommends fonts-noto-cjk
    pip install fonttools==4.68.0
    python tools/font.py

The result is the same byte for byte each time. The typeface stays under the SIL Open Font License 1.1, which is
written beside it with the copyright line that the font itself carries.
"""

import re
from pathlib import Path

from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTCollection  # type: ignore[import-untyped]

COLLECTION = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc")
LICENCE = Path("/usr/share/doc/fonts-noto-cjk/copyright")
FACE = "Noto Sans CJK SC Bold"
TARGET = Path(__file__).parents[1] / "src/mingwen/notices/fonts"

RANGES = (
    range(0x20, 0x7F),  # ASCII
    range(0xA0, 0x100),  # Latin-1
    range(0x2010, 0x2027),  # dashes, quotation marks, ellipsis
    range(0x3000, 0x3020),  # CJK punctuation: 【 】 「 」 、 。
    range(0xFF01, 0xFF5F),  # full-width forms
)


def hanzi() -> set[int]:
    """Return the code points of GB 2312, levels 1 and 2: 6,763 hanzi in rows 16 to 87."""
    cells = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 88) for cell in range(1, 95))
    return {ord(text) for text in (cell.decode("gb2312", "ignore") for cell in cells) if text}


def licence(copyright_line: str) -> str:
    """Return the licence text of the package, its Debian indentation taken off, under the font's own copyright line."""
    debian = LICENCE.read_text(encoding="utf-8")
    body = re.search(r"^License: SIL-1\.1\n((?: .*\n)+)", debian, re.MULTILINE)
    if body is None:
        raise SystemExit(f"expected the OFL in {LICENCE}")
    lines = (line[1:] for line in body[1].splitlines())
    text = "\n".join("" if line == "." else line for line in lines)
    intro = "This Font Software is licensed under the SIL Open Font License, Version 1.1."
    return f"{copyright_line}\n\n{intro}\nThis license is copied below.\n\n{text}\n"


def build() -> int:
    """Write the font and its licence, and return the font's size in bytes."""
    font = next(f for f in TTCollection(COLLECTION).fonts if f["name"].getDebugName(4) == FACE)
    options = Options()
    options.hinting = False
    options.desubroutinize = False
    options.layout_features = ["kern"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "GDEF"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=hanzi().union(*RANGES))
    subsetter.subset(font)
    font.recalcTimestamp = False
    target = TARGET / "NotoSansSC-Bold-Labels.otf"
    font.save(target)
    (TARGET / "OFL.txt").write_text(licence(font["name"].getDebugName(0)), encoding="utf-8")
    return target.stat().st_size


if __name__ == "__main__":
    print(f"{len(hanzi())} hanzi, {build()} bytes")

"""Build the fonts that draw labels and those that print reports, cut down from Noto Sans to what is needed.

* ``NotoSansSC-Bold-Labels.otf``: Chinese, Japanese and Korean with western Latin, from Noto Sans CJK SC.
* ``NotoSans-Bold-Labels.ttf``: the rest of Latin, Greek, Cyrillic, Hebrew and Arabic, merged from Noto Sans, Noto Sans Hebrew
  and Noto Sans Arabic.
* ``NotoSansSC-Regular-Reports.ttf``: Chinese with Latin, Greek and Cyrillic, ``NotoSansSC-Bold-Reports.ttf``: what
  headings need of it, and ``NotoSansMonoSC-Regular-Reports.ttf``: ASCII of one width; from Noto Sans CJK SC and Noto Sans Mono
  CJK SC. Their outlines become quadratic, as the library that writes PDF embeds no others; no point moves by more than a
  thousandth of the letter's size.

It wants Debian's packages ``fonts-noto-cjk`` (1:20220127+repack1-1) and ``fonts-noto-core`` (20201225-1), and fonttools:

    apt-get install --no-install-recommends fonts-noto-cjk fonts-noto-core
    pip install fonttools==4.68.0
    python tools/font.py

The result is the same byte for byte each time. The typefaces stay under the SIL Open Font License 1.1, which is
written beside them with the copyright lines that the fonts themselves carry.
"""

import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.merge import Merger  # type: ignore[import-untyped]
from fontTools.pens.cu2quPen import Cu2QuPen  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-untyped]

COLLECTION = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc")
REGULAR = COLLECTION.with_name("NotoSansCJK-Regular.ttc")
SINGLE = Path("/usr/share/fonts/truetype/noto")
LICENCE = Path("/usr/share/doc/fonts-noto-cjk/copyright")
FACE = "Noto Sans CJK SC Bold"
TARGET = Path(__file__).parents[1] / "src/mingwen/notices/fonts"
REPORTS = Path(__file__).parents[1] / "src/mingwen/reports/fonts"
EAST, WEST = TARGET / "NotoSansSC-Bold-Labels.otf", TARGET / "NotoSans-Bold-Labels.ttf"

PUNCTUATION = (range(0x20, 0x7F), range(0xA0, 0x100), range(0x2010, 0x2027))
"""ASCII, Latin-1; dashes, quotation marks and the ellipsis."""
EASTERN = (
    *PUNCTUATION,
    range(0x3000, 0x3020),  # CJK punctuation: 【 】 「 」 、 。
    range(0x3041, 0x3100),  # hiragana and katakana
    range(0xFF01, 0xFF5F),  # full-width forms
)
WESTERN = {
    "NotoSans-Bold.ttf": (
        *PUNCTUATION,
        range(0x100, 0x180),  # Latin Extended-A
        range(0x1A0, 0x1B1),  # Vietnamese
        range(0x218, 0x21C),  # Romanian
        range(0x300, 0x30D),  # combining marks
        range(0x370, 0x400),  # Greek
        range(0x400, 0x460),  # Cyrillic
        range(0x490, 0x500),  # of it, Ukrainian, Kazakh, Mongolian
        range(0x1EA0, 0x1EFA),  # Vietnamese
    ),
    "NotoSansHebrew-Bold.ttf": (range(0x5D0, 0x5EB), range(0x5BE, 0x5C0)),
    "NotoSansArabic-Bold.ttf": (
        range(0x60C, 0x60D), range(0x61B, 0x61C), range(0x61F, 0x656), range(0x660, 0x66D),
        (0x67E, 0x686, 0x688, 0x691, 0x698, 0x6A9, 0x6AF, 0x6BA, 0x6BE, 0x6C1, 0x6CC, 0x6D2), range(0x6F0, 0x6FA),
    ),
}  # fmt: skip
TRADITIONAL = "人工智慧產生合成圖片像畫面影視頻音訊聲語內容文字標識註僅供參考請注意辨別甄經過處理說明電腦創作與為係這個"
"""What labels in traditional Chinese say; a font with all of its characters would be half as large again."""
PRINTED = (
    *PUNCTUATION,
    range(0x100, 0x180),  # Latin Extended-A
    (0x1CE, 0x1D0, 0x1D2, 0x1D4, 0x1D6, 0x1D8, 0x1DA, 0x1DC),  # pinyin
    range(0x391, 0x3CA),  # Greek
    range(0x401, 0x452),  # Cyrillic
    range(0x1EA0, 0x1EFA),  # Vietnamese
    (0x2032, 0x2033, 0x203B, 0x20AC, 0x2103, 0x2116, 0x2122, 0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x2260, 0x2264, 0x2265),
    range(0x2460, 0x2474),  # ① to ⑳
    (0x25A0, 0x25A1, 0x25B2, 0x25B6, 0x25BC, 0x25C6, 0x25CB, 0x25CF),
    range(0x3000, 0x3020),
    range(0x3041, 0x3100),
    range(0xFF01, 0xFF5F),
)
"""What reports print beside hanzi."""
GIVEN_NAMES = (
    "喆堃玥珺昇祎赟燊彧翀昉旸昳晞暐曈曦炘炜烜煊煜煦熠燚玙玚珅珈珣琀琇琎琤琰瑀瑄璟璠瓅祺禛禔筠筱綦翃翊翯"
    "芃苡茜荃莙菡萸葳蒨蓁蔺藜蘅衎衍诩谞赪骁骐鋆鑫钰铄锴镕闳阗霏霖韡頔颋颢飏馥骞鹏麒黉龑龢婧婳嫄嫣媛姝妤妍嬿孖孜孮宓"
    "宬尧屾岚岽峣崟嵘嵩巍帜庠弢彤徕忞忻怡恺惇愔慜懿扬抒捷掞旻晁晔暄朔枞栩桢梓楠榕樾歆毓沄沅沚泓泽洺浛涵淏淦淼湜溍滢潞潼澍濛瀚瀛"
)
"""Hanzi that names of people have and GB 2312 may not."""
MOST_ERROR = 1.0
"""How far a quadratic outline may stray, in thousandths of an em."""
SHAPING = ["kern", "mark", "mkmk", "ccmp", "init", "medi", "fina", "isol", "rlig", "calt"]


def hanzi(last_row: int = 87) -> set[int]:
    """Return the code points of GB 2312: 6,763 hanzi of levels 1 and 2 in rows 16 to 87, of which level 1 ends in row 55."""
    return _double_byte("gb2312", range(16, last_row + 1))


def traditional() -> set[int]:
    """Return the code points of Big5, level 1: 5,401 hanzi in rows A4 to C6."""
    cells = (bytes((row, cell)) for row in range(0xA4, 0xC7) for cell in (*range(0x40, 0x7F), *range(0xA1, 0xFF)))
    return {ord(text) for text in (cell.decode("big5", "ignore") for cell in cells) if text}


def kanji() -> set[int]:
    """Return the code points of JIS X 0208, level 1: 2,965 kanji in rows 16 to 47."""
    return _double_byte("euc_jp", range(16, 48))


def hangul() -> set[int]:
    """Return the code points of KS X 1001: 2,350 syllables in rows 16 to 40."""
    return _double_byte("euc_kr", range(16, 41))


def _double_byte(encoding: str, rows: Iterable[int]) -> set[int]:
    cells = (bytes((0xA0 + row, 0xA0 + cell)) for row in rows for cell in range(1, 95))
    return {ord(text) for text in (cell.decode(encoding, "ignore") for cell in cells) if text}


def licence(copyright_lines: Iterable[str]) -> str:
    """Return the licence text of the package, its Debian indentation taken off, under the fonts' own copyright lines."""
    debian = LICENCE.read_text(encoding="utf-8")
    body = re.search(r"^License: SIL-1\.1\n((?: .*\n)+)", debian, re.MULTILINE)
    if body is None:
        raise SystemExit(f"expected the OFL in {LICENCE}")
    lines = (line[1:] for line in body[1].splitlines())
    text = "\n".join("" if line == "." else line for line in lines)
    intro = "This Font Software is licensed under the SIL Open Font License, Version 1.1."
    owners = "\n".join(copyright_lines)
    return f"{owners}\n\n{intro}\nThis license is copied below.\n\n{text}\n"


def cut(font: TTFont, characters: set[int], features: list[str], drop: list[str]) -> TTFont:
    """Leave only what these characters need."""
    options = Options()
    options.hinting = False
    options.desubroutinize = False
    options.layout_features = features
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += drop
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font.recalcTimestamp = False
    return font


def east() -> str:
    """Write the eastern font; return its copyright line."""
    font = next(f for f in TTCollection(COLLECTION).fonts if f["name"].getDebugName(4) == FACE)
    wanted = hanzi().union(kanji(), hangul(), map(ord, TRADITIONAL), *EASTERN)
    cut(font, wanted, ["kern"], ["vhea", "vmtx", "VORG", "BASE", "GDEF"])
    font.save(EAST)
    return str(font["name"].getDebugName(0))


def west(sources: Path) -> list[str]:
    """Write the western font; return the copyright lines of those it is merged from."""
    with tempfile.TemporaryDirectory() as folder:
        parts, copyrights = [], []
        for name, ranges in WESTERN.items():
            font = TTFont(sources / name)
            copyrights.append(f"{font['name'].getDebugName(4)}: {font['name'].getDebugName(0)}")
            cut(font, set().union(*ranges), SHAPING, ["STAT", "meta", "DSIG", "gasp"]).save(part := f"{folder}/{name}")
            parts.append(part)
        created = TTFont(parts[0])["head"].created
        merged = Merger().merge(parts)
        merged.recalcTimestamp = False
        merged["head"].created = merged["head"].modified = created
        merged.save(WEST)
    return copyrights


def quadratic(font: TTFont, name: str, style: str) -> TTFont:
    """Draw a font of cubic outlines anew with quadratic ones, without hints, kerning or substitutions."""
    glyphs, drawn = font.getGlyphSet(), {}
    for glyph in font.getGlyphOrder():
        pen = TTGlyphPen(None)
        glyphs[glyph].draw(Cu2QuPen(pen, MOST_ERROR, reverse_direction=True))
        drawn[glyph] = pen.glyph()
    made = FontBuilder(font["head"].unitsPerEm, isTTF=True)
    made.setupGlyphOrder(font.getGlyphOrder())
    made.setupCharacterMap(font.getBestCmap())
    made.setupGlyf(drawn)
    made.setupHorizontalMetrics({g: (font["hmtx"][g][0], drawn[g].xMin if drawn[g].numberOfContours else 0) for g in drawn})
    ascent, descent = font["hhea"].ascent, font["hhea"].descent
    made.setupHorizontalHeader(ascent=ascent, descent=descent)
    made.setupOS2(sTypoAscender=ascent, sTypoDescender=descent, usWinAscent=ascent, usWinDescent=-descent, fsType=0)
    made.setupPost(keepGlyphNames=False)
    names = {"familyName": name, "styleName": style, "psName": f"{name.replace(' ', '')}-{style}", "fullName": f"{name} {style}"}
    made.setupNameTable(names | {"copyright": font["name"].getDebugName(0), "licenseDescription": font["name"].getDebugName(13)})
    made.font.recalcTimestamp = False
    made.font["head"].created = made.font["head"].modified = font["head"].created
    return made.font


def reports() -> None:
    """Write the fonts of reports and their licence."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    drop = ["vhea", "vmtx", "VORG", "BASE", "GDEF", "GPOS", "GSUB"]
    for collection, face, name, style, characters in (
        (REGULAR, "Noto Sans CJK SC", "Noto Sans SC", "Regular", hanzi().union(traditional(), map(ord, GIVEN_NAMES), *PRINTED)),
        (COLLECTION, FACE, "Noto Sans SC", "Bold", hanzi(55).union(*PUNCTUATION, *EASTERN)),
        (REGULAR, "Noto Sans Mono CJK SC", "Noto Sans Mono SC", "Regular", set(range(0x20, 0x7F))),
    ):
        font = next(f for f in TTCollection(collection).fonts if f["name"].getDebugName(4) == face)
        made = quadratic(cut(font, characters, [], drop), f"{name} Reports", style)
        made.save(REPORTS / f"{name.replace(' ', '')}-{style}-Reports.ttf")
    (REPORTS / "OFL.txt").write_text(licence([str(font["name"].getDebugName(0))]), encoding="utf-8")


def build(sources: Path) -> None:
    """Write all fonts and their licences."""
    reports()
    lines = [east(), *west(sources)]
    (TARGET / "OFL.txt").write_text(licence(lines), encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else SINGLE)
    print("\n".join(f"{f.name}: {f.stat().st_size} bytes" for f in (EAST, WEST, *sorted(REPORTS.glob("*.ttf")))))

"""A HEIF or AVIF picture with a label: the tiles under it are coded anew, in the same codec, and all else in the file stays.

Items are worked on, not pictures: Exif, XMP, profiles, turns, gain maps and depth are the source's own, byte for byte.
Thumbnails get a label of their own, for they are what a folder shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from struct import pack
from typing import TypeAlias

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from mingwen.containers.boxes import Node
from mingwen.containers.item_data import rewritten
from mingwen.containers.item_properties import Properties
from mingwen.domain.errors import Malformed, Refused
from mingwen.domain.notices import Box, Style
from mingwen.notices import _planes
from mingwen.notices._heif_codecs import Coded, decoded, encoded, samples
from mingwen.notices._heif_pictures import Album, Picture, Tile, opened
from mingwen.notices._lettering import Label, Shares, label_for

LAYERS = (b"a1lx", b"a1op", b"lsel")
"""Properties of pictures in several layers, of which ours have one."""
CACHED_TILES = 64
ALPHA_COLOUR = (2, 2, 2, True)
"""An alpha plane has the full range and no colour, whatever its data say (AVIF §4.1)."""
AV1_FIELDS = 4
"""Of an ``av1C``: what libavif wants equal in all tiles of a grid; the sequence header stands behind."""


Opened: TypeAlias = Callable[[Tile], VideoFrame]
"""Decodes a tile, once."""


@dataclass(frozen=True, slots=True)
class _Result:
    """What becomes of the tiles of a picture."""

    picture: Picture
    coded: dict[int, Coded]


def mark(data: bytes, style: Style) -> tuple[bytes, Label, str]:
    """Return the file with a label, the label, and what else the user should know."""
    source = BytesIO(data)
    album = opened(source)
    label, results = _labelled(album, album.primary, style)
    main, bare = results[0], 0
    for number in album.thumbnails:
        try:
            results = [*results, *_labelled(album, album.thumbnail(number), style)[1]]
        except (Refused, Malformed):
            bare += 1
    properties = album.properties
    for result in results:
        properties = _described(album, properties, result)
    new = {number: coded.data for result in results for number, coded in result.coded.items()}
    splice = rewritten(source, album.meta, album.meta.node.with_child(properties.packed()), new)
    return b"".join(p if isinstance(p, bytes) else data[p.start : p.stop] for p in splice), label, _note(main, bare)


def _note(main: _Result, bare: int) -> str:
    near, tiles = min(c.decibels for c in main.coded.values()), len(main.picture.tiles)
    parts = f"{len(main.coded)} of {tiles} tiles were" if tiles > 1 else "the picture was"
    left = f"; {bare} thumbnail{'s' * (bare > 1)} without a label" if bare else ""
    return f"; {parts} coded again, at {near:.1f} dB{left}"


def _labelled(album: Album, picture: Picture, style: Style) -> tuple[Label, list[_Result]]:
    """Draw a label into a picture and its alpha plane."""
    frame = _opener(album, picture)
    left, top, right, bottom = picture.visible

    def look(box: Box) -> NDArray[np.uint8]:
        return _colours(picture, frame, (box[0] + left, box[1] + top, box[2] + left, box[3] + top))

    label = label_for(style, right - left, bottom - top, turn=picture.turn, grid=_planes.GRID, look=look)
    label = replace(label, x=label.x + left, y=label.y + top)
    alpha = picture.alpha
    if alpha is None or (through := _transparency(alpha, opened_alpha := _opener(album, alpha), label)) is None:
        return label, [_coded(album, picture, frame, [label])]
    # White paper beneath, where nothing or little was: a label must not depend on what a page lays there.
    main = _coded(album, picture, frame, [_white(label, through * label.cover), label])
    return label, [main, _coded(album, alpha, opened_alpha, [_white(label, label.cover)])]


def _opener(album: Album, picture: Picture) -> Opened:
    colour = album.colour(picture) or (ALPHA_COLOUR if picture.is_alpha else None)

    @lru_cache(CACHED_TILES)
    def frame(tile: Tile) -> VideoFrame:
        found = decoded(tile.item.kind, album.config(tile.item), album.data(tile.item), colour)
        if (found.width, found.height) != (tile.width, tile.height):
            expected = f"expected {tile.width} × {tile.height} pixels, decoded {found.width} × {found.height}"
            raise Malformed("image.broken", expected, hint="save the picture anew")
        return found

    return frame


def _white(label: Label, shares: Shares) -> Label:
    """Return white, or full opacity, in place of a label."""
    return replace(label, plate=shares, ink=np.zeros_like(label.ink), plate_grey=1.0)


def _transparency(alpha: Picture, frame: Opened, label: Label) -> Shares | None:
    """Return 0 for opaque to 1 for clear, under a label; None if all there is opaque."""
    left, top, right, bottom = label.box
    out = np.zeros((label.height, label.width), np.float32)
    for tile in (t for t in alpha.tiles if t.meets(label.box)):
        picture = frame(tile)
        plane = next(samples(picture))
        x, y = tile.x - left, tile.y - top
        part = plane[max(-y, 0) : bottom - tile.y, max(-x, 0) : right - tile.x]
        top_value = (1 << picture.format.components[0].bits) - 1
        out[max(y, 0) :, max(x, 0) :][: part.shape[0], : part.shape[1]] = 1 - part.astype(np.float32) / top_value
    return out if out.any() else None


def _colours(picture: Picture, frame: Opened, box: Box) -> NDArray[np.uint8]:
    """Return what is stored in a box, as R′G′B′ of 8 bits."""
    left, top, right, bottom = box
    out = np.zeros((bottom - top, right - left, 3), np.uint8)
    for tile in (t for t in picture.tiles if t.meets(box)):
        x, y = tile.x - left, tile.y - top
        part = frame(tile).to_ndarray(format="rgb24")[max(-y, 0) : bottom - tile.y, max(-x, 0) : right - tile.x]
        out[max(y, 0) :, max(x, 0) :][: part.shape[0], : part.shape[1]] = part
    return out


def _coded(album: Album, picture: Picture, frame: Opened, layers: Sequence[Label]) -> _Result:
    """Encode the tiles under a label with it; all of a grid in AV1, if ours would be told apart."""
    touched = [t for t in picture.tiles if t.meets(layers[-1].box)]
    coded = dict[int, Coded]()
    for tile in [*touched, *(t for t in picture.tiles if t not in touched)]:
        config = album.config(tile.item)
        if tile not in touched and all(_alike(c.config, config) for c in coded.values()):
            break
        picture_now = frame(tile)
        for layer in layers if tile in touched else ():
            picture_now = _planes.Stamp(_cut(layer, tile)).put(picture_now)
        coded[tile.item.number] = encoded(tile.item.kind, picture_now, config)
    return _Result(picture, coded)


def _alike(ours: Node, theirs: bytes) -> bool:
    return ours.kind != b"av1C" or bytes(ours.body[:AV1_FIELDS]) == theirs[:AV1_FIELDS]


def _cut(label: Label, tile: Tile) -> Label:
    """Return the part of a label that lies on a tile; what reaches beyond it on the right and below is left out when drawn."""
    x, y = label.x - tile.x, label.y - tile.y
    part = np.s_[max(-y, 0) :, max(-x, 0) :]
    return replace(label, x=max(x, 0), y=max(y, 0), plate=label.plate[part], ink=label.ink[part], cover=label.cover[part])


# --- what is said about the items ----------------------------------------------------------------------------------------


def _described(album: Album, properties: Properties, result: _Result) -> Properties:
    """Say how to decode what was coded anew; what was said of colours in the data only, is said in the file."""
    picture, coded = result.picture, result.coded
    for number, one in coded.items():
        properties = properties.without(number, LAYERS).with_property(number, one.config, together=coded)
        pixi = properties.first(number, b"pixi")
        if pixi is not None and (bits := _bits(one.format)) and len(pixi.body) != 5 + len(bits) - 1:
            properties = properties.with_property(number, Node(b"pixi", bytes(4) + bytes((len(bits), *bits))), together=coded)
    untold = next((c.untold for c in coded.values() if c.untold), None)
    if untold and not picture.is_alpha and album.colour(picture) is None:
        nclx = b"nclx" + pack(">HHHB", *untold[:3], untold[3] << 7)
        properties = properties.with_property(picture.item, Node(b"colr", nclx), b"nclx")
    return properties


def _bits(pixel_format: str) -> list[int]:
    """Return the bits of each channel."""
    return [c.bits for c in VideoFormat(pixel_format, 16, 16).components]

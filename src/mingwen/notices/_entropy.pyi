# What _entropy.c and _entropy_pure.py do alike; all raise ``ValueError`` for coded data that are none.
#
# Shapes: ``tables`` (n, 69632) uint32 (see ``_jpeg_huffman.lookups``), ``codes`` (n, 256) uint32 (length << 16 | code),
# ``tally`` (n, 256) int64, ``pattern`` (blocks of an MCU, 3) uint8 (slot of its DC prediction, row of its DC table, of its AC
# table), ``coefs`` (blocks, 64) int16 in zigzag order, ``marks`` (MCUs, 6) int64 (first bit, end, four DC predictions).

import numpy as np
from numpy.typing import NDArray

# Return where the next FF stands that is not a stuffed byte; -1 for none.
def next_marker(data: bytes, at: int) -> int: ...

# Return coded data without stuffing.
def plain(data: bytes, start: int, stop: int) -> bytes | bytearray: ...

# Pass ``count`` MCUs, fill in coefficients and marks of the wanted ones (ascending), and return the bit at the end.
def read_mcus(
    bits: bytes | bytearray,
    tables: NDArray[np.uint32],
    pattern: NDArray[np.uint8],
    wanted: NDArray[np.int64],
    coefs: NDArray[np.int16],
    marks: NDArray[np.int64],
    count: int,
) -> int: ...

# Return plain data with new MCUs, from the byte in which the first one begins to bit ``stop``, and their number of bits.
# What stands between them is copied. A symbol without a code is counted in ``tally`` and left out.
def write_mcus(
    bits: bytes | bytearray,
    codes: NDArray[np.uint32],
    pattern: NDArray[np.uint8],
    coefs: NDArray[np.int16],
    marks: NDArray[np.int64],
    tally: NDArray[np.int64],
    stop: int,
) -> tuple[bytes, int]: ...

# Read one interval of a progressive scan into the blocks it names, and return the bit at the end.
def read_blocks(
    bits: bytes | bytearray,
    tables: NDArray[np.uint32],
    pattern: NDArray[np.uint8],
    order: NDArray[np.int64],
    coefs: NDArray[np.int16],
    *band: int,
) -> int: ...

# Return one interval of a progressive scan, and its number of bits.
def write_blocks(
    codes: NDArray[np.uint32],
    pattern: NDArray[np.uint8],
    order: NDArray[np.int64],
    coefs: NDArray[np.int16],
    tally: NDArray[np.int64],
    *band: int,
) -> tuple[bytes, int]: ...

"""A C2PA manifest store of the fewest boxes (ISO/IEC 19566-5): what tells stands far behind its beginning."""

import struct


def box(kind: bytes, *parts: bytes) -> bytes:
    """Build one box."""
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


THUMBNAIL = bytes(100_000)
STORE = box(
    b"jumb",
    box(b"jumd", bytes(17), b"c2pa.actions\0"),
    box(b"bfdb", THUMBNAIL),
    box(b"cbor", b"trainedAlgorithmicMedia"),
)
"""Larger than a clue may be, for its thumbnail."""
TOLD = "c2pa.actions\0\ntrainedAlgorithmicMedia"
"""What a clue gives of it: no thumbnail, no long fill."""

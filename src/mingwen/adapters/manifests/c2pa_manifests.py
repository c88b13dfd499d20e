"""The port ``Manifests`` over c2pa-python, the bindings of the C2PA's own library in Rust.

Every call makes its own context: the library's handles are neither for two threads nor for a forked child.
"""

import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

import c2pa

from mingwen.adapters.manifests.keys import Sign
from mingwen.adapters.manifests.reports import manifest
from mingwen.adapters.manifests.streams import Nowhere, Watched
from mingwen.containers.boxes import Box, walk
from mingwen.domain.errors import Malformed, MingwenError, Unavailable
from mingwen.domain.manifests import PARENT, Agent, Manifest, State, Statement, Status, Where, definition
from mingwen.ports import Parent

MAX_SIDECAR_BYTES: Final = 32 << 20
"""A manifest beside its file; thumbnails of many ingredients make large ones."""
OCTETS: Final = "application/octet-stream"
"""Any media type that the library does not know makes it hash the whole file (C2PA 2.2 §18.5)."""
STREAMED_BYTES: Final = 64 << 20
"""From this size on a video is hashed in leaves."""
LEAF_KIB: Final = 8192
MAX_HELD_BYTES: Final = 256 << 20
"""Files that are no ISO media the library holds in memory, twice; a larger one gets its manifest beside."""
_ISO_MEDIA: Final = frozenset({"video/mp4", "audio/mp4", "video/quicktime"})
_HASHED_PREFIX: Final = 16
"""Bytes of an mdat that its Merkle tree leaves out (§18.6.2)."""


@dataclass(frozen=True, slots=True)
class Signing:
    """What signs a manifest."""

    sign: Sign
    algorithm: str
    """As C2PA spells it: es256, ps384, ed25519, …"""
    chain: str
    """PEM, the signer's certificate first."""
    timestamp: str = ""
    """Where an RFC 3161 authority answers; empty: the time is the signer's claim."""


class C2paManifests:
    """Reads and signs."""

    def __init__(self, generator: Agent, signing: Callable[[], Signing], *, trust: str = "", fetch: bool = False) -> None:
        """Take the program that claims, what signs (asked when needed), roots that are trusted (PEM), and whether to fetch."""
        self._generator = generator
        self._signing = signing
        # A file is a stranger's: without leave, nothing that it names is looked up, redirects never.
        closed: dict[str, object] = {} if fetch else {"allowed_network_hosts": []}
        self._reading = {
            "core": {"decode_identity_assertions": False, "allow_redirects": False, **closed},
            "verify": {"remote_manifest_fetch": fetch, "ocsp_fetch": False},
            **({"trust": {"user_anchors": trust}} if trust else {}),
        }

    def read(self, source: BinaryIO, mime: str, beside: BinaryIO | None) -> Manifest | None:
        """Find and validate the manifest: the one in the file, or else the one beside it (C2PA 2.2 §11.4)."""
        inside = self._looked(source, mime, None) if _embeds(mime) else None
        if beside is None or (inside and inside.state is not State.UNFETCHED):
            return inside
        beside.seek(0)
        return self._looked(source, mime or OCTETS, beside.read(MAX_SIDECAR_BYTES))

    def _looked(self, source: BinaryIO, mime: str, data: bytes | None) -> Manifest | None:
        watched = Watched(source)
        source.seek(0)
        where = Where.EMBEDDED if data is None else Where.BESIDE
        try:
            with c2pa.Context.from_dict(self._reading) as context, c2pa.Reader(mime, watched, data, context) as reader:
                url = reader.get_remote_url() or ""
                return manifest(reader.json(), Where.REMOTE if url and data is None else where, url)
        except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported):
            return None
        except (c2pa.C2paError, ValueError, RecursionError) as e:
            _raise_fault(watched.fault)
            said = str(e)
            if said.startswith(_UNFETCHED):
                return Manifest(Where.REMOTE, State.UNFETCHED, remote_url=said.removeprefix(_UNFETCHED).strip())
            where = Where.REMOTE if said.startswith("Remote:") else where
            return Manifest(where, State.UNREADABLE, (Status("general.error", success=False, explanation=said),))

    def sign(self, source: BinaryIO, sink: BinaryIO, mime: str, statement: Statement, parent: Parent | None) -> bytes | None:
        """Sign ``source``; a manifest that it holds gives way to the new one, unless ``parent`` brings it in as ingredient.

        Raises:
            Malformed: the library cannot follow the file (``manifest.file``).
            Unavailable: the library, or the authority that stamps the time, failed (``manifest.signature``).
            MingwenError: what the key raises.
            OSError: a stream failed.
        """
        signing, embeds = self._signing(), _embeds(mime) and _fits(source, mime)
        call = _Call(signing.sign, Watched(source), Watched(sink) if embeds else Nowhere())
        source.seek(0)
        try:
            with (
                c2pa.Context.from_dict(_writing(source, mime)) as context,
                c2pa.Builder(definition(statement, self._generator), context) as builder,
                c2pa.Signer.from_callback(
                    call.answer, c2pa.C2paSigningAlg[signing.algorithm.upper()], signing.chain, signing.timestamp or None
                ) as signer,
            ):
                if parent:
                    brought = self._brought(parent, mime)
                    if brought and parent.beside:
                        builder.add_resource(_BROUGHT, io.BytesIO(parent.beside))
                    parent.source.seek(0)
                    builder.add_ingredient(_parent(statement) | brought, mime or OCTETS, Watched(parent.source))
                if not embeds:
                    builder.set_no_embed()
                data: bytes = builder.sign(signer, mime if embeds else OCTETS, call.source, call.sink)
        except c2pa.C2paError as e:
            raise call.reason(e) from e
        return None if embeds else data

    def _brought(self, parent: Parent, mime: str) -> dict[str, object]:
        """Say of an ingredient that its manifest stood beside it; the library looks into the file only.

        C2PA 2.2 §10.3.2.2: an ingredient with a manifest records how it validated.
        """
        inside = self._looked(parent.source, mime, None) if _embeds(mime) else None
        if parent.beside is None or (inside and inside.state is not State.UNFETCHED):
            return {}
        parent.source.seek(0)
        watched = Watched(parent.source)
        with (
            c2pa.Context.from_dict(self._reading) as context,
            c2pa.Reader(mime or OCTETS, watched, parent.beside, context) as reader,
        ):
            report = json.loads(reader.json())
        return {
            "manifest_data": {"format": "application/c2pa", "identifier": _BROUGHT},
            "active_manifest": report["active_manifest"],
            "validation_results": report["validation_results"],
        }


@dataclass
class _Call:
    """One signing: what the library is given, and what failed on our side of it."""

    sign: Sign
    source: Watched
    sink: Watched | Nowhere
    failed: MingwenError | None = None

    def answer(self, message: bytes) -> bytes:
        """Sign; an empty answer tells the library that it failed, without a line in its log."""
        try:
            return self.sign(message)
        except MingwenError as e:
            self.failed = e
            return b""

    def reason(self, error: c2pa.C2paError) -> MingwenError:
        """Say why a signing failed: our own error where there is one, else the library's."""
        for fault in (self.source.fault, self.sink.fault):
            _raise_fault(fault)
        if self.failed:
            return self.failed
        if isinstance(error, c2pa.C2paError.Signature):
            hint = "check manifest.chain (C2PA 2.2 §14.5 says what it needs), and manifest.timestamp if it is set"
            return Unavailable("manifest.signature", f"expected to sign the manifest, but: {error}", hint=hint)
        hint = "check that the file opens elsewhere; or label it without a manifest"
        return Malformed("manifest.file", f"expected a file that can hold a manifest, but: {error}", hint=hint)


_UNFETCHED: Final = "Remote: must fetch remote manifests from url"
_BROUGHT: Final = "parent.c2pa"
"""The resource that holds the manifest which stood beside the parent."""


def _parent(statement: Statement) -> dict[str, object]:
    return {"title": statement.title, "relationship": "parentOf", "label": PARENT}


def _embeds(mime: str) -> bool:
    return mime in c2pa.Builder.get_supported_mime_types()


def _fits(source: BinaryIO, mime: str) -> bool:
    return mime in _ISO_MEDIA or source.seek(0, os.SEEK_END) <= MAX_HELD_BYTES


def _writing(source: BinaryIO, mime: str) -> dict[str, object]:
    """Return the settings for signing: no thumbnail, nothing fetched, and little memory for a large video."""
    leaves = {"merkle_tree_chunk_size_in_kb": LEAF_KIB, "merkle_tree_max_proofs": 0} if _streams(source, mime) else {}
    return {
        "core": {"decode_identity_assertions": False, "backing_store_memory_threshold_in_mb": 8, **leaves},
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
    }


def _streams(source: BinaryIO, mime: str) -> bool:
    """Say whether a file is hashed in leaves: a large one with a single mdat, since the library fails on an empty second one."""
    end = source.seek(0, os.SEEK_END)
    if mime not in _ISO_MEDIA or end < STREAMED_BYTES:
        return False
    boxes = [b for b in walk(source, 0, end) if isinstance(b, Box)]
    data = [b for b in boxes if b.kind == b"mdat"]
    return len(data) == 1 and data[0].stop - data[0].start > _HASHED_PREFIX and not any(b.kind == b"moof" for b in boxes)


def _raise_fault(fault: OSError | None) -> None:
    """Let the outside's own failure out; the caller's ``translated`` says which file it was."""
    if fault:
        raise fault

"""What ``mingwen witness`` and ``mingwen monitor`` do."""

import base64
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mingwen import wire, wiring, wiring_watch
from mingwen.cli import exits
from mingwen.cli.terminal import clean, coloured, findings, line, object_line, report_error
from mingwen.domain.digests import sha256
from mingwen.domain.errors import Misused, Unavailable
from mingwen.proofs.notes import Checkpoint
from mingwen.services import monitoring, witnessing
from mingwen.services.monitoring import Watched, WatchLog
from mingwen.wiring_watch import Post

SAID: Final = {
    "en": {
        "well": "continues",
        "wrong": "wrong",
        "entries": "{count} entries checked against the tree",
        "witness": "cosigned by {name} at {at}",
        "kept": "evidence kept: {name}",
    },
    "zh": {
        "well": "连续",
        "wrong": "异常",
        "entries": "已核验 {count} 条条目均在树中",
        "witness": "见证方 {name} 已于 {at} 签名",
        "kept": "证据已保存：{name}",
    },
}


def serve(listen: str, post: Post, *, as_json: bool) -> int:
    """Answer until SIGTERM or Ctrl-C; what has come by then is answered."""
    from mingwen.web.witness import WitnessServer  # noqa: PLC0415 - http.server is heavy, and only this needs it

    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        raise Misused("usage.listen", f"expected HOST:PORT, got {listen!r}", hint="for example --listen 127.0.0.1:8337")
    if not post.logs:
        hint = "--log 'example.com/log+530d903a+AekyeRrm…'"
        raise Misused("usage.log", "expected the verifier key of at least one log, got none", hint=hint)
    world = wiring_watch.witness(post)
    try:
        server = WitnessServer(host.strip("[]"), int(port), world)
    except (OSError, OverflowError) as e:
        hint = "choose another address or port with --listen"
        raise Unavailable("witness.listen", f"expected to listen at {listen}, but: {e}", hint=hint) from e
    url = f"http://{host}:{server.server_address[1]}/"
    if as_json:
        object_line({"listening": url, "keys": [str(s.key) for s in world.signers]})
    else:
        line(f"witness {clean(post.name)} listens at {url}; logs: {clean(', '.join(world.logs))}")
    sys.stdout.flush()  # whoever started it waits for this line
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.stop()
        world.seen.close()
    return exits.WELL


def show(post: Post, *, as_json: bool) -> int:
    """Print keys and checkpoints."""
    world = wiring_watch.witness(post)
    rows = witnessing.overview(world)
    world.seen.close()
    if as_json:
        shown = [
            {"origin": r.origin, "checkpoint": _plain(r.newest), "at": _time(r.at) if r.at else None, "forked": r.forked}
            for r in rows
        ]
        object_line({"name": post.name, "keys": [str(s.key) for s in world.signers], "logs": shown})
        return exits.FINDING if any(r.forked for r in rows) else exits.WELL
    for signer in world.signers:
        line(str(signer.key))
    for row in rows:
        line(f"{clean(row.origin)}: {_words(row.newest)}{f', cosigned {_time(row.at)}' if row.at else ''}")
        if row.forked:
            path = f"/{sha256(row.origin.encode()).hex()}/fork"
            line(coloured(f"  this log signed two roots for one size; the witness gives the evidence at {path}", "red"))
    return exits.FINDING if any(r.forked for r in rows) else exits.WELL


def new_key(output: str, name: str, kind: str, *, as_json: bool) -> int:
    """Make a key; the file may not exist."""
    key = wiring_watch.new_cosigner(Path(output), name, kind)
    if as_json:
        object_line({"private": output, "key": str(key)})
    else:
        line(str(key))
    return exits.WELL


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look, and for what, as it was typed."""

    log: str
    keys: Sequence[str]
    witnesses: Sequence[str]
    entries: bool
    state: str | None


def monitor(look: Look, *, follow: float | None, language: str | None, as_json: bool) -> int:
    """Look once, or again and again; the status tells whether anything was ever wrong."""
    language = wiring.configuration(language=language).language
    keys, witnesses = ([wiring_watch.verifier_key(text) for text in texts] for texts in (look.keys, look.witnesses))
    command = WatchLog(keys, witnesses, look.entries)
    world = wiring_watch.monitor(look.log, look.state)
    status = exits.WELL
    try:
        while True:
            try:
                watched = monitoring.watch(world, command)
            except Unavailable as e:
                if follow is None:
                    raise
                report_error(e, language=language)  # the next look may find it well again
            else:
                kept = _evidence(watched, wiring_watch.seen_path(look.state))
                _tell(watched, kept, language, as_json=as_json)
                status = max(status, exits.FINDING if watched.faults else exits.WELL)
            if follow is None:
                return status
            time.sleep(follow)
    except KeyboardInterrupt:
        return status
    finally:
        world.seen.close()


def _evidence(watched: Watched, beside: Path) -> list[str]:
    """Keep the signed notes that contradict each other in files; return their names."""
    names = []
    for note in watched.evidence:
        path = beside.with_name(f"{beside.name}.{sha256(note.encode()).hex()[:16]}.checkpoint")
        wiring_watch.keep(path, note)
        names.append(str(path))
    return names


def _tell(watched: Watched, kept: Sequence[str], language: str, *, as_json: bool) -> None:
    if as_json:
        object_line(
            {
                "log": watched.log,
                "before": _plain(watched.before),
                "now": _plain(watched.now),
                "entries": watched.entries,
                "witnesses": [{"name": name, "at": _time(at)} for name, at in watched.witnessed],
                "findings": [wire.finding(f, language=language) for f in watched.faults],
                "evidence": list(kept),
            }
        )
        return
    head, colour = ("wrong", "red") if watched.faults else ("well", "green")
    line(f"{coloured(SAID[language][head], colour)} {clean(watched.log)}: {_words(watched.before)} → {_words(watched.now)}")
    findings(watched.faults, language)
    if watched.entries:
        line(f"  {SAID[language]['entries'].format(count=watched.entries)}")
    for name, at in watched.witnessed:
        line(f"  {SAID[language]['witness'].format(name=clean(name), at=_time(at))}")
    for name in kept:
        line(f"  {SAID[language]['kept'].format(name=clean(name))}")


def _plain(checkpoint: Checkpoint | None) -> dict[str, object] | None:
    if checkpoint is None:
        return None
    return {"size": checkpoint.size, "root": base64.b64encode(checkpoint.root).decode()}


def _words(checkpoint: Checkpoint | None) -> str:
    return f"{checkpoint.size} {base64.b64encode(checkpoint.root).decode()}" if checkpoint else "–"


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

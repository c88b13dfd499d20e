"""The page of a witness, for people: who it is, and what it saw last, in English and Chinese."""

import base64
from datetime import UTC, datetime
from html import escape
from typing import Final

from mingwen.domain.digests import sha256
from mingwen.ports import WitnessWorld
from mingwen.proofs.notes import Key, Kind
from mingwen.services import witnessing
from mingwen.services.witnessing import Log

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c1f23; --soft: #5a6069; --paper: #fbfaf7; --line: #d9d6cf; --mark: #8c2f1b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9e6df; --soft: #a5a9b0; --paper: #16181b; --line: #363a40; --mark: #e79a85; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 46rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.6 system-ui, "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h1::before { content: ""; display: block; width: 2.5rem; height: .25rem; margin-bottom: 1rem; background: var(--mark); }
h2 { font-size: 1.05rem; margin: 2.25rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p { margin: .35rem 0; }
[lang="zh"], .soft { color: var(--soft); }
article { padding: 1rem 0; border-top: 1px solid var(--line); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: .875rem/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
a { color: var(--mark); }
a [lang] { color: inherit; }
p.alarm, .alarm [lang] { color: var(--mark); font-weight: 600; }
summary { cursor: pointer; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; } }
"""


def page(world: WitnessWorld) -> str:
    """Write the page as HTML; every stranger's word in it is escaped."""
    name = escape(world.signers[0].key.name)
    keys = "".join(_key(s.key) for s in world.signers)
    logs = "".join(_log(log) for log in witnessing.overview(world))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name} · witness 见证方</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{name}</h1>
<p>This is a witness of transparency logs. It signs a checkpoint of a log only after it has checked that the log still holds
everything it held before. It says nothing of what stands in a log.</p>
<p lang="zh">这是透明日志的见证方。仅在核验日志仍完整包含此前全部内容之后，才对日志的检查点签名；对日志内容本身不作任何表示。</p>
<h2>Logs · <span lang="zh">日志</span></h2>
{logs}
<h2>Verifier keys · <span lang="zh">验证公钥</span></h2>
{keys}
<p class="soft">Compare them with what its operator gave you by another way.
<span lang="zh">请与运营方经其他途径提供的公钥核对。</span></p>
</main>
</body>
</html>
"""


def _key(key: Key) -> str:
    """Show a short key as it is; one of ML-DSA-44, of 1,800 characters, when it is asked for."""
    whole = f"<code>{escape(str(key))}</code>"
    if key.kind is Kind.COSIGNATURE:
        return f"<p>{whole}</p>\n"
    return f"<details><summary>ML-DSA-44 <code>{escape(key.name)}+{key.id.hex()}</code></summary>{whole}</details>\n"


def _log(log: Log) -> str:
    hashed = sha256(log.origin.encode()).hex()
    return f"<article>\n<h3>{escape(log.origin)}</h3>\n{_forked(hashed) if log.forked else ''}{_newest(log, hashed)}</article>\n"


def _forked(hashed: str) -> str:
    zh = f'<span lang="zh">该日志曾对同一条目数签署两个不同的根（<a href="{hashed}/fork">证据</a>）。</span>'
    return f'<p class="alarm">This log signed two roots for one size (<a href="{hashed}/fork">evidence</a>). {zh}</p>\n'


def _newest(log: Log, hashed: str) -> str:
    if log.newest is None:
        return '<p class="soft">No checkpoint yet. <span lang="zh">尚无检查点。</span></p>\n'
    when = datetime.fromtimestamp(log.at or 0, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    root = base64.b64encode(log.newest.root).decode()
    link = f'<a href="{hashed}/checkpoint">signed note · <span lang="zh">签名文本</span></a>'
    return f"""<dl>
<dt>size <span lang="zh">条目数</span></dt><dd>{log.newest.size}</dd>
<dt>root <span lang="zh">根哈希</span></dt><dd><code>{root}</code></dd>
<dt>cosigned <span lang="zh">签名时间</span></dt><dd>{when}</dd>
<dt>checkpoint <span lang="zh">检查点</span></dt><dd>{link}</dd>
</dl>
"""

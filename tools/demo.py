"""Label and verify a photograph, speech, a clip and documents, and take evidence out of the log; called by `make demo`.

python tools/demo.py MEDIA OUTPUT
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

FILES = ("coffee.png", "rocket.jpg", "speech.wav", "speech.mp3", "bunny.mp4", "document.md", "page.html", "note.txt")
PAGE = """<!doctype html>
<html lang=en>
<head><meta charset=utf-8><title>A page</title></head>
<body><p>A page of words.</p></body>
</html>
"""
NOTE = "A note in plain text.\n一段纯文本。\n"


def main(media: Path, output: Path) -> int:
    shutil.rmtree(output, ignore_errors=True)
    sources, labelled = output / "sources", output / "labelled"
    sources.mkdir(parents=True)
    for name in FILES:
        if (media / name).exists():
            shutil.copy(media / name, sources)
    (sources / "page.html").write_text(PAGE, encoding="utf-8")
    (sources / "note.txt").write_text(NOTE, encoding="utf-8")
    kept = output.resolve()
    environment = os.environ | {
        "MINGWEN_STORE_URL": f"sqlite:///{kept / 'mingwen.db'}",
        "MINGWEN_LOG_HEAD": str(kept / "log.head"),
    }
    steps = (
        ["label", str(sources), "-o", str(labelled)],
        ["verify", str(labelled)],
        ["verify", str(labelled / "coffee.png"), "--json"],
        ["log", "--limit", "3"],
        ["evidence", "export", str(labelled / "coffee.png"), "-o", str(output / "case.zip")],
        ["evidence", "verify", str(output / "case.zip")],
        ["evidence", "page", "-o", str(output / "verify.html")],
    )
    statuses = [step(arguments, environment) for arguments in steps]
    if any(statuses):
        return max(statuses)
    print(f"\nOpen {labelled} and look: every file carries the label you see or hear, and the one machines read.")
    print(f"Open {output / 'verify.html'} in a browser and drop {output / 'case.zip'} on it: it asks no network.")
    return 0


def step(arguments: list[str], environment: dict[str, str]) -> int:
    print(f"\n$ mingwen {shlex.join(arguments)}", flush=True)
    return subprocess.run([sys.executable, "-m", "mingwen", *arguments], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

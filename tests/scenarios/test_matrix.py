"""Every format meets every case, from no label over a foreign tool's to a cut file, and gets the right verdict."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import matrix
from foreign import FOREIGN
from matrix import Absent, Case
from mingwen import formats, wiring
from mingwen.domain.verdicts import Verdict
from mingwen.formats import Format
from mingwen.ports import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = wiring.world(wiring.configuration(store_url=f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def samples(media: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return matrix.samples(media, tmp_path_factory.mktemp("samples"))


@pytest.mark.parametrize("case", Case, ids=lambda c: c.value.replace(" ", "-"))
@pytest.mark.parametrize("member", formats.every(), ids=lambda m: m.name)
def test_the_verdict_is_right(member: Format, case: Case, samples: dict[str, bytes], world: World, tmp_path: Path) -> None:
    file = matrix.made(member, case, samples[member.name], tmp_path)
    if isinstance(file, Absent):
        assert (case, member.name in matrix.REFUSED) == (Case.OURS, True), file.reason
        return
    right, told = matrix.expected(member, case), matrix.told(world, member, file)
    assert told.verdict is right.verdict, told
    assert right.codes <= told.codes, told


def test_no_exception_hides_a_label() -> None:
    said = {matrix.expected(m, c).verdict for m in formats.every() for c in Case if c is not Case.NONE}
    assert Verdict.NOT_FOUND not in said


def test_every_format_is_labelled_by_a_foreign_tool() -> None:
    assert [f.name for f in formats.every() if f.name not in FOREIGN] == []

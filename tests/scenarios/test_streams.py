"""Chat output labelled while it is sent: text, events, messages and chunk objects, sync and async."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mingwen
from mingwen import Misused, Refused, Verdict

WORDS = "【AI生成】"


@pytest.fixture(autouse=True)
def _configured(tmp_path: Any) -> Iterator[None]:
    mingwen.configure(producer="001191310104MACE0YX63918020", store_url=f"sqlite:///{tmp_path}/log.db", notice_moments=["start"])
    yield
    mingwen.configure()


def openai(text: str = "", *, index: int = 0, finish: str | None = None, role: bool = False) -> dict[str, Any]:
    delta = ({"role": "assistant", "content": ""} if role else {}) | ({"content": text} if text else {})
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def said(chunks: list[Any], index: int = 0) -> str:
    return "".join(c["delta"].get("content") or "" for e in chunks for c in e["choices"] if c["index"] == index)


CHUNKS = [openai(role=True), openai("Hello"), openai(" there"), openai(finish="stop")]


def test_dicts_bear_the_label_in_the_first_and_the_last_and_the_words_before_the_text() -> None:
    before = copy.deepcopy(CHUNKS)
    passing = mingwen.stream(CHUNKS)
    out = list(passing)
    assert before == CHUNKS, "the caller's own objects stay as they were"
    assert passing.label is not None
    assert out[0]["aigc"] == out[-1]["aigc"] == json.loads(json.dumps(out[0]["aigc"]))
    assert out[0]["aigc"]["ProduceID"] == passing.label.ProduceID
    assert said(out) == f"{WORDS}\n\nHello there"
    assert out[2] is CHUNKS[2], "what is not changed is not copied"
    assert out[-1]["choices"] == []
    assert out[-1]["id"] == "chatcmpl-1"


def test_both_ends_and_several_answers_each_get_their_words() -> None:
    mingwen.configure(notice_moments=["start", "end"])
    chunks = [openai("a", index=0), openai("b", index=1), openai(index=1, finish="stop"), openai(index=0, finish="length")]
    out = list(mingwen.stream(chunks))
    assert said(out, 0) == f"{WORDS}\n\na\n\n{WORDS}"
    assert said(out, 1) == f"{WORDS}\n\nb\n\n{WORDS}"


def events(chunks: list[dict[str, Any]]) -> bytes:
    return b"".join(b"data: " + json.dumps(c).encode() + b"\n\n" for c in chunks) + b"data: [DONE]\n\n"


def parsed(stream: bytes) -> list[Any]:
    data = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(d) for d in data if d != b"[DONE]"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 200), max_size=20))
def test_events_may_come_in_pieces_of_any_size(cuts: list[int]) -> None:
    whole, pieces, at = events(CHUNKS), [], 0
    for cut in cuts:
        pieces.append(whole[at : at + cut])
        at += cut
    out = b"".join(mingwen.stream([*pieces, whole[at:]], kind="events", produce_id="one"))
    assert out.endswith(b"data: [DONE]\n\n")
    assert out == b"".join(mingwen.stream([whole], produce_id="one"))
    assert said(parsed(out)) == f"{WORDS}\n\nHello there"


def test_a_recording_of_the_events_is_compliant() -> None:
    out = b"".join(mingwen.stream([events(CHUNKS)]))
    report = mingwen.verify(out, name="chat.sse")
    assert report.verdict is Verdict.COMPLIANT, report.findings


def test_unchanged_events_go_on_as_the_very_bytes_they_were() -> None:
    pieces = [b": ping\n\n", *(b"data: " + json.dumps(c).encode() + b"\n\n" for c in CHUNKS)]
    out = list(mingwen.stream(pieces))
    assert out[0] is pieces[0]
    assert out[3] is pieces[3]


def test_strings_stay_strings_and_other_fields_of_an_event_stay() -> None:
    pieces = ["id: 7\nevent: message\ndata: " + json.dumps(openai("你好")) + "\n\n"]
    out = "".join(mingwen.stream(pieces))
    assert out.startswith("id: 7\nevent: message\ndata: {")
    assert "你好" in out
    assert "event: aigc\n" in out


ANTHROPIC: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "1", "content": []}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_stop"},
]


def test_shapes_of_other_apis_are_known() -> None:
    mingwen.configure(notice_moments=["start", "end"])
    out = list(mingwen.stream(ANTHROPIC))
    text = "".join(e["delta"]["text"] for e in out if e.get("type") == "content_block_delta")
    assert text == f"{WORDS}\n\nHi\n\n{WORDS}"
    assert [e["type"] for e in out[-3:]] == ["content_block_stop", "message_stop", "aigc"]
    ollama: list[Any] = list(
        mingwen.stream([{"message": {"role": "assistant", "content": "Hi"}}, {"message": {"content": ""}, "done": True}])
    )
    assert "".join(e["message"]["content"] for e in ollama if "message" in e) == f"{WORDS}\n\nHi\n\n{WORDS}"
    gemini: list[Any] = list(mingwen.stream([{"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}]))
    assert gemini[0]["candidates"][0]["content"]["parts"][0]["text"] == f"{WORDS}\n\nHi\n\n{WORDS}"
    responses: list[Any] = list(
        mingwen.stream([{"type": "response.output_text.delta", "delta": "Hi"}, {"type": "response.output_text.done"}])
    )
    assert "".join(e.get("delta", "") for e in responses) == f"{WORDS}\n\nHi\n\n{WORDS}"


def test_a_path_says_where_the_text_stands() -> None:
    out = list(mingwen.stream(['{"data":{"answer":"Hi"}}\n', '{"data":{"answer":"!"}}\n'], text="data.answer"))
    assert [json.loads(m)["data"]["answer"] for m in out[:2]] == [f"{WORDS}\n\nHi", "!"]
    assert all(m.endswith("\n") for m in out)
    assert "aigc" in json.loads(out[-1])


def test_events_whose_text_is_not_known_are_told_of_after_the_last() -> None:
    passing = mingwen.stream([{"x": 1}, {"y": 2}])
    out = [next(passing) for _ in range(3)]
    assert "aigc" in out[-1]
    with pytest.raises(Refused, match=r"stream\.no-text"):
        next(passing)


def test_objects_of_a_clients_library_are_copied_where_they_change() -> None:
    def chunk(text: str | None, finish: str | None = None) -> SimpleNamespace:
        return SimpleNamespace(choices=[SimpleNamespace(index=0, delta=SimpleNamespace(content=text), finish_reason=finish)])

    given_ = [chunk("Hello"), chunk(" there"), chunk(None, "stop")]
    out = list(mingwen.stream(given_))
    assert given_[0].choices[0].delta.content == "Hello"
    assert out[0].choices[0].delta.content == f"{WORDS}\n\nHello"
    assert out[1] is given_[1]
    assert out[-1].choices == []
    assert out[-1].aigc["Label"] == "1"


def test_objects_that_take_nothing_are_refused_with_a_way_out() -> None:
    class Frozen:
        __slots__ = ("choices",)

        def __init__(self) -> None:
            self.choices: list[object] = []

    with pytest.raises(Refused, match=r"stream\.object"):
        list(mingwen.stream([Frozen()]))


def test_plain_text_bears_the_words_alone() -> None:
    passing = mingwen.stream(iter(["", "Once ", "upon"]))
    assert list(passing) == ["", f"{WORDS}\n\n", "Once ", "upon"]
    assert passing.label is not None
    assert list(mingwen.stream([b"x"])) == [f"{WORDS}\n\n".encode(), b"x"]


def test_asynchronous_sources_stay_asynchronous() -> None:
    async def source() -> AsyncIterator[dict[str, Any]]:
        for chunk in CHUNKS:
            await asyncio.sleep(0)
            yield chunk

    async def run() -> list[Any]:
        return [chunk async for chunk in mingwen.stream(source())]

    out = asyncio.run(run())
    assert said(out) == f"{WORDS}\n\nHello there"


def test_what_stops_early_closes_its_source() -> None:
    closed = []

    def source() -> Iterator[str]:
        try:
            yield from ["a", "b", "c"]
        finally:
            closed.append(True)

    passing = mingwen.stream(source())
    next(passing)
    passing.close()
    assert closed == [True]


def test_every_stream_is_in_the_log_before_its_first_chunk() -> None:
    passing = mingwen.stream(["a"], name="answer 42", key="one")
    next(passing)
    _, world = mingwen.face.settled()
    entry = next(e for _, e in world.store.entries())
    assert entry.kind == "label.produced"
    assert entry.detail["file"] == "answer 42"
    assert passing.label is not None
    again = mingwen.stream(["a"], key="one")
    next(again)
    assert again.label == passing.label


def test_what_cannot_be_a_stream_is_said_so() -> None:
    with pytest.raises(Misused, match=r"stream\.source"):
        mingwen.stream("text")
    with pytest.raises(Misused, match=r"stream\.kind"):
        list(mingwen.stream([7]))
    with pytest.raises(Misused, match=r"stream\.kind"):
        list(mingwen.stream(["a"], kind="video"))
    with pytest.raises(Refused, match=r"delivery\.missing"):
        list(mingwen.stream(["a"], explicit=False))
    assert list(mingwen.stream([])) == []


def test_an_event_without_end_is_bounded() -> None:
    with pytest.raises(mingwen.Malformed, match=r"stream\.event"):
        list(mingwen.stream([b"data: " + bytes(9 << 20)]))

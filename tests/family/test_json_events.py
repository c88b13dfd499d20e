"""JSON and streams of events: the label comes and goes by bytes, and a parser of others agrees."""

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingwen import formats
from mingwen.domain.errors import Malformed, MingwenError, Refused
from mingwen.domain.labels import produced, to_json
from mingwen.domain.media import Keep
from mingwen.domain.sites import Reading
from mingwen.formats import Format, _members
from mingwen.formats.json import MEMBER as JSON
from mingwen.formats.sse import MEMBER as SSE

LABEL = to_json(produced(producer="001191310104MACE0YX63918020", produce_id="142569260085903360"))
OTHER = to_json(produced(producer="另一个", produce_id="x" * 300))
HERE = "member aigc"


def assembled(member: Format, data: bytes, label: str = LABEL) -> bytes:
    pieces = member.splice(io.BytesIO(data), label)
    return b"".join(data[p.start : p.stop] if isinstance(p, Keep) else p for p in pieces)


def read(member: Format, data: bytes) -> Reading:
    return member.read(io.BytesIO(data))


def places(member: Format, data: bytes) -> list[tuple[str, bool]]:
    found = read(member, data)
    assert not found.unread
    return [(s.place, s.guide) for s in found.sites]


def filled(pattern: str, label: str = OTHER) -> bytes:
    """Put a label where the sign stands."""
    return pattern.replace("§", label).encode()


# --- JSON ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{"aigc":§}'),
        (' {\n  "a": 1.0,\n  "a": 1e0 }\r\n', ' {"aigc":§,\n  "a": 1.0,\n  "a": 1e0 }\r\n'),
        ('\ufeff{"a":"é\\u00e9"}', '\ufeff{"aigc":§,"a":"é\\u00e9"}'),
        ('{"x":1,"aigc" : null , "y":2}', '{"x":1,"aigc" : § , "y":2}'),
        ('{"\\u0061ig\\u0063":true}', '{"\\u0061ig\\u0063":§}'),
        ('{"a":"\\\\","b":"\\"}{","c":[{"aigc":[]}]}', '{"aigc":§,"a":"\\\\","b":"\\"}{","c":[{"aigc":[]}]}'),
    ],
)
def test_every_other_byte_stays(before: str, after: str) -> None:
    out = assembled(JSON, before.encode())
    assert out == filled(after, LABEL)
    assert places(JSON, out) == [(HERE, True)]
    assert assembled(JSON, out) == out


@pytest.mark.parametrize(
    ("before", "found", "after"),
    [
        ('{"aigc":§,"x":1}', [(HERE, True)], '{"aigc":§,"x":1}'),
        ('{"x":1,"aigc":§,"aigc":§}', [(HERE, True)] * 2, '{"x":1,"aigc":§}'),
        ('{"AIGC":§}', [("member AIGC", False)], '{"aigc":§}'),
        ('{ "AIGC":§, "AIGC":§, "x":1}', [("member AIGC", False)] * 2, '{"aigc":§, "x":1}'),
        ('{"x":1, "AIGC":§ }', [("member AIGC", False)], '{"aigc":§,"x":1}'),
        (
            '{"metadata":{"AIGC":§,"aigc":§},"z":0}',
            [("metadata.AIGC", False), ("metadata.aigc", False)],
            '{"aigc":§,"metadata":{},"z":0}',
        ),
        ('{"aigc":§,"metadata":{"k":[],"aigc":§}}', [(HERE, True), ("metadata.aigc", False)], '{"aigc":§,"metadata":{"k":[]}}'),
        ('{"AIGC":§,"aigc":§,"x":1}', [("member AIGC", False), (HERE, True)], '{"aigc":§,"x":1}'),
    ],
)
def test_labels_elsewhere_are_read_and_give_way(before: str, found: list[tuple[str, bool]], after: str) -> None:
    assert places(JSON, filled(before)) == found
    out = assembled(JSON, filled(before))
    assert json.loads(out) == json.loads(filled(after, LABEL))
    assert out.count(b"ContentProducer") == 1


def test_a_label_in_a_string_is_read_as_what_it_says() -> None:
    found = read(JSON, json.dumps({"aigc": OTHER}).encode())
    assert [s.text for s in found.sites] == [OTHER]
    assert not found.unread


def test_a_member_that_says_nothing_is_no_label() -> None:
    for value in ("null", "false", "1", "[]"):
        assert read(JSON, b'{"aigc":%b}' % value.encode()) == Reading()


@pytest.mark.parametrize("data", ['{"a":{"aigc":§}}', '{"data":[{"AIGC":§}]}', "§", "[§]", '{"a":1}{"b":{"x":§}}'])
def test_a_label_in_a_depth_where_none_is_read_is_told(data: str) -> None:
    assert read(JSON, filled(data)).unread


@pytest.mark.parametrize("data", ["[]", "[{}]", '{"a":1}\n{"b":2}\n', '{"aigc":{}}\n{}'])
def test_arrays_and_lines_have_no_place(data: str) -> None:
    with pytest.raises(Refused) as caught:
        assembled(JSON, data.encode())
    assert caught.value.code == "json.no-object"


def test_labels_in_lines_are_read() -> None:
    assert places(JSON, filled('{"a":1}\n{"aigc":§}\n')) == [(HERE, False)]
    assert read(JSON, filled('{"aigc":§}\n') * 100).unread


@pytest.mark.parametrize("data", ['{"a":1', '{"a":1]', '{"a":"', '{"a":"\\', "{}}", '{"a":[}]', "[" * 2000, '{"a":' * 2000])
def test_what_is_no_json_is_told_and_not_written(data: str) -> None:
    assert read(JSON, data.encode()).unread
    with pytest.raises(Malformed):
        assembled(JSON, data.encode())


def test_a_cut_label_is_never_simply_absent() -> None:
    whole = assembled(JSON, b'{"id":"x","choices":[{"text":"y"}]}')
    for stop in range(1, len(whole)):
        found = read(JSON, whole[:stop])
        assert found.unread, stop


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | st.just("metadata"), inner, max_size=4),
    max_leaves=20,
)


@given(
    value=st.dictionaries(st.text(max_size=6) | st.sampled_from(["aigc", "metadata"]), values, max_size=5),
    indent=st.none() | st.just(2),
)
def test_json_of_any_shape_is_what_it_was_and_a_label(value: dict[str, object], indent: int | None) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    out = assembled(JSON, data)
    assert json.loads(out) == value | {"aigc": json.loads(LABEL)}
    assert places(JSON, out)[0] == (HERE, True)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 16])
def test_chunks_cut_nowhere(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = filled('{"a":"' + "\\\\" * 50 + '\\"","b":["' + "é" * 99 + '",{}],"aigc":§,"metadata":{"AIGC":§}}')
    expected = assembled(JSON, data)
    monkeypatch.setattr(_members, "STEP_BYTES", step)
    assert places(JSON, data) == [(HERE, True), ("metadata.AIGC", False)]
    assert assembled(JSON, data) == expected


# --- events -------------------------------------------------------------------------------------------------------------

BOTH = "first and last event aigc"


def data_of(stream: bytes) -> list[str]:
    """Read the data of a stream's events as the specification says, by a few lines of our own."""
    text = re.sub("\r\n|\r", "\n", stream.decode("utf-8-sig"))
    events = [
        [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")] for block in text.split("\n\n")
    ]
    return ["\n".join(lines) for lines in events if lines]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_first_and_the_last_event_get_the_label(end: str, mark: str) -> None:
    stream = mark + ': hello\nevent: start\ndata: {"n":1}\n\ndata:{"n":2}\n\nid: 7\ndata: {"n":3}\n\ndata: [DONE]\n\n'.replace(
        "\n", end
    )
    out = assembled(SSE, stream.encode())
    first, second, third, done = data_of(out)
    assert json.loads(first) == {"n": 1, "aigc": json.loads(LABEL)}
    assert json.loads(third) == {"n": 3, "aigc": json.loads(LABEL)}
    assert (second, done) == ('{"n":2}', "[DONE]")
    assert out.replace(f'"aigc":{LABEL},'.encode(), b"") == stream.encode()
    assert places(SSE, out) == [(BOTH, True)]
    assert assembled(SSE, out) == out
    assert assembled(SSE, assembled(SSE, out, OTHER)) == out


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        ('data: {"aigc":§}\n\n', [(BOTH, True)]),
        ('data: {"aigc":§}\n\ndata: {}\n\n', [("first event aigc", False)]),
        ('data: {}\n\ndata: {"aigc":§}\n\ndata: [DONE]', [("last event aigc", False)]),
        ('data: {"aigc":§}\n\ndata: {"aigc":{"Label":"2"}}\n\n', [("first event aigc", False), ("last event aigc", False)]),
        ('data: {"aigc":§}\n\ndata: {"aigc":§}\n\ndata: {"aigc":§}\n\n', [(BOTH, True), ("event member aigc", False)]),
        ('data: {}\n\ndata: {"metadata":{"AIGC":§}}\n\ndata: x\n\n', [("event metadata.AIGC", False)]),
    ],
)
def test_a_stream_shows_one_label_or_what_is_wrong(stream: str, found: list[tuple[str, bool]]) -> None:
    assert places(SSE, filled(stream)) == found
    out = assembled(SSE, filled(stream))
    assert places(SSE, out) == [(BOTH, True)]
    assert out.count(b"ContentProducer") == min(2, len([d for d in data_of(filled(stream)) if d.startswith("{")]))


def test_a_label_where_none_is_read_is_told() -> None:
    for stream in (
        'data: {"a":{"aigc":§}}\n\n',
        ": §\n\ndata: {}\n\n",
        "data: {}\n\ndata: [§]\n\n",
        'data: {"aigc":\ndata: §}\n\n',
    ):
        assert read(SSE, filled(stream)).unread


def test_streams_without_a_place_are_refused() -> None:
    for stream, code in (("data: hello\n\n", "sse.no-object"), ('data: {"a":\ndata: 1}\n\n', "sse.lines")):
        assert read(SSE, stream.encode()) == Reading()
        with pytest.raises(Refused) as caught:
            assembled(SSE, stream.encode())
        assert caught.value.code == code
    with pytest.raises(Malformed):
        assembled(SSE, b'data: {"a":[}\n\n')


def test_a_line_without_end_is_told() -> None:
    endless = b"data: {" + b" " * (9 << 20)
    assert read(SSE, endless).unread
    with pytest.raises(MingwenError):
        assembled(SSE, endless)


# --- who claims what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "suffix", "name"),
    [
        (b"{}", ".json", "json"),
        (b'\xef\xbb\xbf\n{"a":1}', ".json", "json"),
        (b"[1]", ".json", "json"),
        (b'{"a":1}\n{"a":2}', ".jsonl", "json"),
        (b'{"a":1}', ".txt", "text"),
        (b"data: {}\n\n", ".sse", "sse"),
        (b": comment\n", ".event-stream", "sse"),
        (b"data: {}\n\n", ".txt", "text"),
    ],
)
def test_one_member_claims(head: bytes, suffix: str, name: str) -> None:
    assert formats.of(head, suffix).name == name


@pytest.mark.parametrize(
    ("head", "suffix"),
    [(b"words", ".json"), (b"", ".json"), (b"{\\rtf1", ".json"), (b"words", ".sse"), (b"\xff\xfe{\0}\0", ".json")],
)
def test_what_is_neither_is_claimed_by_none(head: bytes, suffix: str) -> None:
    with pytest.raises(Malformed):
        formats.of(head, suffix)


def test_the_body_is_a_clue() -> None:
    (clue,) = JSON.clues(io.BytesIO(b'{"model":"x"}'))
    assert clue.text == '{"model":"x"}'
    assert [c.name for c in JSON.clues(io.BytesIO(b'{"a":"' + b"x" * 70_000 + b'"}'))] == ["beginning", "end"]
    assert [c.name for c in SSE.clues(io.BytesIO(b"data: {}\n\n"))] == ["beginning"]

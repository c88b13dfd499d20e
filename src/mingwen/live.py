"""The verb for what is generated while it is sent: ``mingwen.stream``."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Generic, TypedDict, TypeVar, Unpack, cast, overload

from mingwen import face, wiring
from mingwen.domain.contents import Delivery
from mingwen.domain.errors import Misused, only_ours
from mingwen.domain.labels import AigcLabel, Claim
from mingwen.services import streaming
from mingwen.services.streaming import Begun, LabelStream

T = TypeVar("T")


class Options(TypedDict, total=False):
    """What may be said of a stream; see ``stream``."""

    name: str
    explicit: bool
    delivery: Delivery | None
    produce_id: str | None
    claim: Claim | str
    key: str | None
    kind: str | None
    text: str | None


class _Passing(Generic[T]):
    """What both kinds of stream share; nothing happens before the first chunk."""

    def __init__(self, command: LabelStream) -> None:
        self._command = command
        self._begun: Begun | None = None

    @property
    def label(self) -> AigcLabel | None:
        """The metadata label, from the first chunk on: for a header, or for what is put together from the stream."""
        return self._begun.label if self._begun else None

    def _begin(self, chunk: T) -> Begun:
        with only_ours():
            self._begun = streaming.begin(face.settled()[1], self._command, chunk)
        return self._begun

    def _feed(self, begun: Begun) -> Callable[[T], list[T]]:
        return cast("Callable[[T], list[T]]", begun.labeller.feed)

    def _end(self, begun: Begun) -> list[T]:
        return cast("list[T]", begun.labeller.end())


class Stream(_Passing[T]):
    """Labelled chunks, to be taken once, one by one."""

    def __init__(self, chunks: Iterable[T], command: LabelStream) -> None:
        super().__init__(command)
        self._taken = self._passed(chunks)

    def __iter__(self) -> Iterator[T]:
        """Return the one iterator there is."""
        return self._taken

    def __next__(self) -> T:
        """Return the next chunk."""
        return next(self._taken)

    def close(self) -> None:
        """Stop: the source is closed too, if it can be."""
        self._taken.close()

    def _passed(self, chunks: Iterable[T]) -> Generator[T, None, None]:
        begun = None
        try:
            for chunk in chunks:
                if begun is None:
                    if not chunk:
                        yield chunk
                        continue
                    begun = self._begin(chunk)
                    feed = self._feed(begun)
                yield from feed(chunk)
            if begun:
                yield from self._end(begun)
                begun.labeller.require()
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()


class AsyncStream(_Passing[T]):
    """The same for asynchronous sources; the store is written in a thread."""

    def __init__(self, chunks: AsyncIterable[T], command: LabelStream) -> None:
        super().__init__(command)
        self._taken = self._passed(chunks)

    def __aiter__(self) -> AsyncIterator[T]:
        """Return the one iterator there is."""
        return self._taken

    async def __anext__(self) -> T:
        """Return the next chunk."""
        return await anext(self._taken)

    async def aclose(self) -> None:
        """Stop: the source is closed too, if it can be."""
        await self._taken.aclose()

    async def _passed(self, chunks: AsyncIterable[T]) -> AsyncGenerator[T, None]:
        import asyncio  # noqa: PLC0415 - 40 ms that who labels files need not wait for

        begun = None
        try:
            async for chunk in chunks:
                if begun is None:
                    if not chunk:
                        yield chunk
                        continue
                    begun = await asyncio.to_thread(self._begin, chunk)
                    feed = self._feed(begun)
                for out in feed(chunk):
                    yield out
            if begun:
                for out in self._end(begun):
                    yield out
                begun.labeller.require()
        finally:
            close = getattr(chunks, "aclose", None)
            if close:
                await close()


@overload
def stream(chunks: AsyncIterable[T], **options: Unpack[Options]) -> AsyncStream[T]: ...
@overload
def stream(chunks: Iterable[T], **options: Unpack[Options]) -> Stream[T]: ...
def stream(  # noqa: PLR0913 - each is a thing the caller may say of one stream
    chunks: Iterable[T] | AsyncIterable[T],
    *,
    name: str = "chat",
    explicit: bool = True,
    delivery: Delivery | None = None,
    produce_id: str | None = None,
    claim: Claim | str = Claim.GENERATED,
    key: str | None = None,
    kind: str | None = None,
    text: str | None = None,
) -> Stream[T] | AsyncStream[T]:
    """Label what a model says while it is sent: text, server-sent events, JSON messages, or chunk objects, sync or async.

    The first event and the last bear the metadata label as the member ``aigc``, the text in them the explicit label (at the
    setting ``notice.moments``: start, end or both). No chunk waits for another, but for the rest of its own event. The label is
    in the log before the first chunk goes out.

    Args:
        chunks: str or bytes (text, or server-sent events in pieces of any size, or one JSON object each); dicts; or objects
            with the shape of OpenAI's chunks (``chunk.choices[0].delta.content``).
        name: of the stream, for the log.
        explicit: False leaves the perceptible label out, which needs a ``delivery`` (Measures Art. 9).
        delivery: as in ``label``.
        produce_id: ProduceID; None takes a fresh UUID.
        claim: the value of ``Label``.
        key: idempotency key.
        kind: "text", "events", "messages" or "objects"; None goes by the first chunk that is not empty.
        text: where the text stands in each event, as members with dots between ("data.answer"); None knows the APIs of OpenAI,
            Anthropic, Gemini, Ollama and whatever has their shape.

    Returns what yields the labelled chunks once; its ``label`` is there from the first chunk on.

    Raises:
        Misused: an unknown kind or setting, when the first chunk comes.
        Refused: neither explicit label nor delivery; after the end: no event had a text (``stream.no-text``).
        Unavailable: the store failed.
    """
    config, _ = face.settled()
    command = LabelStream(
        name=name,
        producer=config.producer,
        style=wiring.style(config) if explicit else None,
        delivery=delivery,
        produce_id=produce_id,
        claim=face.claimed(claim),
        key=key,
        kind=kind,
        text=tuple(text.split(".")) if text else (),
    )
    if isinstance(chunks, AsyncIterable):
        return AsyncStream(chunks, command)
    if not isinstance(chunks, Iterable) or isinstance(chunks, str | bytes | dict):
        hint = "give a generator, a list, or an asynchronous one"
        raise Misused("stream.source", f"expected an iterable of chunks, got {type(chunks).__name__}", hint=hint)
    return Stream(chunks, command)

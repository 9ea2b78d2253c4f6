"""Downloads: a list that leaves as a file, byte by byte, under a name that no header can be broken with."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from urllib.parse import quote

from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-")
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl", "parquet": "application/vnd.apache.parquet"}


def disposition(name: str) -> str:
    """Return the header that names a file: RFC 6266, in ASCII for old readers and in UTF-8 (RFC 8187) for others."""
    ascii_name = "".join(letter if letter in PLAIN else "_" for letter in name)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def download(chunks: Iterator[bytes], name: str, headers: dict[str, str] | None = None) -> StreamingResponse:
    """Return a response that sends a file as fast as it is read, and no faster.

    Parameters
    ----------
    chunks
        The bytes. The first is taken before the response begins, so that what goes wrong until then is an error and not
        half a file; the iterator is closed at the end, also where the reader goes away.
    name
        Of the file, with its ending.
    headers
        Others.
    """
    first = next(chunks, b"")
    media_type = TYPES.get(name.rpartition(".")[2], "text/csv; charset=utf-8")
    return StreamingResponse(
        _sent(first, chunks),
        media_type=media_type,
        headers={"Content-Disposition": disposition(name), **(headers or {})},
    )


async def _sent(first: bytes, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for chunk in iterate_in_threadpool(rest):
            yield chunk
    finally:
        if isinstance(rest, Generator):
            await asyncio.shield(run_in_threadpool(rest.close))

"""The body of a request: so many bytes in so many seconds, decompressed; and the files in a form."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

import anyio
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from edgemnist.serving.problems import RequestError, bad_request, too_large
from edgemnist.serving.service import service_of

_Result = TypeVar("_Result")
_CLOSE = {"Connection": "close"}
_GZIP, _ZLIB, _RAW = 31, 15, -15
"""What ``zlib`` calls the three formats: RFC 1952, RFC 1950 and RFC 1951."""

_LARGE = 1 << 16
_MOST_FORM_FIELDS = 16


async def read_body(request: Request) -> bytes:
    """Return a request's body, decompressed.

    :raises RequestError: 413 it is too large; 408 it takes too long; 415 its coding is unknown; 400 it is damaged;
        503 others are just too many and too large.
    """
    service = service_of(request)
    limits = service.limits
    declared = request.headers.get("content-length", "0")
    if int(declared) > limits.body_bytes:  # h11 lets nothing but digits through
        raise too_large(f"the body has {int(declared):,} bytes, at most {limits.body_bytes:,} are read")
    parts, size = [], 0
    try:
        with anyio.fail_after(limits.body_seconds):
            async for part in request.stream():
                size += len(part)
                service.hold(request.scope, len(part))
                if size > limits.body_bytes:
                    raise too_large(f"the body has more than the {limits.body_bytes:,} bytes that are read")
                parts.append(part)
    except TimeoutError as error:
        raise RequestError(
            408, f"the body did not come within {limits.body_seconds:g} s; send it at once", _CLOSE
        ) from error
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return body
    content = await service.pictures.run(decompressed, body, coding, limits.body_bytes)
    service.hold(request.scope, len(content))
    return content


def decompressed(body: bytes, coding: str, most: int) -> bytes:
    """Return what a body was before it was compressed; no more than that is ever made of it.

    :raises RequestError: 415 for a coding other than gzip and deflate; 413 too large; 400 damaged.
    """
    if coding in ("gzip", "x-gzip"):
        formats = [_GZIP]
    elif coding == "deflate":
        formats = [_ZLIB, _RAW]  # RFC 9110 says the first of them, some clients send the other
    else:
        raise RequestError(415, f"unknown Content-Encoding {coding!r}; send gzip, deflate or none")
    for number, one in enumerate(formats):
        unpacker = zlib.decompressobj(one)
        try:
            content = unpacker.decompress(body, most + 1)
        except zlib.error as error:
            if number + 1 < len(formats):
                continue
            raise bad_request(f"the body is not {coding}, as its Content-Encoding says ({error})") from error
        if len(content) > most:
            raise too_large(f"the body has more than the {most:,} bytes that are read, decompressed")
        if not unpacker.eof:
            raise bad_request(f"the body ends inside its {coding} data; send all of it")
        if unpacker.unused_data:
            raise bad_request(f"something follows the body's {coding} data; compress it in one piece")
        return content
    raise AssertionError


async def parsed_json(request: Request, body: bytes) -> Any:
    """Return the value of a JSON body.

    :raises RequestError: 400 it is no JSON.
    """
    try:
        return await aside(request, len(body), json.loads, body)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the body is no JSON ({error}); send a JSON object") from error


async def aside(request: Request, size: int, function: Callable[..., _Result], *arguments: Any) -> _Result:
    """Return what a function makes of a body of so many bytes; of a large one in another thread."""
    if size <= _LARGE:
        return function(*arguments)
    return await service_of(request).pictures.run(function, *arguments)


async def json_object(request: Request, body: bytes) -> dict[str, Any]:
    """Return the object in a JSON body.

    :raises RequestError: 400 it is none.
    """
    value = await parsed_json(request, body)
    if not isinstance(value, dict):
        raise bad_request(f"the body is a JSON {type(value).__name__}; send an object")
    return value


async def file_of_form(request: Request, body: bytes, field: str) -> tuple[bytes, str]:
    """Return the content and the name of the file in a field of a form (multipart/form-data, RFC 7578).

    :raises RequestError: 400 the form is damaged, or has no such file.
    """

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, whole(), max_files=_MOST_FORM_FIELDS, max_fields=_MOST_FORM_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        why = getattr(error, "message", str(error))
        raise bad_request(f"the form cannot be read ({why}); send multipart/form-data with a file as {field!r}") from (
            error
        )
    try:
        found = form.get(field)
        if not isinstance(found, UploadFile):
            names = ", ".join(sorted(form)) or "none"
            raise bad_request(f"the form has no file {field!r}, its fields: {names}; send the picture as {field!r}")
        return await found.read(), found.filename or field
    finally:
        await form.close()

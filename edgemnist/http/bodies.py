"""The body of a request: so many bytes in so many seconds, decompressed; and the files in a form."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

import anyio
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from edgemnist.http.problems import RequestError, bad_request, too_large
from edgemnist.http.service import http_service_of

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
    service = http_service_of(request)
    limits, most = service.limits, _most_bytes(request)
    declared = request.headers.get("content-length", "0")
    if int(declared) > most:  # h11 lets nothing but digits through
        raise too_large(f"the body has {int(declared):,} bytes, at most {most:,} are read{_advice(request)}")
    parts, size = [], 0
    try:
        with anyio.fail_after(limits.body_seconds):
            async for part in request.stream():
                size += len(part)
                service.hold(request.scope, len(part))
                if size > most:
                    raise too_large(f"the body has more than the {most:,} bytes that are read{_advice(request)}")
                parts.append(part)
    except TimeoutError as error:
        raise RequestError(
            408, f"the body did not come within {limits.body_seconds:g} s; send it at once", _CLOSE
        ) from error
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return body
    content = await service.pictures.run(decompressed, body, coding, most)
    service.hold(request.scope, len(content))
    return content


def kind_of(request: Request) -> str:
    """Return what a request says that its body is, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _most_bytes(request: Request) -> int:
    """Return how many bytes a body of its kind may have."""
    limits = http_service_of(request).limits
    own = {"application/json": limits.json_bytes, "multipart/form-data": limits.form_bytes}.get(kind_of(request))
    return limits.body_bytes if own is None else min(own, limits.body_bytes)


def _advice(request: Request) -> str:
    """Return what to do about a body that is too large for its kind and not for any other."""
    if _most_bytes(request) == http_service_of(request).limits.body_bytes:
        return ""
    return f" as {kind_of(request)}; send the picture file itself, as image/png or image/jpeg"


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
    return await http_service_of(request).pictures.run(function, *arguments)


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
    try:
        form = await aside(request, len(body), _form_of, request.headers, body)
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
        content = await found.read()
        http_service_of(request).hold(request.scope, len(content))
        return content, found.filename or field
    finally:
        await form.close()


class _InMemory(MultiPartParser):
    """A parser that writes no file: the body is in memory already."""

    spool_max_size = sys.maxsize


def _form_of(headers: Headers, body: bytes) -> FormData:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    parsing = _InMemory(headers, whole(), max_files=_MOST_FORM_FIELDS, max_fields=_MOST_FORM_FIELDS).parse()
    # Nothing in it waits for anything, so that it runs where there is no event loop, or another one already.
    try:
        parsing.send(None)
    except StopIteration as end:
        form: FormData = end.value
        return form
    raise AssertionError

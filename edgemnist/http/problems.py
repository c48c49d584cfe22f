"""What is wrong with a request: a status, a sentence, and what the client has to know beside it."""

from __future__ import annotations

from collections.abc import Mapping


class RequestError(Exception):
    """A request that is not answered. ``status``: as RFC 9110 has it; the message is a sentence with its remedy."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


def bad_request(message: str) -> RequestError:
    """Return the problem of a request that is malformed."""
    return RequestError(400, message)


def not_found(message: str) -> RequestError:
    """Return the problem of a name that nothing has."""
    return RequestError(404, message)


def too_large(message: str) -> RequestError:
    """Return the problem of what has more bytes or pixels than are taken."""
    return RequestError(413, message)


def overloaded(message: str, seconds: int = 1) -> RequestError:
    """Return the problem of a server that has too much to do; it is to be asked again after so many seconds."""
    return RequestError(503, message, {"Retry-After": str(seconds)})

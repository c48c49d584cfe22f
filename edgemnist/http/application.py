"""Routes with the guard around them, and errors in one shape."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from edgemnist.http.answers import problem_response
from edgemnist.http.guard import Guard
from edgemnist.http.problems import RequestError
from edgemnist.http.service import REQUEST_ID, Service


def guarded(app: Starlette, service: Service, help_is_at: str) -> ASGIApp:
    """Return an application that has its routes as one that answers for a service.

    ``help_is_at``: where a client finds what there is, for messages.
    """
    app.state.service, app.state.help_is_at = service, help_is_at
    app.router.redirect_slashes = False
    app.add_exception_handler(RequestError, _problem)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_exception_handler(Exception, _fault)
    if service.access.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(service.access.origins), allow_methods=["GET", "POST"],
            allow_headers=["*"], expose_headers=["X-Request-Id"],
        )  # fmt: skip
    return Guard(app, service)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return problem_response(error.status, error.message, request.scope[REQUEST_ID], error.headers)


async def _unknown(request: Request, error: Exception) -> Response:
    """Say that there is no such path, or that it does not take the method."""
    assert isinstance(error, HTTPException)
    path, status, help_is_at = request.url.path, error.status_code, request.app.state.help_is_at
    if status == 404:
        message = f"there is no {path!r} here; {help_is_at} has what there is"
    else:
        message = (
            f"{path!r} does not take {request.method}; {str(error.detail).lower()}; {help_is_at} has what it takes"
        )
    return problem_response(status, message, request.scope[REQUEST_ID], error.headers)


async def _fault(request: Request, error: Exception) -> Response:
    """Say that it is our fault; the guard logs what is raised again after this."""
    message = f"a fault of edgemnist's own ({type(error).__name__}); please report it with the log"
    return problem_response(500, message, request.scope[REQUEST_ID])

"""The routes and what holds for all of them, as one ASGI application."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from edgemnist.serving.answers import problem_response
from edgemnist.serving.guard import Guard
from edgemnist.serving.problems import RequestError
from edgemnist.serving.routes import engines, inference, operations, page, predict, tensorflow_serving
from edgemnist.serving.service import REQUEST_ID, Service
from edgemnist.support.version import VERSION


def application(service: Service) -> ASGIApp:
    """Return the application of a service."""
    app = FastAPI(title="edgemnist", version=VERSION, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.service = service
    for module in (predict, engines, tensorflow_serving, inference, operations, page):
        app.include_router(module.router)
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
    path, status = request.url.path, error.status_code
    if status == 404:
        message = f"there is no {path!r} here; /docs has what there is"
    else:
        message = f"{path!r} does not take {request.method}; {str(error.detail).lower()}; /docs has what it takes"
    return problem_response(status, message, request.scope[REQUEST_ID], error.headers)


async def _fault(request: Request, error: Exception) -> Response:
    """Say that it is our fault; the guard logs what is raised again after this."""
    message = f"a fault of edgemnist's own ({type(error).__name__}); please report it with the log"
    return problem_response(500, message, request.scope[REQUEST_ID])

"""The routes of every protocol as one ASGI application."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp

from edgemnist.http.application import guarded
from edgemnist.serving.routes import engines, inference, operations, page, predict, tensorflow_serving
from edgemnist.serving.service import Service
from edgemnist.support.version import VERSION


def application(service: Service) -> ASGIApp:
    """Return the application of a service."""
    app = FastAPI(title="edgemnist", version=VERSION, docs_url=None, redoc_url=None)
    for module in (predict, engines, tensorflow_serving, inference, operations, page):
        app.include_router(module.router)
    return guarded(app, service, "/docs")

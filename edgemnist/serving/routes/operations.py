"""Whether the server is well, what it counts, and what it can be asked."""

from __future__ import annotations

import html
from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from edgemnist.http.answers import json_response
from edgemnist.serving.service import service_of
from edgemnist.support.version import VERSION

router = APIRouter(tags=["operations"])

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1a1a1a;background:#fff}
h2{margin-top:2em;border-bottom:1px solid #ccc}code,pre{font:14px/1.4 ui-monospace,monospace;background:#f4f4f4}
pre{padding:.6em;overflow:auto}.verb{display:inline-block;min-width:3.5em;font-weight:bold}dt{margin-top:1em}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}code,pre{background:#262626}a{color:#8ab4f8}}
"""


@router.get("/health", summary="Whether the server is well, and its models.")
async def health(request: Request) -> Response:
    """Return 200 where requests should be sent here, 503 otherwise."""
    service = service_of(request)
    status = "draining" if service.draining else "ok" if service.ready else "not ready"
    models = [
        {"name": one.name, "version": one.version, "sha256": one.sha256, "ready": one.engine.ready}
        for one in service.store.served()
    ]
    return json_response({"status": status, "models": models}, 200 if service.ready else 503)


@router.get("/status", summary="Every model in full: its runtime, how it is fed, what the shadow runtime found.")
async def status(request: Request) -> Response:
    """Return what is known of every model."""
    store = service_of(request).store
    refused = {name: found for name in store.names() if (found := store.refused(name))}
    return json_response({"version": VERSION, "models": [one.as_json() for one in store.served()], "refused": refused})


@router.get("/metrics", summary="Metrics in Prometheus's format.")
async def metrics(request: Request) -> Response:
    """Return the metrics."""
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """Return a page of every route, made from the OpenAPI document; it loads nothing from anywhere."""
    return HTMLResponse(_page(request.app.openapi(), str(request.base_url).rstrip("/")))


def _page(document: dict[str, Any], url: str) -> str:
    groups: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            group = next(iter(operation.get("tags", [])), "other")
            groups.setdefault(group, []).append(_entry(path, verb, operation, url))
    title = html.escape(f"{document['info']['title']} {document['info']['version']}")
    sections = "".join(f"<h2>{html.escape(group)}</h2><dl>{''.join(entries)}</dl>" for group, entries in groups.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><h1>{title}</h1>'
        f'<p>For programs: <a href="/openapi.json">openapi.json</a>, <a href="/metrics">metrics</a>.</p>'
        f"{sections}</body></html>\n"
    )


def _entry(path: str, verb: str, operation: dict[str, Any], url: str) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    takes = f"<br>Takes {html.escape(', '.join(content))}." if content else ""
    query = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    options = "".join(
        f"<br><code>?{html.escape(one['name'])}=</code> {html.escape(one.get('description', ''))}" for one in query
    )
    text = operation.get("description", "")
    command = text.replace("URL", url) if text.startswith("curl ") else ""
    example = f"<pre>{html.escape(command)}</pre>" if command else ""
    return (
        f'<dt><span class="verb">{verb.upper()}</span> <code>{html.escape(path)}</code></dt>'
        f"<dd>{html.escape(operation.get('summary', ''))}{takes}{options}{example}</dd>"
    )

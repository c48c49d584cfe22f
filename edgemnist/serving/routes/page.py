"""``GET /``: a model's page for browsers, the documentation for programs."""

from __future__ import annotations

import asyncio
import html

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from edgemnist.serving.service import service_of
from edgemnist.support.errors import EdgeMnistError

router = APIRouter()

_PATIENCE_SECONDS = 2.0
"""So long a browser waits for a page that is being made; then it is told so, and asks again."""

_NOTICE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: edgemnist</title>'
    '<meta name="viewport" content="width=device-width"><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40em;'
    "margin:2em auto;padding:0 1em;color:#1a1a1a;background:#fff}}@media(prefers-color-scheme:dark){{body{{color:#ddd;"
    'background:#161616}}a{{color:#8ab4f8}}}}</style></head><body><h1>{title}</h1><p role="status">{text}</p>'
    '<p><a href="/docs">What this server answers to</a></p></body></html>\n'
)


@router.get("/", include_in_schema=False)
async def page(request: Request) -> Response:
    """Show a browser the page of a model, by default the first; lead everything else to the documentation."""
    service, query = service_of(request), request.query_params
    if "text/html" not in request.headers.get("accept", ""):
        return RedirectResponse("/docs")
    with service.store.leased(query.get("model"), query.get("version")) as model:
        try:
            made = service.pages.of(model, service.store.served())
            found = await asyncio.wait_for(made, _PATIENCE_SECONDS)
        except asyncio.TimeoutError:
            text = f"The page of {model.name} is being made: its C is compiled, and compared with the oracle."
            return _notice("One moment", text, {"Refresh": "1"})
        except EdgeMnistError as error:
            return _notice("There is no page", f"{error}", status=503)
    return HTMLResponse(found.text, headers={"Content-Security-Policy": f"{found.policy}; frame-ancestors 'none'"})


def _notice(title: str, text: str, headers: dict[str, str] | None = None, status: int = 200) -> Response:
    return HTMLResponse(_NOTICE.format(title=html.escape(title), text=html.escape(text)), status, headers)

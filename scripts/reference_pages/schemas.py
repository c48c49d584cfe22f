"""report.schema.json, from the classes that hold a report's values."""

from __future__ import annotations

from edgemnist.commands.report.schema import json_schema
from edgemnist.support.files import json_text
from reference_pages.text import Page


def page() -> Page:
    """Return what the index says of the file."""
    return Page("report.schema.json", "The report's JSON Schema", "What `edgemnist report --format json` writes.", "")


def text(written_by: str) -> str:
    """Return the file; ``written_by`` is a sentence for whoever looks into it."""
    schema = json_schema()
    return json_text({"$schema": schema.pop("$schema"), "$comment": written_by, **schema})

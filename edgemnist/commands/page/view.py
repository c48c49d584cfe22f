"""A written page on the terminal."""

from __future__ import annotations

from edgemnist.commands.page.stage import WrittenPage
from edgemnist.support.tables import print_text


def show(found: WrittenPage) -> None:
    """Print what was checked with what, the digests, and the files."""
    facts = found.facts
    check = facts["check"]
    lines = [f"network   {facts['networkBytes']:,} bytes of WebAssembly, by {facts['compiler']}"]
    if facts["simd"]:
        lines += [f"SIMD      {facts['simd']['bytes']:,} bytes more, where a browser has 128-bit vectors"]
    lines += [f"C         SHA-256 {facts['sourceSha256']}"]
    lines += [
        f"checked   {one['engine']} {one['version']}: {one['different']} of {check['inputs']:,} inputs differ from "
        f"{check['oracle']}"
        for one in check["engines"]
    ]
    lines += [f"inputs    {check['of']}"] if check["engines"] else [f"checked   not: {check['not_checked']}"]
    lines += [f"written   {path}, {size:,} bytes" for path, size in found.files.items()]
    print_text(*lines)

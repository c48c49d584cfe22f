"""What a file calls its first subgraph."""

from __future__ import annotations


def graph_name(content: bytes) -> str:
    """Return the name of a TFLite file's first subgraph, else the key of its signature, else "main".

    ``content`` is a file that has been read without an error.
    """
    from tflite.Model import Model

    model = Model.GetRootAs(content, 0)
    name = (model.Subgraphs(0).Name() or b"").decode(errors="replace")
    signatures = (model.SignatureDefs(index) for index in range(model.SignatureDefsLength()))
    first = next((one for one in signatures if one.SubgraphIndex() == 0), None)
    key = "" if first is None else (first.SignatureKey() or b"").decode(errors="replace")
    return name or key or "main"

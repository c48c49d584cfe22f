"""C that prints a network's tensors, for a board of which somebody wants to know where its bytes begin to differ.

The lines are those of ``firmware/kernels/em_dump.h``. Nothing may be fused in such a network: a fused operator's output
is nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from edgemnist.compiler.ends import ends_of
from edgemnist.compiler.graph import Graph
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.run_text import traced_outputs
from edgemnist.csource.columns import within_columns
from edgemnist.support.errors import UnsupportedModelError

HEADER = "em_dump.h"
"""What the generated C includes, in ``firmware/kernels``."""

MODEL_DIGITS = 16
"""Of the model's SHA-256, in the first line of a dump."""


@dataclass(frozen=True)
class TracedTensors:
    """Whose bytes the trace function gets, by index in the file: one tuple for each of its ``calls`` in an inference.

    A tuple has the tensor that is written and then its views, which have the same bytes. ``inputs`` are such tuples of
    the network's inputs.
    """

    inputs: tuple[tuple[int, ...], ...]
    calls: tuple[tuple[int, ...], ...]

    def by_index(self, entries: Sequence[bytes], calls: Sequence[bytes]) -> dict[int, bytes]:
        """Return every tensor's bytes from the inputs' and those of the calls."""
        pairs = zip((*self.inputs, *self.calls), (*entries, *calls), strict=True)
        return {index: content for indices, content in pairs for index in indices}


def traced_tensors(program: Program) -> TracedTensors:
    """Return whose bytes a program's trace function gets."""
    graph = program.graph
    views: dict[int, list[int]] = {}
    for index in sorted(graph.storage):
        views.setdefault(graph.root(index), []).append(index)
    written = (index for step in range(len(program.steps)) for index in traced_outputs(program, step))
    calls = tuple((index, *views.get(index, ())) for index in written)
    return TracedTensors(tuple((index, *views.get(index, ())) for index in graph.inputs), calls)


def declaration(name: str, graph: Graph) -> list[str]:
    """Return the lines of ``NAME.h`` that declare the function that prints."""
    prefix = name.upper()
    return [
        "/* Runs the network and prints its input and every operator's output by `put`, a line at a time; `image`",
        " * numbers the inputs. It takes much time, and 200 bytes of stack more: leave it out of what you ship. */",
        f"void {name}_dump({ends_of(graph).arguments(prefix)}, uint32_t image,",
        f"{' ' * len(f'void {name}_dump(')}void (*put)(const char *text));",
    ]


_SOURCE = """/* Prints the tensors of ${name}: see ${name}_dump in ${name}.h. */
#include "${header}"

/* What is printed in this order: a tensor with its type, or with 0 one that has the bytes of the
 * tensor before it. */
static const struct {
  uint32_t tensor;
  const char *type;
} ${name}_dumped[${count}] = {
${rows}
};

static struct {
  em_dump_put *put; /* 0: nothing is printed */
  uint32_t image, next;
} ${name}_dumping;

static void ${name}_dump_next(const void *data, uint32_t bytes)
{
  const uint32_t image = ${name}_dumping.image, first = ${name}_dumping.next;
  em_dump_put *const put = ${name}_dumping.put;
  em_dump_tensor(put, image, ${name}_dumped[first].tensor, ${name}_dumped[first].type, data, bytes);
  uint32_t next = first + 1u;
  for (; next < ${count}u && ${name}_dumped[next].type == 0; ++next) {
    em_dump_same(put, image, ${name}_dumped[next].tensor, ${name}_dumped[first].tensor);
  }
  ${name}_dumping.next = next;
}

void ${name}_trace(int step, const void *data, unsigned long bytes)
{
  (void)step;
  if (${name}_dumping.put != 0) ${name}_dump_next(data, (uint32_t)bytes);
}

void ${name}_dump(${ends}, uint32_t image, void (*put)(const char *text))
{
  ${name}_dumping.put = put;
  ${name}_dumping.image = image;
  ${name}_dumping.next = 0;
  em_dump_header(put, "${model}");
${inputs}
  ${name}_run(${names});
  em_dump_end(put, image, ${name}_dumping.next);
  ${name}_dumping.put = 0;
}
"""


def dump_source(name: str, program: Program) -> str:
    """Return ``NAME_dump.inc``, which defines ``NAME_dump`` and ``NAME_trace``."""
    graph, traced = program.graph, traced_tensors(program)
    ends = ends_of(graph)
    rows = [
        f'  {{{index}, "{graph.tensors[index].dtype}"}},' if index == written else f"  {{{index}, 0}},"
        for written, *views in (*traced.inputs, *traced.calls)
        for index in (written, *views)
    ]
    text = Template(_SOURCE).substitute(
        name=name, header=HEADER, count=len(rows), rows="\n".join(rows).removesuffix(","),
        ends=ends.arguments(name.upper()), model=graph.source_sha256[:MODEL_DIGITS], names=ends.names(),
        inputs="\n".join(f"  {name}_dump_next({end.name}, {end.tensor.bytes});" for end in ends.inputs),
    )  # fmt: skip
    return within_columns(text)


def require_shown(graph: Graph) -> None:
    """Refuse to print tensors that are not as the file has them.

    :raises UnsupportedModelError: it is a uint8 net, which is int8 inside, or an operator became several.
    """
    if graph.shifted:
        raise UnsupportedModelError(
            "the model's tensors can't be printed:",
            [
                "it computes in uint8, and the C in int8; leave out `--with-dump`, or convert the model with "
                "`edgemnist convert --int8`"
            ],
        )
    split = [node for node in graph.nodes if not all(map(graph.is_of_file, node.outputs))]
    if split:
        raise UnsupportedModelError(
            "the model's tensors can't be printed:",
            [f"{split[0].label} writes a tensor in the C that is not the file's; leave out `--with-dump`"],
        )

"""C text of the steps that run by bands: the step's function with a band's parameters, and the loop over bands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from edgemnist.compiler.banded import Bands, Call, Move, Place, Run
from edgemnist.compiler.ends import typed
from edgemnist.compiler.graph import Graph
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.compiler.ops.base import Step
from edgemnist.compiler.ops.fields import Field


def varying(variants: Sequence[Sequence[Field]], before: str = "") -> list[str]:
    """Return the fields of a struct that are not the same in all of its variants, as C reaches them."""
    found: list[str] = []
    for fields in zip(*variants, strict=True):
        name, values = before + fields[0].name, [field.value for field in fields]
        inner = [value for value in values if isinstance(value, tuple)]
        if inner:
            found += varying(inner, f"{name}.")
        elif any(value != values[0] for value in values):
            found.append(name)
    return found


def step_function(bands: Bands, name: str, index: int, step: Step, arguments: Sequence[str], graph: Graph) -> list[str]:
    """Return the lines of ``NAME_step_K``; ``arguments`` are those between the parameters and the tensors.

    Only fields that differ are read at run time: the compiler knows the others as it does without bands.
    """
    reads = [f"in_{number}" for number in range(len(step.inputs))]
    chosen = f"{name}_params_{index}"
    lines = [f"EM_STEP void {name}_step_{index}({', '.join(_declared(bands, index, step, reads))})", "{"]
    if varies(bands, index):
        lines.append(f"  {step.struct_type} p = {chosen}[0];")
        lines += [f"  p.{field} = {chosen}[variant].{field};" for field in varying(bands.variants[index])]
        chosen = "p"
    tensors = [
        typed(read, graph.tensors[tensor].dtype, "const ", as_bytes=step.as_bytes)
        for read, tensor in zip(reads, step.inputs, strict=True)
    ]
    written = typed("out", graph.tensors[step.outputs[0]].dtype, "", as_bytes=step.as_bytes)
    call = ", ".join([*([f"&{chosen}"] if step.struct_type else []), *arguments, *tensors, written])
    return [*lines, f"  {step.function}({call});", "}"]


def varies(bands: Bands, index: int) -> bool:
    """Return whether a step has several sets of parameters."""
    return len(bands.variants[index]) > 1


def _declared(bands: Bands, index: int, step: Step, reads: Sequence[str]) -> list[str]:
    return [
        *(["int8_t *arena"] if step.scratch or step.takes_scratch else []),
        *(["int variant"] if varies(bands, index) else []),
        *(f"const int8_t *{read}" for read in reads),
        "int8_t *out",
    ]


class BandsText:
    """The function that runs all bands. ``apart``: the C names of inputs that are not in the arena."""

    def __init__(self, program: Program, plan: Plan, name: str, apart: dict[int, str]) -> None:
        assert program.bands is not None, "no bands in this program"
        self._bands, self._steps = program.bands, program.steps
        self._plan, self._name, self._apart = plan, name, apart

    def lines(self, arguments: str) -> list[str]:
        """Return the definition of ``NAME_bands``, which takes what ``NAME_run_in`` does."""
        runs = (line for number, run in enumerate(self._bands.runs) for line in self._run(number, run))
        return ["", f"static void {self._name}_bands({arguments})", "{", *runs, "}"]

    def _run(self, number: int, run: Run) -> Iterator[str]:
        if run.bands == 1:
            yield from (f"  {line}" for line in self._calls(run.calls, ""))
            return
        band = f"band_{number}"
        yield f"  for (int {band} = 0; {band} < {run.bands}; ++{band}) {{"
        yield from (f"    {line}" for line in self._calls(run.calls, band))
        yield "  }"

    def _calls(self, calls: Iterable[Call], band: str) -> Iterator[str]:
        for call in calls:
            yield from (self._move(move) for move in call.moves)
            step = self._steps[call.step]
            places = {place.tensor: place for place in call.reads}
            arguments = [
                *(["arena"] if step.scratch or step.takes_scratch else []),
                *([str(call.variant)] if varies(self._bands, call.step) else []),
                *(self._pointer(places[tensor], band) for tensor in step.inputs),
                self._pointer(call.written, band),
            ]
            yield f"{self._name}_step_{call.step}({', '.join(arguments)});"

    def _move(self, move: Move) -> str:
        start = self._plan.tensor_offset(move.tensor)
        return f"memmove(arena + {start}, arena + {start + move.offset}, {move.size});"

    def _pointer(self, place: Place, band: str) -> str:
        apart = self._apart.get(place.tensor)
        offset = place.offset + (0 if apart else self._plan.tensor_offset(place.tensor))
        further = f" + {band} * {place.advance}" if place.advance else ""
        return f"{apart or 'arena'} + {offset}{further}"

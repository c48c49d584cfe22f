"""From a ``.tflite`` model to C99 files, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from edgemnist.compiler import memory_map
from edgemnist.compiler.any_target import (
    Variant,
    arena_range,
    emit_variants,
    header_of,
    sizes_json,
    told_apart,
    variants_of,
)
from edgemnist.compiler.bands.search import ArenaTooLargeError, within
from edgemnist.compiler.channels import report
from edgemnist.compiler.choice import SPARSE_CHOICES
from edgemnist.compiler.emit import EmitSettings, emit, header_text, layout_macros, program_text, with_dump
from edgemnist.compiler.graph import Graph, type_of
from edgemnist.compiler.lowering import Program, lower
from edgemnist.compiler.memory import Plan, plan
from edgemnist.compiler.ops.base import LayerCounts, LoweringSettings, Sparsity, Step
from edgemnist.compiler.passes import FUSIONS, optimise
from edgemnist.compiler.placement import Memory, Placement, check_choice, fitted, placed, told
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.refusals import HEADLINE
from edgemnist.compiler.run_text import state_bytes
from edgemnist.compiler.self_test import self_test_source, vectors_of
from edgemnist.compiler.single_file import single_file
from edgemnist.compiler.targets import ANY, TARGETS
from edgemnist.compiler.tensor_dump import dump_source, require_shown
from edgemnist.csource.outputs import class_function, known_output
from edgemnist.csource.pixels import pixel_code
from edgemnist.csource.source import check_file_name, check_identifier
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError, ModelError, UnsupportedModelError
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing, class_count

ROUNDINGS = ("tflm", "tflite")

DEFAULT_NAME = "model"


@dataclass(frozen=True, kw_only=True)
class CodegenSettings:
    """What to generate.

    ``target`` is a name in ``TARGETS``, or "any" for code that is compiled for whichever core the compiler is for.
    ``name`` prefixes files and C names; ``rounding`` "tflm" equals TensorFlow Lite for Microcontrollers, "tflite"
    TensorFlow 2.21's reference kernels; ``fusions`` are names in ``passes.FUSIONS``; ``labels`` in class order,
    by default those of ``preprocessing``, which is what the model was trained with; None names no classes and takes the
    normalisation that the input's integers were made for. ``sparse`` is a name in ``SPARSE_CHOICES``: which layers
    store only their weights other than zero. ``counts``: what each layer costs in each of its ways, by target, where
    that was counted (``edgemnist.mcu.counting``); elsewhere it is estimated. ``round``: see ``LoweringSettings``.
    ``with_dump``: the C can print every operator's output; for that nothing is fused, whatever ``fusions`` says.
    ``ram``: the bytes that the arena may take; where it would take more, the first steps run by bands. ``input_apart``:
    inputs are read where the caller has them, instead of in the arena. ``single_file``: kernels and self-test stand in
    ``NAME.c``, instead of in files of their own. ``memories``: see :mod:`.placement`; none leaves it to the compiler.
    """

    name: str = DEFAULT_NAME
    target: str = "portable"
    rounding: str = "tflm"
    fusions: tuple[str, ...] = tuple(FUSIONS)
    labels: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None
    sparse: str = "auto"
    counts: Mapping[str, LayerCounts] = field(default_factory=dict, hash=False)
    round: int | None = None
    with_dump: bool = False
    ram: int | None = None
    input_apart: bool = False
    single_file: bool = False
    memories: tuple[Memory, ...] = ()

    def class_names(self) -> tuple[str, ...]:
        """Return the labels, or the class names that are known."""
        return self.labels or (self.preprocessing.class_names if self.preprocessing else ())

    def command(self, model: str) -> str:
        """Return the command line that gives the same files, without folders."""
        parts = [f"edgemnist codegen {model} --name {self.name} --target {self.target} --rounding {self.rounding}"]
        parts += [f"--sparse {self.sparse}"] if self.sparse != "auto" else []
        parts += ["--count-layers"] if self.counts else []
        parts += [f"--ram {self.ram}"] if self.ram is not None else []
        parts += [f"--memory {told(self.memories)}"] if self.memories else []
        parts += ["--input-apart"] if self.input_apart else []
        parts += ["--single-file"] if self.single_file else []
        left = [f"--no-fuse {name}" for name in FUSIONS if name not in self.fusions]
        return " ".join([*parts, *(["--with-dump"] if self.with_dump else left)])


@dataclass(frozen=True, eq=False)
class GeneratedModel:
    """The compiled program, its memory plan, the files by name, and the class names in order where they are known.

    ``output`` is what the outputs are. ``with_dump``: it can print its tensors; ``self_test``: it has one. Of code for
    any core ``program`` and ``plan`` are the portable ones and ``variants`` are all of them; else there are none.
    """

    name: str
    program: Program
    plan: Plan
    files: Mapping[str, str]
    labels: tuple[str, ...] = ()
    output: OutputKind = OutputKind.UNKNOWN
    variants: tuple[Variant, ...] = ()
    with_dump: bool = False
    self_test: bool = False
    placement: Placement | None = None

    @property
    def arena_range(self) -> tuple[int, int]:
        """The smallest and the largest arena in bytes, by the core for which the C is compiled."""
        return arena_range(self.variants) if self.variants else (self.plan.size, self.plan.size)

    @property
    def target(self) -> str:
        """The target that was asked for."""
        return ANY if self.variants else self.program.settings.target

    def as_json(self) -> dict[str, Any]:
        """Return the figures that the manifest and ``--json`` show."""
        return {
            "name": self.name,
            "target": self.target,
            **({"targets": sizes_json(self.variants)} if self.variants else {}),
            "rounding": self.program.settings.rounding,
            "instructions_from": self.program.instructions_from,
            "source_sha256": self.program.graph.source_sha256,
            "arena_bytes": self.plan.size,
            "input_apart": self.program.settings.input_apart,
            "bands": self.program.bands.as_json() if self.program.bands else None,
            "memories": self.placement.as_json() if self.placement else None,
            "state_bytes": state_bytes(self.program),
            "largest_tensor_bytes": self.plan.largest_tensor,
            "largest_live_set_bytes": self.plan.largest_live_set,
            "constant_bytes": self.program.constant_bytes,
            "macs": self.program.macs,
            "left_out": report.as_json(self.program.graph.left_out),
            "steps": [
                {
                    "operator": step.node.label,
                    "kernel": step.function,
                    "macs": step.macs,
                    "constant_bytes": self.program.constant_bytes_of(index),
                    "scratch_bytes": step.scratch,
                    "sparse": _sparsity_json(step.sparsity),
                    "candidates": _candidates_json(step),
                }
                for index, step in enumerate(self.program.steps)
            ],
        }


def _candidates_json(step: Step) -> list[dict[str, Any]]:
    chosen = step.chosen
    return [{**asdict(one), "why_not": one.why_not(chosen)} for one in step.candidates] if chosen else []


def _sparsity_json(sparsity: Sparsity | None) -> dict[str, int] | None:
    if sparsity is None:
        return None
    return {
        "weights": sparsity.weights,
        "zeros": sparsity.weights - sparsity.stored,
        "bytes": sparsity.bytes,
        "saved_bytes": sparsity.weights - sparsity.bytes,
    }


def compile_model(model: TfliteModel, settings: CodegenSettings, *, any_net: bool = False) -> tuple[Program, Plan]:
    """Read, fuse, lower and lay out a model for one target, the portable one for "any".

    ``any_net``: whether it may keep something from one inference to the next, or compute in float32.

    :raises InputError: an unknown target, rounding, fusion or choice of sparse layers.
    :raises ModelError: the model can't be compiled; every reason is in the message.
    """
    target = "portable" if settings.target == ANY else settings.target
    graph = _optimised(model, settings)
    if not any_net:
        require_plain(graph)
    return _compile(graph, replace(settings, target=target))


def require_plain(graph: Graph) -> None:
    """Refuse what the generated C can do, but not all that is built of it.

    :raises ModelError: it keeps something from one inference to the next.
    :raises UnsupportedModelError: it computes in float32, or takes or gives other tensors than of one image.
    """
    if graph.variables:
        names = ", ".join(map(graph.state_name, graph.variables))
        raise ModelError(
            f"the model keeps {names} from one inference to the next, and this takes models that keep nothing; "
            "`edgemnist codegen` takes it"
        )
    require_integers(graph)


def _end_problems(graph: Graph, index: int) -> Iterator[str]:
    tensor, name = graph.tensors[index], graph.called(index)
    if tensor.shape[:1] != (1,):
        yield (
            f"tensor {name!r} has shape {list(tensor.shape)}, needed is batch 1; convert with a fixed batch of "
            "1, or take `edgemnist codegen`, which makes C of any"
        )
    if index in graph.inputs and tensor.dtype in ("int32", "bool"):
        yield f"input {name!r} is {tensor.dtype}, needed is int8, uint8 or float32; convert the model again"


def require_integers(graph: Graph) -> None:
    """Refuse a net that computes in float32 or is not of one image: generated C does so, not all that is built of it.

    :raises UnsupportedModelError: names the first operator that does, and the inputs and outputs.
    """
    problems = [problem for index in (*graph.inputs, *graph.outputs) for problem in _end_problems(graph, index)]
    if problems:
        raise UnsupportedModelError("the model can't be compiled:", problems)
    floats = [node.label for node in graph.nodes if type_of(node.kind) == "float32"]
    if floats:
        who = f"{floats[0]} and {len(floats) - 1} more compute" if len(floats) > 1 else f"{floats[0]} computes"
        raise UnsupportedModelError(
            HEADLINE,
            [
                f"{who} in float32, needed is int8; convert the model with "
                "`edgemnist convert --int8`, or take `edgemnist codegen`, which makes C of floats"
            ],
        )


def _optimised(model: TfliteModel, settings: CodegenSettings) -> Graph:
    for what, value, allowed in (
        ("target", settings.target, (ANY, *TARGETS)),
        ("rounding", settings.rounding, ROUNDINGS),
        ("choice of sparse layers", settings.sparse, SPARSE_CHOICES),
    ):
        if value not in allowed:
            raise unknown(what, value, allowed)
    if settings.with_dump and (settings.ram is not None or settings.input_apart or settings.memories):
        raise InputError(
            "--with-dump prints whole tensors, and with --ram, --memory or --input-apart not all are in the arena; "
            "leave one out"
        )
    return optimise(read_graph(model), () if settings.with_dump else settings.fusions)


def _compile(graph: Graph, settings: CodegenSettings) -> tuple[Program, Plan]:
    lowering = LoweringSettings(
        rounding=settings.rounding, target=settings.target, sparse=settings.sparse,
        counts=settings.counts.get(settings.target), round=settings.round, input_apart=settings.input_apart,
    )  # fmt: skip
    program = lower(graph, lowering)
    layout = plan(program)
    if settings.memories:
        return fitted(program, layout, settings.memories)
    return (program, layout) if settings.ram is None else within(program, layout, settings.ram)


def generate(model: TfliteModel, settings: CodegenSettings, *, source_name: str = "model.tflite") -> GeneratedModel:
    """Return the C files of a model; the same model and settings give the same bytes.

    :raises InputError: the name or a label can't stand in C, or a setting is unknown.
    :raises ModelError: the model can't be compiled; every reason is in the message.
    """
    check_file_name(check_identifier(settings.name))
    labels = settings.class_names()
    if labels:
        _check_labels(labels, model.output())
    emit_settings = _emit_settings(model, settings, source_name)
    check_choice(settings.memories, settings.ram, settings.target)
    variants = _variants(model, settings) if settings.target == ANY else ()
    every = variants or (Variant(settings.target, "", *compile_model(model, settings, any_net=True)),)
    program, layout = every[-1].program, every[-1].plan
    placement = placed(program, layout, settings.memories) if settings.memories else None
    emit_settings = replace(emit_settings, placement=placement)
    # Expected are the outputs of the model as it is in the file, without anything that the passes made of it.
    plain = optimise(read_graph(model), ())
    test = ""
    if vectors_of(plain) > 0:
        emit_settings = replace(emit_settings, self_test=_where_the_test_is(settings))
        test = self_test_source(plain, emit_settings, program.settings)
    files = (_one_file if settings.single_file else _files)(every, settings, emit_settings, test)
    files[f"{settings.name}_memory.txt"] = _memory_text(program, layout, variants, settings.name)
    output = known_output(model, settings.preprocessing)
    return GeneratedModel(
        settings.name, program, layout, files, labels, output, variants, settings.with_dump, bool(test), placement
    )


def _where_the_test_is(settings: CodegenSettings) -> str:
    name = settings.name
    return f"Define {name.upper()}_SELF_TEST to have it." if settings.single_file else f"It is in {name}_test.c."


def _printing(program: Program, settings: CodegenSettings) -> str:
    if not settings.with_dump:
        return ""
    require_shown(program.graph)
    return dump_source(settings.name, program)


def _files(
    variants: Sequence[Variant], settings: CodegenSettings, emit_settings: EmitSettings, test: str
) -> dict[str, str]:
    """Return the files of the form in which the kernels and the self-test have files of their own."""
    one, name = variants[-1], settings.name
    printing = _printing(one.program, settings)
    many = settings.target == ANY
    files = emit_variants(variants, emit_settings) if many else emit(one.program, one.plan, emit_settings)
    files = with_dump(files, printing, name) if printing else files
    return {**files, f"{name}_test.c": test} if test else files


def _one_file(
    variants: Sequence[Variant], settings: CodegenSettings, emit_settings: EmitSettings, test: str
) -> dict[str, str]:
    """Return ``NAME.h`` and ``NAME.c``, with the self-test where the compiler is told to have it."""
    one, name = variants[-1], settings.name
    if settings.target == ANY:
        texts = told_apart(variants, emit_settings)
        header = header_of([variant for variant, _ in texts], emit_settings)
    else:
        texts = [(one, program_text(one.program, one.plan, emit_settings))]
        header = header_text(one.program, one.plan, emit_settings, layout_macros(one.program, one.plan, emit_settings))
    asked = f"#if defined({name.upper()}_SELF_TEST) || defined({name.upper()}_TEST_MAIN)\n"
    own = test.replace(f'#include "{name}.h"\n\n', "")
    further = [_printing(one.program, settings), f"{asked}{own}#endif" if test else ""]
    return {f"{name}.h": header, f"{name}.c": single_file(texts, emit_settings, further)}


def _memory_text(program: Program, layout: Plan, variants: Sequence[Variant], name: str) -> str:
    if not variants:
        return memory_map.as_text(program, layout, name)
    targets: dict[str, list[str]] = {}
    for one in reversed(variants):
        targets.setdefault(memory_map.as_text(one.program, one.plan, name), []).append(one.target)
    return "\n".join(f"For {', '.join(names)}:\n\n{text}" for text, names in targets.items())


def _variants(model: TfliteModel, settings: CodegenSettings) -> tuple[Variant, ...]:
    graph = _optimised(model, settings)
    refused: list[ArenaTooLargeError] = []

    def compiled(target: str) -> tuple[Program, Plan]:
        try:
            return _compile(graph, replace(settings, target=target))
        except ArenaTooLargeError as error:
            refused.append(error)
            return _compile(graph, replace(settings, target=target, ram=None))

    variants = variants_of(compiled)
    if refused:  # what the most needy core takes serves all of them
        raise max(refused, key=lambda error: error.least)
    return variants


def _check_labels(labels: Sequence[str], output: TensorInfo) -> None:
    classes = class_count(output.elements) if output.elements == 1 else output.shape[-1]
    if len(labels) != classes:
        raise InputError(f"{len(labels)} labels for {classes} classes; give one for each class")


def _class_function(model: TfliteModel, settings: CodegenSettings) -> str:
    known, labels = settings.preprocessing, settings.class_names()
    if len(model.outputs) != 1 or (model.output().elements == 1 and not (known or labels)):
        return ""
    return class_function(settings.name, model.output(), known_output(model, known), labels)


def _emit_settings(model: TfliteModel, settings: CodegenSettings, source_name: str) -> EmitSettings:
    known, labels = settings.preprocessing, settings.class_names()
    told = _class_function(model, settings)
    return EmitSettings(
        name=settings.name,
        command=settings.command(source_name),
        labels=labels,
        pixels=pixel_code(settings.name, model, known),
        class_function=told,
        channels_first=known is not None and known.layout == "nchw",
        with_dump=settings.with_dump,
    )

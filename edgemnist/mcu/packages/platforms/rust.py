"""Rust: a crate without the standard library whose build script compiles the C."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edgemnist.compiler.ends import End, ends_of
from edgemnist.compiler.run_text import state_bytes
from edgemnist.csource.outputs import class_limit
from edgemnist.mcu.packages.base import Package, Platform, words
from edgemnist.mcu.packages.dump import DUMPED
from edgemnist.mcu.packages.examples import class_names
from edgemnist.mcu.packages.rust_ends import RUST_TYPES, rust_end_values, rust_name, rust_type, zero

TAKEN_CRATES = words(
    """
    abstract alloc as async await become box break cc const continue core crate do dyn else enum extern false final fn
    for if impl in let loop macro match mod move mut override priv proc_macro pub ref return self static std struct
    super test trait true try type typeof unsafe unsized use virtual where while yield
    """
)
"""Rust's words, and crates that every program has or that the build script takes."""

_SEARCH = """fn class_of(output: &Output) -> usize {
    let mut best = 0;
    for index in 1..output.len() {
        if output[index] > output[best] {
            best = index;
        }
    }
    best
}

"""

_DUMP = """
/// Runs the network once and hands its input and every operator's output to `put`: lines of text,
/// each with a zero byte behind it. `image` numbers the inputs.
///
/// # Safety
///
/// It works in memory of its own: two threads must not be in it at once. `put` must not unwind.
pub unsafe fn dump({taken}, image: u32, put: extern "C" fn(*const u8)) {{
{made}
    ffi::{name}_dump({pointers}, image, put)
}}
"""

_FOREIGN_DUMP = """        pub fn {name}_dump(
{ends}
            image: u32,
            put: extern "C" fn(*const u8),
        );
"""

_PUT = """extern "C" fn put(text: *const u8) {
    // Safety: a zero byte is behind the text.
    let line = unsafe { std::ffi::CStr::from_ptr(text.cast()) };
    print!("{}", line.to_string_lossy());
}

"""

_DUMPED = """    for (image, input) in (0..{count}).zip(&expected::INPUTS) {{
        // Safety: there is one thread.
        unsafe {{ {name}::dump(input, image, put) }}
    }}
"""

_DUMPED_SEVERAL = """    for example in 0..{count} {{
        // Safety: there is one thread.
        unsafe {{ {name}::dump({given}, example as u32, put) }}
    }}
"""

_RESET = "        pub fn {name}_reset_in(state: *mut u8);\n"


@dataclass(frozen=True)
class Wrapped:
    """A function of the header: in Rust ``name(argument: takes) -> gives``, by way of a C function of simple types.

    ``about`` is its documentation, ``pointer`` whether the argument goes by reference.
    """

    name: str
    about: str
    argument: str
    takes: str
    gives: str
    pointer: bool = False


def _files(package: Package) -> Mapping[str, str]:
    name = package.name
    ends = rust_end_values(package)
    more = {**ends, **_sizes(package), **_functions(package), **_examples(package)}
    more["constants"] = ends["constants"] + "".join(_labels(package))
    more |= _dumping(package, more)
    return {
        **package.documents(),
        "README.md": package.text("rust/README.md", how_to_build=package.text("rust/build.md").strip("\n"), **more),
        "Cargo.toml": package.text("rust/Cargo.toml", url_line=_url_line(package)),
        "build.rs": package.text("rust/build.rs"),
        "src/lib.rs": package.text("rust/lib.rs", **more),
        **{file: text for file, text in package.c_files(sources="c", headers="c").items() if "_examples." not in file},
        f"c/{name}_rust.c": package.text("rust/glue.c", **more),
        "tests/expected/mod.rs": package.text("rust/expected.rs", **more),
        "tests/network.rs": package.text("rust/test.rs", **more),
        "examples/classify.rs": package.text("rust/example.rs", **more),
    }


def _url_line(package: Package) -> str:
    url = package.values["url"]
    return f'repository = "{url}"\n' if url else ""


def _sizes(package: Package) -> dict[str, str]:
    generated = package.generated
    ends = ends_of(generated.program.graph)
    kept = state_bytes(generated.program)
    reset = f"ffi::{generated.name}_reset_in(self.state.0.as_mut_ptr())"
    safe = "        // Safety: the state is as large as the C has it, and aligned.\n"
    return {
        "arena_size": str(max(1, generated.arena_range[1])),
        "state_size": str(kept),
        "zero": zero(ends.inputs[0]),
        "zero_result": zero(ends.outputs[0]),
        "run_in": f"  {generated.name}_run_in(arena{', state' if kept else ''});"
        + ("" if kept else "\n  (void)state;"),
        "reset_rust": f"{safe}        unsafe {{ {reset} }}\n" if kept else "",
    }


def _labels(package: Package) -> Iterator[str]:
    labels = package.generated.labels
    if labels:
        listed = "".join(f"    {_literal(label)},\n" for label in labels)
        yield f"/// Class names in the order of the output.\npub const LABELS: [&str; {len(labels)}] = [\n{listed}];\n"


# --- functions of the header -----------------------------------------------------------------------------------------


def _wrapped(package: Package) -> Iterator[Wrapped]:
    """Yield the functions of the header that a caller in Rust needs."""
    name, header = package.name, package.headers[f"{package.name}.h"]
    ends = ends_of(package.generated.program.graph)
    if f"{name}_class_of(" in header:
        yield Wrapped("class_of", "Returns the class that an output stands for.", "output", "Output", "i32", True)
    for verb, some in (("quantise", ends.inputs), ("dequantise", ends.outputs)):
        for end in some:
            called = f"{verb}_{end.name}" if ends.several else verb
            if f"{name}_{called}(" in header:
                yield _of_values(called, end)
    for verb in ("quantise", "normalise"):
        if f"{name}_{verb}_pixel(uint8_t pixel)" in header:
            yield Wrapped(
                f"{verb}_pixel", "Returns what the input holds for a pixel, 0 to 255.", "pixel", "u8",
                rust_type(ends.inputs[0]),
            )  # fmt: skip


def _of_values(called: str, end: End) -> Wrapped:
    """Return the function between real numbers and the integers of an input or output."""
    said = f"`{end.name}`" if "_" in end.name else f"the {end.name}"
    if called.startswith("dequantise"):
        about = f"Returns the real number that a value of {said} stands for."
        return Wrapped(called, about, "value", rust_type(end), "f32")
    about = f"Returns a real number as {said} holds it, kept within the type."
    return Wrapped(called, about, "value", "f32", rust_type(end))


def _functions(package: Package) -> dict[str, str]:
    found = list(_wrapped(package))
    return {
        "exported": "".join(_exported(package, one) for one in found),
        "functions": "".join(_safe(package.name, one) for one in found),
        "foreign": (_RESET.format(name=package.name) if state_bytes(package.generated.program) else "")
        + "".join(
            f"        pub fn {package.name}_rust_{one.name}({one.argument}: "
            f"{f'*const {_element(package)}' if one.pointer else one.takes}) -> {one.gives};\n"
            for one in found
        ),
    }


def _element(package: Package) -> str:
    return rust_type(_only_output(package))


def _only_output(package: Package) -> End:
    return ends_of(package.generated.program.graph).outputs[0]


def _exported(package: Package, one: Wrapped) -> str:
    c_types = {rust: c for c, rust in RUST_TYPES.items()}
    taken = f"const {_only_output(package).ctype} *" if one.pointer else f"{c_types[one.takes]} "
    head = f"{c_types[one.gives]} {package.name}_rust_{one.name}({taken}{one.argument})"
    return f"\n{head};\n\n{head}\n{{\n  return {package.name}_{one.name}({one.argument});\n}}\n"


def _safe(name: str, one: Wrapped) -> str:
    """Return a function of Rust that calls the C one; a class is an index."""
    index = one.name == "class_of"
    call = f"ffi::{name}_rust_{one.name}({one.argument}{'.as_ptr()' if one.pointer else ''})"
    reads = "reads that many elements" if one.pointer else "computes with its argument alone"
    return (
        f"\n/// {one.about}\n"
        f"pub fn {one.name}({one.argument}: {'&' if one.pointer else ''}{one.takes}) -> "
        f"{'usize' if index else one.gives} {{\n"
        f"    // Safety: it {reads}.\n"
        f"    unsafe {{ {call}{' as usize' if index else ''} }}\n}}\n"
    )


def _dumping(package: Package, more: Mapping[str, str]) -> dict[str, str]:
    """Return the texts about printing tensors, with those that they follow; nothing where the C can't."""
    if not package.generated.with_dump:
        return {"put": "", "dumped": ""}
    name, count = package.name, min(DUMPED, package.examples.count)
    ends = ends_of(package.generated.program.graph)
    pointers = [f"{end.name}.as_ptr()" for end in ends.inputs] + [f"{end.name}.as_mut_ptr()" for end in ends.outputs]
    function = _DUMP.format(
        name=name, pointers=", ".join(pointers),
        taken=", ".join(f"{end.name}: &{rust_name(end)}" for end in ends.inputs),
        made="\n".join(f"    let mut {end.name} = [{zero(end)}; {end.macro}_SIZE];" for end in ends.outputs),
    )  # fmt: skip
    given = ", ".join(f"&expected::{end.macro}S[example]" for end in ends.inputs)
    return {
        "functions": more["functions"] + function,
        "foreign": more["foreign"] + _FOREIGN_DUMP.format(name=name, ends=more["foreign_ends"]),
        "put": _PUT,
        "dumped": (_DUMPED_SEVERAL if ends.several else _DUMPED).format(name=name, count=count, given=given),
    }


# --- examples --------------------------------------------------------------------------------------------------------


def _examples(package: Package) -> dict[str, str]:
    tested = {"quantise", "dequantise"} <= _names(package)
    more = {"more_tests": _quantisation_test(package) if tested else "", "best_class_rust": ""}
    if package.values["several"]:
        return more
    own = any(one.name == "class_of" for one in _wrapped(package))
    return {
        **more,
        "classes_rust": "\n".join(f"    {_literal(one)}," for one in class_names(package.generated)),
        "used_class": "class_of, " if own else "",
        "used_output": "" if own else ", Output",
        "best_class_rust": "" if own else _own_class(package),
    }


def _names(package: Package) -> set[str]:
    return {one.name for one in _wrapped(package)}


def _quantisation_test(package: Package) -> str:
    return (
        "\n#[test]\nfn zero_is_the_zero_point() {\n"
        f"    assert_eq!(i32::from({package.name}::quantise(0.0)), {package.name}::INPUT_ZERO_POINT);\n"
        f"    let zero = {package.name}::OUTPUT_ZERO_POINT as {_element(package)};\n"
        f"    assert_eq!({package.name}::dequantise(zero), 0.0);\n}}\n"
    )


def _own_class(package: Package) -> str:
    """Return a function for outputs of which the header tells no class."""
    graph = package.generated.program.graph
    result = graph.tensors[graph.output]
    if result.elements > 1:
        return _SEARCH
    limit = class_limit(result, package.generated.output)
    chosen = "0" if limit is None else f"usize::from(f64::from(output[0]) > {float(limit)})"
    return f"fn class_of({'_' if limit is None else ''}output: &Output) -> usize {{\n    {chosen}\n}}\n\n"


def _literal(text: str) -> str:
    """Return a string literal of Rust."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else f"\\u{{{ord(one):x}}}" for one in escaped) + '"'


PLATFORM = Platform("rust", "Rust", _files, TAKEN_CRATES, desktop=True)

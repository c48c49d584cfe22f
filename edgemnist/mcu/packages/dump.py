"""What a package's main program says where its C can print every operator's output."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from edgemnist.compiler.generate import GeneratedModel

DUMPED = 3
"""Examples whose tensors are printed, at most: enough to tell rules apart, and not an evening of a serial line."""

_PUT = """
static void dump_line(const char *text)
{
${indent}${print};
}
"""

_CALLS = """${indent}for (int example = 0; example < ${count}; ++example) {
${indent}${indent}${name}_dump(${name}_example_inputs[example], output, (uint32_t)example, dump_line);
${indent}}
"""

_README = """## Which operator is wrong

This package was made with `--with-dump`: nothing is fused, and after `PASSED` or `FAILED` the program prints
the input and every operator's output of ${examples}, as lines that begin with
`@`. Save what the board prints in a file, and

    edgemnist explain MODEL.tflite --dump FILE

says which operator is the first whose bytes differ, and by which rule. Leave
`--with-dump` out of what you ship.

"""

_PRINTS = {
    "dump_stdio": "(void)fputs(text, stdout)",
    "dump_printk": 'printk("%s", text)',
    "dump_serial": "Serial.print(text)",
    "dump_say": "SAY(text)",
}
"""How a line is printed, by placeholder."""


def dump_values(generated: GeneratedModel, examples: int) -> Mapping[str, str]:
    """Return what stands for the placeholders about dumps: nothing where the C can print no tensors."""
    if not generated.with_dump:
        return dict.fromkeys((*_PRINTS, "dump_calls", "dump_calls_tabs", "dump_readme"), "")
    count = min(DUMPED, examples)
    values = {"count": str(count), "name": generated.name}
    puts = {
        name: Template(_PUT).substitute(indent="\t" if name == "dump_printk" else "  ", print=text)
        for name, text in _PRINTS.items()
    }
    return {
        **puts,
        "dump_calls": Template(_CALLS).substitute(values, indent="  "),
        "dump_calls_tabs": Template(_CALLS).substitute(values, indent="\t"),
        "dump_readme": Template(_README).substitute(
            examples="the example" if count == 1 else f"the first {count} examples"
        ),
    }

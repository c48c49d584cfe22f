"""What a package's main program says where its C can print every operator's output."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from edgemnist.compiler.generate import GeneratedModel

DUMPED = 3
"""Examples whose tensors are printed, at most: enough to tell rules apart, and not an evening of a serial line."""

_PUT = """
static void ${put}(const char *text)
{
${indent}${print};
}
"""

_CALLS = """${indent}for (int example = 0; example < ${count}; ++example) {
${indent}${indent}${name}_dump(${call}, (uint32_t)example, ${put});
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
    "print_stdio": "(void)fputs(text, stdout)",
    "print_printk": 'printk("%s", text)',
    "print_serial": "Serial.print(text)",
    "print_say": "SAY(text)",
}
"""How a line is printed, by placeholder."""


def dump_values(generated: GeneratedModel, examples: int, ends: Mapping[str, str]) -> Mapping[str, str]:
    """Return what stands for the placeholders about dumps, and for a function that prints text.

    There is no such function where the C can print no tensors and ``ends``, the values of ``end_values``, no outputs.
    """
    put = "print_text" if ends["several"] else "dump_line"
    puts = {
        name: Template(_PUT).substitute(indent="\t" if name == "print_printk" else "  ", print=text, put=put)
        for name, text in _PRINTS.items()
    }
    if not generated.with_dump:
        without = dict.fromkeys((*_PRINTS, "dump_calls", "dump_calls_tabs", "dump_readme"), "")
        return {**without, **puts} if ends["several"] else without
    count = min(DUMPED, examples)
    values = {"count": str(count), "name": generated.name, "call": ends["example_call"], "put": put}
    return {
        **puts,
        "dump_calls": Template(_CALLS).substitute(values, indent="  "),
        "dump_calls_tabs": Template(_CALLS).substitute(values, indent="\t"),
        "dump_readme": Template(_README).substitute(
            examples="the example" if count == 1 else f"the first {count} examples"
        ),
    }

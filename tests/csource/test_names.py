"""Names in C: what is accepted compiles beside every header of the C library, and what is proposed is accepted."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgemnist.csource.source import check_file_name, check_identifier, check_variable, free_name
from edgemnist.support.errors import InputError

_HEADERS = """
    assert ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef stdint stdio
    stdlib string time wchar wctype
"""
_OF_C_ALONE = ["complex", "tgmath"]
LANGUAGES = [("c", "c99"), ("c", "gnu17"), ("c++", "c++17"), ("c++", "gnu++20")]
_TAKEN = """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    alignas alignof bool constexpr false nullptr static_assert thread_local true typeof typeof_unqual
    and and_eq asm bitand bitor catch char8_t char16_t char32_t class compl concept consteval constinit const_cast
    co_await co_return co_yield decltype delete dynamic_cast explicit export friend mutable namespace new noexcept not
    not_eq operator or or_eq private protected public reinterpret_cast requires static_cast template this throw try
    typeid typename using virtual wchar_t xor xor_eq
    linux unix main errno NULL EOF stdin INT8_MAX EIO SIGINT M_PI index time signal strlcpy memset_explicit
"""
"""Keywords of C99, C23 and C++20, words that compilers take for macros, and functions and macros of the library."""
TAKEN = _TAKEN.split()


def includes(language: str) -> str:
    return "".join(f"#include <{name}.h>\n" for name in _HEADERS.split() + _OF_C_ALONE * (language == "c"))


def words_of(language: str, standard: str) -> set[str]:
    """Return every word and every macro of the standard's headers, as the compiler here has them."""
    found: set[str] = set()
    for what in ("-P", "-dM"):
        command = ["gcc", "-E", what, "-x", language, f"-std={standard}", "-"]
        text = subprocess.run(command, input=includes(language), capture_output=True, text=True, check=True).stdout
        found |= set(re.findall(r"\b[A-Za-z_]\w*\b", text))
    return found


def accepted(names: set[str]) -> list[str]:
    kept = []
    for name in sorted(names):
        try:
            kept.append(check_variable(name))
        except InputError:
            continue
    return kept


@pytest.mark.parametrize(("language", "standard"), LANGUAGES)
def test_a_variable_of_an_accepted_name_compiles_beside_every_header(language: str, standard: str) -> None:
    names = accepted(words_of(language, standard) | set(TAKEN))
    assert len(names) > 100
    declared = "".join(f"extern const unsigned char {name}[];\n" for name in names)
    text = f'{includes(language)}#ifdef __cplusplus\nextern "C" {{\n#endif\n{declared}#ifdef __cplusplus\n}}\n#endif\n'
    command = ["gcc", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-x", language, f"-std={standard}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]


@pytest.mark.parametrize("name", TAKEN)
def test_keywords_functions_and_macros_are_refused_with_a_name_that_works(name: str) -> None:
    with pytest.raises(InputError, match="use another") as caught:
        check_variable(name)
    proposed = str(caught.value).rpartition("such as ")[2]
    assert check_file_name(check_variable(proposed)) == proposed


@pytest.mark.parametrize("name", ["strange", "memory_map", "island", "tokens", "total", "M", "weights", "digits"])
def test_names_that_only_begin_like_reserved_ones_are_free(name: str) -> None:
    assert check_variable(name) == name


@given(st.text(max_size=80))
@example("features")
@example("1st net")
@example("_Reserved__name_")
@example("em_")
@example("x" * 70)
def test_what_is_proposed_is_accepted(wanted: str) -> None:
    proposed = free_name(wanted)
    assert check_file_name(check_identifier(proposed)) == check_variable(proposed)

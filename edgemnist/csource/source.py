"""Pieces of C text that every generated file needs: identifiers, string literals, floating constants."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np

from edgemnist.csource.standard_names import is_declared
from edgemnist.support.errors import InputError

MAX_NAME = 63
"""Initial characters of an internal identifier that C99 (5.2.4.1) promises to tell apart."""

_LONGEST_PROPOSED = 40

COLUMNS = 100
"""The longest line of C that is written."""

MAX_LITERAL = 4095
"""Characters that C99 (5.2.4.1) promises for one string literal."""


def _words(text: str) -> list[str]:
    return text.split()


_KEYWORDS = frozenset(
    _words("""
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class
    co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default
    delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline int long
    mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch
    template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using virtual
    void volatile wchar_t while xor xor_eq
    """)
)

_MATHS = _words("""
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim floor fma fmax
    fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint
    nextafter nexttoward pow remainder remquo rint round scalbln scalbn sin sinh sqrt tan tanh tgamma trunc cabs cacos
    cacosh carg casin casinh catan catanh ccos ccosh cexp cimag clog conj cpow cproj creal csin csinh csqrt ctan ctanh
""")

_LIBRARY = frozenset(
    _words("""
    abort abs aligned_alloc atof atoi atol atoll calloc errno exit fclose fegetenv fflush fgetc fgets fopen fprintf
    fputc fputs fread free fscanf fwrite getc getchar gets isalnum isalpha isblank iscntrl isdigit isfinite isgraph
    isinf islower isnan isnormal isprint ispunct isspace isupper iswalnum isxdigit labs linux llabs main malloc memchr
    memcmp memcpy memmove memset offsetof printf putc putchar puts realloc scanf setjmp signbit snprintf sprintf sscanf
    stderr stdin stdout strcat strchr strcmp strcpy strcspn strerror strftime strlen strncat strncmp strncpy strpbrk
    strrchr strspn strstr strtod strtof strtok strtol strtold strtoll strtoul strtoull strxfrm tolower toupper towlower
    unix va_arg va_copy va_end va_start vfprintf vfscanf vprintf vscanf vsnprintf vsprintf vsscanf
    """)
) | frozenset(name + suffix for name in _MATHS for suffix in ("", "f", "l"))


_STANDARD = """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef stdint
    stdio stdlib string tgmath time wchar wctype stdalign stdatomic stdnoreturn threads uchar
"""
_OF_LIBRARIES = """
    alloca argz arm_acle arm_mve arm_neon byteswap cpuid dirent elf endian envz fcntl features getopt immintrin langinfo
    libgen libintl malloc memory netdb newlib poll pthread reent regex riscv_vector sched search semaphore strings
    syslog termios unctrl unistd unwind utime values wait xlocale
"""
"""Of glibc, newlib, musl and compilers: headers that C99's own include, or that a program around the network does."""

STANDARD_HEADERS = frozenset(_STANDARD.split()) | frozenset(_OF_LIBRARIES.split())
"""C99 (7.1.2) and C11, and others; a generated file of that name on the include path would hide the compiler's own."""

_MACROS = r"EOF|NULL|NAN|INFINITY|NDEBUG|BUFSIZ|RAND_MAX|HUGE_VALF?|I|EM_\w*|\w+_(MAX|MIN|C|WIDTH)|(PRI|SCN)[a-zA-Z]\w*"
"""Of the standard's headers and of our kernels."""


def check_file_name(name: str) -> str:
    """Return ``name`` if ``name.h`` hides no other header and the kernels' ``em_*.h`` don't hide it.

    :raises InputError: it does.
    """
    if _is_header(name):
        raise InputError(
            f"{name}.h is the name of another header; give the model another name: --name {free_name(name)}"
        )
    return name


def check_identifier(name: str) -> str:
    """Return ``name`` if C99 and C++17 both take it and it is nobody else's.

    :raises InputError: it is no identifier, too long, reserved for the compiler, a keyword, or a library function.
    """
    problem = _identifier_problem(name)
    if problem is not None:
        raise InputError(f"{problem}; use another, such as {free_name(name)}")
    return name


def check_variable(name: str) -> str:
    """Return ``name`` if a variable of that name compiles beside every header of the C library, in C and C++.

    :raises InputError: it is no identifier (see :func:`check_identifier`), or a header has something of that name.
    """
    check_identifier(name)
    if is_declared(name):
        raise InputError(
            f"the C name {name!r} is that of something in the C library's headers, or in capitals as macros are; "
            f"use another, such as {free_name(name)}"
        )
    return name


def free_name(wanted: str) -> str:
    """Return a name like ``wanted`` for anything: a variable, the beginning of names, a file."""
    words = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_")[:_LONGEST_PROPOSED].strip("_")
    for name in (words, f"{words}_net", f"net_{words}"):
        if _identifier_problem(name) is None and not is_declared(name) and not _is_header(name):
            return name
    return "g_model"


def _is_header(name: str) -> bool:
    return name.lower() in STANDARD_HEADERS or name.lower().startswith("em_")


def _identifier_problem(name: str) -> str | None:
    """Return why ``name`` can't stand in C, or None."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        return f"{name!r} is not a C identifier, which has letters, digits and underscores, and no digit first"
    if len(name) > MAX_NAME:
        return f"the C name {name!r} has {len(name)} characters; at most {MAX_NAME} are told apart by C99"
    if name.startswith("_") or name.endswith("_") or "__" in name:
        return (
            f"the C name {name!r} is reserved, or would become so with a suffix, as are all with an underscore at "
            "either end or two in a row"
        )
    taken = re.fullmatch(r"[a-z0-9_]+_t", name) or re.fullmatch(_MACROS, name)
    if name in _KEYWORDS or name in _LIBRARY or taken:
        return f"the C name {name!r} is taken by the language or its library"
    return None


def string_literal(text: str) -> str:
    """Return ``text`` as a C string literal in UTF-8, plain ASCII in the source.

    Every byte outside printable ASCII becomes a three-digit octal escape, which no following digit can lengthen;
    question marks are escaped against trigraphs.

    :raises InputError: the text holds a NUL or half a surrogate pair, or is longer than C99 promises.
    """
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{text!r} is not valid Unicode and cannot be written as a C string") from error
    if b"\0" in encoded:
        raise InputError(f"{text!r} holds a NUL character, which ends a C string early")
    if len(encoded) > MAX_LITERAL:
        raise InputError(f"the text {text[:20]!r}... has {len(encoded)} bytes; a C string holds at most {MAX_LITERAL}")
    return '"' + "".join(_escaped(byte) for byte in encoded) + '"'


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character in '"\\?':
        return "\\" + character
    return character if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


def comment_text(text: str) -> str:
    """Return ``text`` fit for a C comment: printable ASCII on one line, unable to end or nest the comment."""
    printable = "".join(character if " " <= character <= "~" else "." for character in text)
    apart = re.sub(r"\?(?=\?)|\*(?=/)|/(?=\*)", r"\g<0> ", printable)
    return apart.rstrip("\\")


def float_constant(value: float) -> str:
    """Return a float32 value as a C constant that reads back as the same float32.

    :raises InputError: the value is infinite or not a number.
    """
    if not math.isfinite(value):
        raise InputError(f"{value!r} cannot be written as a C constant; the model's scale is corrupt")
    text = f"{np.float32(value):.9g}"
    return text + ("f" if any(mark in text for mark in ".e") else ".0f")


def lines_of(items: Iterable[str], *, indent: str = "    ", width: int = COLUMNS) -> str:
    """Return ``items`` joined by commas, as many to a line as fit into ``width`` characters; no item has a NUL."""
    text = f",{APART}".join(items)
    return cut_into_lines(f"{text}," if text else "", indent=indent, width=width)


APART = "\0"
"""Between the pieces of :func:`cut_into_lines`."""


def cut_into_lines(text: str, *, indent: str, width: int) -> str:
    """Return the pieces of ``text``, which ``APART`` tells apart, with spaces between them, as many to a line as fit.

    It is made for millions of pieces.
    """
    lines, start, room = [], 0, width - len(indent)
    while len(text) - start > room:
        end = text.rfind(APART, start, start + room + 1)
        end = end if end >= 0 else text.find(APART, start)
        if end < 0:
            break
        lines.append(text[start:end])
        start = end + 1
    lines.append(text[start:])
    return (indent + f"\n{indent}".join(lines)).replace(APART, " ")

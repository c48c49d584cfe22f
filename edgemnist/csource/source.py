"""Pieces of C text that every generated file needs: identifiers, string literals, floating constants."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np

from edgemnist.support.errors import InputError

MAX_NAME = 63
"""Initial characters of an internal identifier that C99 (5.2.4.1) promises to tell apart."""

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
STANDARD_HEADERS = frozenset(_STANDARD.split())
"""C99 (7.1.2) and C11; with generated files on the include path one of that name would hide the compiler's own."""


def check_file_name(name: str) -> str:
    """Return ``name`` if ``name.h`` hides no other header and the kernels' ``em_*.h`` don't hide it.

    :raises InputError: it does.
    """
    if name.lower() in STANDARD_HEADERS or name.lower().startswith("em_"):
        raise InputError(f"{name}.h is the name of another header; give the model another name: --name digits")
    return name


def check_identifier(name: str) -> str:
    """Return ``name`` if C99 and C++17 both take it and it is nobody else's.

    :raises InputError: it is no identifier, too long, reserved for the compiler, a keyword, or a library function.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        raise InputError(
            f"{name!r} is not a C identifier; use letters, digits and underscores, and no digit first: g_model"
        )
    if len(name) > MAX_NAME:
        raise InputError(f"the C name {name!r} has {len(name)} characters; at most {MAX_NAME} are told apart by C99")
    if name.startswith("_") or name.endswith("_") or "__" in name:
        raise InputError(
            f"the C name {name!r} is reserved, or would become so with a suffix; "
            "use no underscore at either end and no two in a row"
        )
    if name in _KEYWORDS or name in _LIBRARY or re.fullmatch(r"[a-z0-9_]+_t", name):
        raise InputError(
            f"the C name {name!r} is taken by the language or its library; choose another, such as g_model"
        )
    return name


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


def lines_of(items: Iterable[str], *, indent: str = "    ", width: int = 100) -> str:
    """Return ``items`` joined by commas, as many to a line as fit into ``width`` characters."""
    lines, line = [], indent
    for item in items:
        piece = item + ","
        if len(line) > len(indent) and len(line) + 1 + len(piece) > width:
            lines.append(line)
            line = indent
        line += piece if line == indent else " " + piece
    return "\n".join([*lines, line])

"""The firmware's own memcpy, memmove, memset and memcmp: the same as the C library's, over every alignment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from edgemnist.support.resources import firmware_folder

NAMES = ("memcpy", "memmove", "memset", "memcmp")
PROGRAM = """
int main(void)
{
  static uint8_t ours[160], theirs[160];
  for (size_t size = 0; size < 40; ++size) {
    for (size_t from = 0; from < 40; ++from) {
      for (size_t to = 0; to < 40; ++to) {
        for (size_t i = 0; i < sizeof ours; ++i) ours[i] = theirs[i] = (uint8_t)(i * 37 + size * to + from);
        if (own_memmove(ours + to, ours + from, size) != ours + to) return 1;
        memmove(theirs + to, theirs + from, size);
        if (own_memcpy(ours + 80 + to, ours + from, size) != ours + 80 + to) return 2;
        memcpy(theirs + 80 + to, theirs + from, size);
        if (own_memset(ours + 40 + to, (int)from - 3, size) != ours + 40 + to) return 3;
        memset(theirs + 40 + to, (int)from - 3, size);
        if (memcmp(ours, theirs, sizeof ours) != 0) return 4;
        if ((own_memcmp(ours + to, ours + from, size) > 0) != (memcmp(ours + to, ours + from, size) > 0)) return 5;
        if ((own_memcmp(ours + to, ours + from, size) < 0) != (memcmp(ours + to, ours + from, size) < 0)) return 6;
      }
    }
  }
  return 0;
}
"""


@pytest.mark.parametrize("flags", ["-O1 -fsanitize=address,undefined -fno-sanitize-recover=all", "-O3"])
def test_they_are_those_of_the_c_library(flags: str, tmp_path: Path) -> None:
    own = (firmware_folder() / "platform" / "memory.c").read_text()
    renamed = "".join(f"#define {name} own_{name}\n" for name in NAMES)
    restored = "".join(f"#undef {name}\n" for name in NAMES)
    (tmp_path / "test.c").write_text(f"#include <stdint.h>\n#include <string.h>\n{renamed}{own}{restored}{PROGRAM}")

    build = ["gcc", "-std=c99", "-fno-builtin", "-Wall", "-Wextra", *flags.split(), "-o", "test", "test.c"]
    subprocess.run(build, cwd=tmp_path, check=True)

    assert subprocess.run([str(tmp_path / "test")], check=False).returncode == 0

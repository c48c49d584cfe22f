#!/bin/sh
# Compiles the model's C on this machine, into c/own.so, which is then preferred to the libraries in c/lib.
# Needs a C compiler: sudo apt install gcc libc6-dev. Usage: c/build.sh [compiler and flags]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=classify.py
[ ! -f "$here/../run.py" ] || program=run.py
[ $# -gt 0 ] || set -- "${CC:-cc}" -O2
set_of=portable
tuned=
if [ "$(uname -m)" = aarch64 ] && [ "$(getconf LONG_BIT)" = 64 ]; then
  set_of=cortex-a72
  if grep -q asimddp /proc/cpuinfo; then
    set_of=cortex-a76
    tuned=-march=armv8.2-a+dotprod
  fi
fi
"$@" $tuned -std=c99 -fPIC -shared -s -I"$here/kernels" -I"$here/$set_of" "$here/$set_of/model.c" -o "$here/own.so"
echo "made $here/own.so of $set_of; prove it with: $program --parity --interpreter generated-c"

#!/bin/sh
# Installs the bundle's interpreter into .venv beside this file and replays the golden vectors.
# Without network, from wheels/, where the bundle has it. See README.md.
set -eu

usage() {
  cat <<'TEXT'
Usage: install.sh [--target NAME] [--interpreter tflite-runtime|ai-edge-litert] [--python PYTHON] [--service [--lan]]
  --target       system, as the files in requirements/ are named; default: what this machine is
  --interpreter  one of those that the target can have; default: the first
  --python       Python to make the environment with; default: python3
  --service      as root: install into /opt/edgemnist-classify and start the HTTP service there
  --lan          with --service: let the other machines of the local network ask it
Exit codes: 0 installed and proved; 1 the replay differs; 2 wrong use; 3 this machine or this copy lacks something.
TEXT
}

fail() {
  code=$1
  shift
  echo "install.sh: $*" >&2
  exit "$code"
}

here=$(cd "$(dirname "$0")" && pwd)
target= interpreter= python=python3 service=no lan=no
while [ $# -gt 0 ]; do
  case $1 in
    --target | --interpreter | --python)
      [ $# -ge 2 ] || fail 2 "$1 needs a value"
      case $1 in
        --target) target=$2 ;;
        --interpreter) interpreter=$2 ;;
        --python) python=$2 ;;
      esac
      shift 2
      ;;
    --service) service=yes; shift ;;
    --lan) lan=yes; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; fail 2 "unknown option $1" ;;
  esac
done

[ "$lan" = no ] || [ "$service" = yes ] || fail 2 "--lan goes with --service"

verify() {
  (cd "$1" && sha256sum --check --quiet --strict SHA256SUMS) >&2 || fail 3 "$1 is damaged or half copied: copy it again"
}

# The system's architecture, not the kernel's: 32-bit Raspberry Pi OS runs under a 64-bit kernel.
detect_target() {
  architecture=$(dpkg --print-architecture 2>/dev/null || uname -m)
  case $architecture in
    arm64 | aarch64) architecture=aarch64 ;;
    armhf | armv7l) architecture=armv7 ;;
    amd64 | x86_64) architecture=x86_64 ;;
  esac
  [ "$(uname -m)" != armv6l ] || architecture=armv6
  release=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-unknown}") || release=unknown
  target=$release-$architecture
}

install_service() {
  [ "$(id -u)" -eq 0 ] || fail 3 "--service needs root: sudo $0 --service"
  if [ "$here" != /opt/edgemnist-classify ]; then
    rm -rf /opt/edgemnist-classify.new
    cp -R "$here" /opt/edgemnist-classify.new
    rm -rf /opt/edgemnist-classify.new/.venv /opt/edgemnist-classify
    mv /opt/edgemnist-classify.new /opt/edgemnist-classify
    chown -R root:root /opt/edgemnist-classify
    chmod -R u=rwX,go=rX /opt/edgemnist-classify
  fi
  here=/opt/edgemnist-classify
}

start_service() {
  install -m 644 "$here/edgemnist-classify.service" /etc/systemd/system/edgemnist-classify.service
  systemctl daemon-reload
  systemctl enable edgemnist-classify.service
  settings=/etc/default/edgemnist-classify
  if [ "$lan" = yes ] && ! grep -qs '^CLASSIFY_HOST=' "$settings"; then
    echo CLASSIFY_HOST=0.0.0.0 >>"$settings"
  fi
  systemctl restart edgemnist-classify.service
  address=127.0.0.1
  ! grep -qs '^CLASSIFY_HOST=0.0.0.0' "$settings" || address=$(hostname).local
  echo "the service answers at http://$address:8080/health; its settings are in $settings"
}

program=classify.py
if [ -f "$here/run.py" ]; then
  program=run.py
  [ "$service" = no ] || fail 2 "--service is for classifiers of pictures; call run.py, or edgemnist_pi.network from Python"
fi
verify "$here"
[ -n "$target" ] || detect_target
[ "$service" = no ] || install_service
cd "$here"
requirements=requirements/$target${interpreter:+.$interpreter}.txt
if [ ! -f "$requirements" ]; then
  reason=$(sed -n "s/^$target: //p" requirements/UNSUPPORTED)
  fail 3 "this bundle does not run on $target${interpreter:+ with $interpreter}: ${reason:-see requirements/}"
fi
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
  fail 3 "$python cannot make virtual environments; run: sudo apt install python3-venv"
wanted=$(sed -n 's/^# python: //p' "$requirements")
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$wanted" = "$found" ] || fail 3 "$target has Python $wanted, $python is $found: choose another with --python"
options=
packages=$(sed -n 's/^# debian: //p' "$requirements")
if [ -n "$packages" ]; then
  "$python" -c 'import numpy, PIL' 2>/dev/null || fail 3 "numpy or Pillow is missing; run: sudo apt install $packages"
  options=--system-site-packages
fi
source=
if [ -d wheels ]; then
  verify wheels
  source="--no-index --find-links wheels"
fi
rm -rf .venv
"$python" -m venv $options .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary=:all: --require-hashes $source \
  -r "$requirements" ||
  fail 3 "the interpreter could not be installed; without network, make the bundle with: edgemnist deploy pi --wheels $target"
echo "installed into $here/.venv: $(sed -n 's/^# why: //p' "$requirements")"
.venv/bin/python $program --parity
[ "$service" = no ] || start_service

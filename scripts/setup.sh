#!/usr/bin/env bash
# Installs what the build needs and this machine lacks. Says what it does; does nothing where all is there.
set -euo pipefail

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

missing=()
need() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
need c++ g++
need cmake cmake
need make make
# bindgen reads llama.cpp's headers through libclang.
compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
  compgen -G "${LIBCLANG_PATH:-/nonexistent}/libclang*" >/dev/null || missing+=(libclang-dev)
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+=(python3-venv)

if [ "${#missing[@]}" -gt 0 ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    say "please install: ${missing[*]} (names of Debian's packages)"
    exit 1
  fi
  sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo"
  say "installing ${missing[*]}"
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "${missing[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null 2>&1; then
  say "Rust is missing: install it with rustup, then run this again"
  exit 1
fi

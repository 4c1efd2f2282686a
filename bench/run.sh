#!/usr/bin/env bash
# Measures antiphon against floors and peers, and renders bench/RESULTS.md.
#
#   bench/run.sh            everything; `make bench` builds the wheel and the command before
#   bench/run.sh NAME...    only some of: import mock cache hosted concurrent batch cancel gateway engine batched serving guided tokens shell sizes
set -euo pipefail
cd "$(dirname "$0")/.."

ALL=(import mock cache hosted concurrent batch cancel gateway engine batched serving guided tokens shell sizes)
VENV=build/bench-venv
PYTHON=$VENV/bin/python
MODEL=build/bench/random-500m.gguf
# What .cargo/config.toml and llama-cpp-sys-2 give llama.cpp in our build.
LLAMA_FLAGS="-DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=OFF -DGGML_SSE42=ON -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_BMI2=ON \
-DGGML_F16C=ON -DGGML_FMA=ON -DGGML_OPENMP=OFF -DGGML_BLAS=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAVA_BUILD=OFF"

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

for name in "$@"; do
  if [[ ! -f bench/measure_$name.py ]]; then
    echo "there is no measurement $name; there are: ${ALL[*]}" >&2
    exit 2
  fi
done

has() { "$PYTHON" -c "import importlib.metadata as m; m.version('$1')" 2>/dev/null; }

# A peer that does not install is a row that says so, not the end of the run.
peer() {
  has "$1" && return
  say "installing $1"
  "$PYTHON" -m pip install -q "$@" || say "$1 does not install here; its rows say so"
}

if [[ ! -x $PYTHON ]]; then
  say "making $VENV"
  python3 -m venv "$VENV"
fi
mkdir -p build/bench
peer gguf numpy
peer openai
peer httpx
peer aiohttp
peer diskcache
peer litellm
peer tiktoken
peer tensorzero
if ! has llama-cpp-python; then
  say "llama-cpp-python compiles for some minutes, with the flags of our own build"
  CMAKE_ARGS=$LLAMA_FLAGS peer llama-cpp-python --no-binary llama-cpp-python
fi
# What its server needs.
peer starlette-context uvicorn fastapi pydantic-settings sse-starlette

wheels=(target/wheels/antiphon-*.whl)
if [[ -f ${wheels[0]} ]]; then
  say "installing ${wheels[0]}"
  "$PYTHON" -m pip install -q --force-reinstall --no-deps "${wheels[0]}"
else
  say "there is no wheel in target/wheels: 'make wheel' builds it"
fi

if [[ ! -f $MODEL ]]; then
  say "writing $MODEL"
  "$PYTHON" bench/random_model.py "$MODEL"
fi

# llama.cpp's own server, from the source that the package of llama-cpp-python brings, at its version.
llama_server() (
  set -e
  source=build/bench/llama.cpp
  mkdir -p $source
  "$PYTHON" -m pip download -q --no-deps --no-binary llama-cpp-python -d $source \
    "llama-cpp-python==$("$PYTHON" -c 'import importlib.metadata as m; print(m.version("llama-cpp-python"))')"
  tar -xzf $source/llama_cpp_python-*.tar.gz -C $source --strip-components=3 --wildcards '*/vendor/llama.cpp'
  # shellcheck disable=SC2086  # several flags
  cmake -S $source -B $source/build $LLAMA_FLAGS -DBUILD_SHARED_LIBS=OFF -DLLAMA_BUILD_TESTS=OFF \
    -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_USE_PREBUILT_UI=OFF >$source/build.log
  cmake --build $source/build --target llama-server -j "$(nproc)" >>$source/build.log
  cp $source/build/bin/llama-server build/bench/llama-server
)

names=("$@")
[[ $# -gt 0 ]] || names=("${ALL[@]}")
for name in "${names[@]}"; do
  if [[ $name == serving && ! -x build/bench/llama-server ]]; then
    say "llama.cpp's own server compiles for some minutes"
    # Not in an "||" list, in which nothing of it would stop it.
    set +e
    llama_server
    [[ $? -eq 0 ]] || say "llama-server does not build here; its rows say so"
    set -e
  fi
  if [[ $name == batched ]]; then
    say "building the bare loop"
    cargo build --release -p antiphon-engine --example bare_loop
  fi
  "$PYTHON" "bench/measure_$name.py"
done
"$PYTHON" bench/render.py

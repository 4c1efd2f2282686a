#!/usr/bin/env bash
# The sentences of ARCHITECTURE.md that a command can check. Each prints what it found where it fails.
set -uo pipefail
failed=0
fail() { printf 'invariant broken: %s\n' "$1" >&2; failed=1; }

# The core does no I/O.
for crate in tokio reqwest hyper ureq llama-cpp-2; do
  cargo tree -q -p antiphon-core -e normal -i "$crate" >/dev/null 2>&1 && fail "antiphon-core depends on $crate"
done
grep -rnE 'std::(fs|net|env|process|thread|time::(Instant|SystemTime))' crates/antiphon-core/src &&
  fail "antiphon-core does I/O or looks at a clock"

# Dependencies point one way.
cargo tree -q -p antiphon-engine -e normal --prefix none | grep -E '^antiphon v' && fail "the engine depends on antiphon"
cargo tree -q -p antiphon-core -e normal --prefix none | grep -E '^antiphon(-[a-z]+)? v' | grep -v '^antiphon-core v' &&
  fail "the core depends on a crate above it"
cargo tree -q -p antiphon-cli --no-default-features -e normal --prefix none | grep -E '^llama-cpp' &&
  fail "a build without local models still has llama.cpp"

# No provider's name is compared outside providers/ and dialects/.
grep -rnE '"(openai|anthropic)"' crates/*/src --include='*.rs' |
  grep -vE 'src/(providers|dialects)/|#\[cfg\(test\)\]|^[^:]+:[0-9]+: *//' | grep -E '==|=>|match' &&
  fail "a provider's name is compared outside providers/"

# All I/O of a hosted call is a Transport.
grep -rnE 'reqwest::|TcpStream|hyper' crates/antiphon/src --include='*.rs' | grep -vE 'src/transport/|reqwest::Url' &&
  fail "something beside transport/ opens connections"
for crate in reqwest hyper; do
  cargo tree -q -p antiphon-engine -e normal -i "$crate" >/dev/null 2>&1 && fail "antiphon-engine depends on $crate"
done

# Environment variables are named in one file.
grep -rnE 'env::var(_os)?\("' crates/*/src --include='*.rs' | grep -vE 'src/env_vars.rs|antiphon-testkit' &&
  fail "an environment variable is read by a name that env_vars.rs does not have"

exit "$failed"

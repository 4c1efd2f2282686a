"""Packs a vocabulary that OpenAI publishes for `crates/antiphon/src/tokens/vocabulary.rs`.

    scripts/pack_vocabulary.py o200k_base.tiktoken crates/antiphon/src/tokens/vocabularies/o200k_base.zst

A `.tiktoken` file has a line for each token: its bytes in Base64 and its rank, from 0 without gaps. Packed,
it is one byte of length for each token, then the bytes of all, both in the order of ranks, compressed with
the command `zstd`.
"""

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

# The files that are packed, as the package tiktoken 0.14 checks them.
SHA256 = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}


def main(source: Path, packed: Path) -> None:
    data = source.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256.get(packed.stem):
        raise SystemExit(f"{source} is not the published {packed.stem}: its SHA-256 is {digest}")
    rows = [line.split() for line in data.splitlines() if line]
    if [int(rank) for _, rank in rows] != list(range(len(rows))):
        raise SystemExit(f"{source}: the ranks have gaps or are out of order")
    tokens = [base64.b64decode(token) for token, _ in rows]
    plain = bytes(map(len, tokens)) + b"".join(tokens)
    command = ["zstd", "--ultra", "-22", "--no-check", "--quiet", "--stdout"]
    packed.write_bytes(subprocess.run(command, input=plain, stdout=subprocess.PIPE, check=True).stdout)
    print(f"{packed}: {len(tokens)} tokens, {len(plain)} bytes plain, {packed.stat().st_size} packed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

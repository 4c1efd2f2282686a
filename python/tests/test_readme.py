"""The README's Python runs as it stands, block after block in one namespace."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


def test_the_blocks_run_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(BLOCKS) >= 4, "the pattern finds the README's blocks"
    namespace: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, str(README), "exec"), namespace)
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == "The capital of France is Paris."

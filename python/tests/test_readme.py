"""The README's Python runs as it stands, block after block in one namespace."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from faultd import Faultd, text

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def _upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hosted models, as the README's reader has them: keys in the environment, somebody who answers."""
    with Faultd(text("I'm doing well, thank you!")) as upstream:
        for name, path in (("OPENAI", "/v1"), ("ANTHROPIC", "")):
            monkeypatch.setenv(f"{name}_API_KEY", "canary")
            monkeypatch.setenv(f"{name}_BASE_URL", upstream.url + path)
        yield


@pytest.mark.usefixtures("_upstream")
def test_the_blocks_run_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(BLOCKS) >= 4, "the pattern finds the README's blocks"
    namespace: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, str(README), "exec"), namespace)
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == "The capital of France is Paris."
    assert "I'm doing well, thank you!" in printed
    assert "/v1/chat/completions" in printed

"""The Python of docs/migrating-from-litellm.md runs as it stands, block after block in one namespace."""

import re
from pathlib import Path

from faultd import Faultd, text

PAGE = Path(__file__).parents[2] / "docs" / "migrating-from-litellm.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)

#: Settings are the process's own: the page has one for itself.
PROGRAM = """
import re, sys
from pathlib import Path
page = Path(sys.argv[1]).read_text()
namespace = {}
for block in re.findall(r"^```python\\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
    exec(compile(block, sys.argv[1], "exec"), namespace)
"""


def test_the_blocks_run_in_order(python, monkeypatch):
    assert len(BLOCKS) >= 6, "the pattern finds the page's blocks"
    with Faultd(text("I'm doing well, thank you!")) as upstream:
        monkeypatch.setenv("OPENAI_API_KEY", "canary")
        monkeypatch.setenv("OPENAI_BASE_URL", upstream.url + "/v1")
        printed = python(PROGRAM, str(PAGE)).stdout
    assert printed.startswith("I'm doing well, thank you! ")
    assert "gpt-4o-mini {'job': 7} " in printed
    assert "429 gpt-4o: this is a mocked RateLimitError" in printed


def test_every_name_that_the_page_says_is_there():
    import antiphon.litellm as litellm

    said = PAGE.read_text().partition("## What is there")[2].partition("## What differs")[0]
    table = said.partition("Parameters have")[0]
    names = set(re.findall(r"`([A-Za-z_]+)`", table))
    assert len(names) > 40
    assert names <= set(dir(litellm))

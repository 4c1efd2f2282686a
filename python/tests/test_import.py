"""What `import antiphon` does: next to nothing."""

import antiphon
import pytest


def test_no_module_of_the_standard_library_is_imported(python):
    process = python(
        """
import sys
before = set(sys.modules)
import antiphon
print(*sorted(set(sys.modules) - before))
"""
    )
    assert process.stdout.split() == [
        "antiphon",
        "antiphon._antiphon",
        "antiphon._exceptions",
        "antiphon._types",
    ]


def test_a_sync_call_needs_no_asyncio(python):
    process = python(
        """
import sys
from antiphon import completion
print(completion("hi", mock_response="x", mock_delay=0.01))
print("asyncio" in sys.modules)
"""
    )
    assert process.stdout.split()[-1] == "False"


def test_no_thread_and_no_file(python):
    python(
        """
import os, sys
if sys.platform == "linux":
    files = set(os.listdir("/proc/self/fd"))
    import antiphon
    assert set(os.listdir("/proc/self/fd")) == files
    assert len(os.listdir("/proc/self/task")) == 1
    antiphon.completion("hi", mock_response="x")
    assert len(os.listdir("/proc/self/task")) == 1
"""
    )


def test_every_name_is_there():
    for name in antiphon.__all__:
        assert getattr(antiphon, name) is not None
    assert set(antiphon.__all__) <= set(dir(antiphon))
    assert antiphon.__version__.count(".") == 2


def test_a_name_that_is_not():
    with pytest.raises(AttributeError, match=r"^module 'antiphon' has no attribute 'nothing'$"):
        _ = antiphon.nothing


def test_llm_engines_names_need_no_asyncio(python):
    process = python(
        """
import sys
from antiphon.llmengine import Completion
print("asyncio" in sys.modules, Completion.create("local/chorister", "hi", 1).output is None)
print("asyncio" in sys.modules)
"""
    )
    assert process.stdout.split() == ["False", "False", "False"]

from . import async_completion, completion
from ._single import async_single, single

prompt = single
async_prompt = async_single

__all__ = ["async_completion", "async_prompt", "async_single", "completion", "prompt", "single"]

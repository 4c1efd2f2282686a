"""``litellm.cost_calculator``."""

from antiphon.litellm._models import completion_cost, cost_per_token

__all__ = ["completion_cost", "cost_per_token"]

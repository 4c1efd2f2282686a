"""``litellm.integrations.custom_logger``."""

from antiphon.litellm._logger import CustomLogger

__all__ = ["CustomLogger"]

"""``litellm.integrations``."""

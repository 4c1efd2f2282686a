"""LiteLLM's base class for whoever hears of calls."""


class CustomLogger:
    """Whoever hears of calls: subclass it, override what is to be heard, put an instance into
    ``litellm.callbacks``. ``kwargs`` tells of the call; sync calls come to the ``log_…`` methods, async
    ones to the ``async_log_…`` methods, on the event loop of the call.
    """

    def __init__(self, *args, **kwargs):
        pass

    def log_pre_api_call(self, model, messages, kwargs):
        """Before a call, where it is made."""

    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        """After a sync call; of a stream, when it is over."""

    def log_failure_event(self, kwargs, response_obj, start_time, end_time):
        """After a sync call that failed: the error is ``kwargs["exception"]``."""

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        """After an async call; of a stream, when it is over."""

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        """After an async call that failed: the error is ``kwargs["exception"]``."""

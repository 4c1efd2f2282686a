"""The exceptions, against the core's table."""

import copy
import pickle

import antiphon
import pytest
from antiphon import _antiphon, completion

ROWS = _antiphon.error_rows()


@pytest.mark.parametrize(("kind", "name", "status", "retryable"), ROWS)
def test_every_row_has_its_class(kind, name, status, retryable):
    cls = getattr(antiphon, name)
    assert name in antiphon.__all__
    assert issubclass(cls, antiphon.AntiphonError)
    assert cls.__module__ == "antiphon"
    assert cls.status_code == cls().status_code == status
    with pytest.raises(cls) as caught:
        completion("hi", "some/model", mock_response=f"antiphon.{name}")
    error = caught.value
    assert type(error) is cls
    assert error.message == f"this is a mocked {name}"
    assert error.model == "some/model"
    assert error.status_code == status
    assert error.attempts == []


@pytest.mark.parametrize("name", sorted({row[1] for row in ROWS} | {"APIError", "APIStatusError"}))
def test_copies(name):
    cls = getattr(antiphon, name)
    error = cls(
        "what",
        "openai",
        "gpt-4o",
        hint="do",
        param="messages[0]",
        status_code=418,
        request_id="r",
        retry_after=1.5,
        attempts=[antiphon.Attempt(target="a", status=500, message="m", elapsed=0.1)],
        partial_response=antiphon.ModelResponse(model="m"),
        code="c",
        raw="{",
    )
    assert str(error) == "what\nhint: do"
    for copied in (copy.deepcopy(error), copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(copied) is cls
        assert vars(copied) == vars(error)
        assert str(copied) == str(error)
        assert copied.args == error.args == ("what",)


def test_families():
    import builtins

    families = [
        (antiphon.InvalidRequestError, antiphon.BadRequestError, ValueError),
        (antiphon.ContextWindowExceededError, antiphon.BadRequestError),
        (antiphon.QuotaExceededError, antiphon.RateLimitError, antiphon.APIStatusError),
        (antiphon.Timeout, antiphon.APIError, builtins.TimeoutError),
        (antiphon.APIConnectionError, antiphon.APIError, builtins.ConnectionError),
        (antiphon.ServiceUnavailableError, antiphon.InternalServerError),
        (antiphon.JSONSchemaValidationError, antiphon.APIResponseValidationError),
    ]
    for cls, *parents in families:
        assert issubclass(cls, tuple(parents))
        assert all(issubclass(cls, parent) for parent in parents)
    assert antiphon.APITimeoutError is antiphon.Timeout
    assert not issubclass(antiphon.APIConnectionError, antiphon.Timeout)


@pytest.mark.parametrize("mock", [KeyError("k"), ValueError, antiphon.RateLimitError("slow", "openai", "m")])
@pytest.mark.parametrize("kwargs", [{}, {"mock_delay": 0.01}, {"stream": True}])
def test_a_mock_raises_the_exception_that_it_is(mock, kwargs):
    with pytest.raises(mock if isinstance(mock, type) else type(mock)) as caught:
        completion("hi", mock_response=mock, **kwargs)
    if not isinstance(mock, type):
        assert caught.value is mock


def test_a_deadline_comes_before_a_slow_mock():
    with pytest.raises(antiphon.Timeout, match="deadline") as caught:
        completion("hi", mock_response=KeyError("k"), mock_delay=5, timeout=0.05)
    assert isinstance(caught.value, TimeoutError)


def test_a_panic_is_an_error_and_the_process_lives():
    for on_worker in (False, True):
        with pytest.raises(antiphon.InternalError, match="a call panicked: on purpose"):
            _antiphon.panic_for_tests(on_worker)
    assert completion("hi", mock_response="x", mock_delay=0.01).choices


def test_hints_are_shown():
    with pytest.raises(antiphon.UnknownProviderError) as caught:
        completion("hi", "opanai/gpt-4o")
    assert caught.value.hint == 'did you mean model="openai/gpt-4o"?'
    assert str(caught.value).endswith(caught.value.hint)
    assert caught.value.param == "model"

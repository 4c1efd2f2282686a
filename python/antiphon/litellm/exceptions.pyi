from antiphon.litellm._exceptions import *
from antiphon.litellm._exceptions import __all__ as __all__

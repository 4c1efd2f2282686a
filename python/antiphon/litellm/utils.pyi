from antiphon.litellm import *

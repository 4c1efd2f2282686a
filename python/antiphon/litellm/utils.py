"""``litellm.utils``: what stands at the top of the module is found here, too."""


def __getattr__(name):
    import antiphon.litellm

    return getattr(antiphon.litellm, name)

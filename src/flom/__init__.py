"""flom: locks with names, held while a command runs or a block of Python does.

The public names are resolved on first use, so that importing the package costs nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    __version__: str

__all__ = ["__version__"]

# public name: the module it lives in, its name there
_HOMES = {
    "__version__": ("flom.version", "VERSION"),
}


def __getattr__(name: str) -> object:
    try:
        module, attribute = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'flom' has no attribute {name!r}") from None
    value: object = getattr(__import__(module, fromlist=[attribute]), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

"""The settings as `--verbose` prints them. Loaded only for that."""

from flom import values
from flom.options import OPTIONS, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.settings import Settings


def dump(settings: "Settings") -> str:
    """The lines `--verbose` prints before the checks (cli.md 8), ours last and only if changed.

    Secrets are not among them.
    """
    rows = sorted((option.dump, option) for option in OPTIONS if option.dump)
    return "".join(
        f"[{option.group}]/{option.key}={_shown(option, getattr(settings, option.attr))}\n"
        for _, option in rows
        if not option.ours or getattr(settings, option.attr) != option.default
        if option.rule != "secret"
    ) + "".join(f"[Access]/{name}={values.quoted(text)}\n" for name, text in settings.access)


def _shown(option: Option, value: "str | int | tuple[int, ...] | None") -> str:
    if isinstance(value, tuple):
        from flom.signals import name

        return "'" + ";".join(name(number) for number in value) + "'"
    if option.rule == "octal":
        return f"{value:04o}"
    return str(int(value)) if isinstance(value, int) else f"'{value or ''}'"

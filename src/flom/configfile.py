"""One configuration file put over the settings (cli.md 5). Loaded only when there is a file."""

from flom import errors, keyfile, values
from flom.keyfile import KeyFileError as KeyFileError
from flom.options import OPTIONS, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flom.settings import Settings


# The group whose keys are rules, with names of the user's choice (access.rules).
ACCESS = "Access"


class ConfigFile:
    """A file that was read: `path` for messages, `data` its bytes. Raises KeyFileError."""

    __slots__ = ("pairs", "path", "warn")

    def __init__(self, path: str, data: bytes, warn: "Callable[[str], None]") -> None:
        self.path = path
        self.warn = warn
        self.pairs = keyfile.parse(data)

    def apply(self, settings: "Settings", cwd: str, forgive: "Collection[str]") -> None:
        """Set what the file sets. A bad value raises ConfigError, see `settings.load`."""
        table = {(option.group, option.key): option for option in OPTIONS if option.key}
        winning: dict[tuple[str, str], tuple[int, bytes]] = {}
        rules: list[tuple[int, str, bytes]] = []
        for line, group, key, raw in self.pairs:
            if group == ACCESS:
                rules.append((line, key, raw))
            else:
                winning[group, key] = line, raw
        if rules:
            settings.access = self._rules(rules)
        named: list[str] = []
        for place, (line, raw) in winning.items():
            option = table.get(place)
            if option is None:
                self._doubt(line, *place)
                continue
            try:
                value = self._convert(option, line, raw, cwd)
            except errors.ConfigError as bad:
                if option.attr in forgive:
                    continue
                raise self._refusal(option.group, option.key, line, raw, bad) from None
            if value is not None:
                setattr(settings, option.attr, value)
                named.append(option.attr)
        if settings.store_url is not None:
            self._settle_engine(settings, named, cwd)

    def _settle_engine(self, settings: "Settings", named: list[str], cwd: str) -> None:
        """A file may name a daemon after another has named a store, and the reverse."""
        from flom import engine

        try:
            engine.settle(settings, named)
        except errors.ConfigError as bad:
            raise errors.ConfigError(bad.rc, f"{self.path}: {bad.text}") from None
        if "store_password" in named:
            engine.warn_if_open(values.absolute(self.path, cwd), self.warn)

    def _rules(self, rules: list[tuple[int, str, bytes]]) -> tuple[tuple[str, str], ...]:
        """The rules of access, each its name and its text; ConfigError if one is none."""
        from flom.access.rules import Rule

        found: dict[str, str] = {}
        for line, name, raw in rules:
            text = keyfile.text(raw)
            try:
                if text is None:
                    raise values.bad("expected UTF-8")
                if name in found:
                    raise values.bad("there is a rule of this name already; rename one of them")
                Rule(name, text, lambda user: 0)  # users count on the daemon's host
            except errors.ConfigError as bad:
                raise self._refusal(ACCESS, name, line, raw, bad) from None
            found[name] = text
        return tuple(found.items())

    def _convert(self, option: Option, line: int, raw: bytes, cwd: str) -> object:
        """The value to keep, None for "as if absent"."""
        if option.type == "I":
            number = keyfile.integer(raw)
            if number is None:
                raise values.bad(f"expected {values.INTEGER_SYNTAX}, decimal")
            return values.INTEGER_RULES[option.rule](number, cwd)
        decoded = keyfile.items(raw) if option.type == "L" else keyfile.text(raw)
        if decoded is None:
            self.warn(f"{self._place(line, option.group, option.key)} is ignored: not UTF-8")
            return None
        if isinstance(decoded, list):
            return values.signals(decoded)
        return values.TEXT_RULES[option.rule](values.native(decoded), cwd)

    def _refusal(
        self, group: str, key: str, line: int, raw: bytes, bad: errors.ConfigError
    ) -> errors.ConfigError:
        own = (errors.RC_REALPATH_ERROR, errors.RC_INVALID_IPV6_NETWORK_INTERFACE)
        rc = bad.rc if bad.rc in own else errors.RC_INVALID_OPTION
        shown = values.quoted(raw.decode("utf-8", "surrogateescape"))
        place = self._place(line, group, key)
        return errors.ConfigError(rc, f"{place}={shown}: {bad.text}")

    def _place(self, line: int, group: str, key: str) -> str:
        return f"{self.path} line {line}: [{_plain(group)}]/{_plain(key)}"

    def _doubt(self, line: int, group: str, key: str) -> None:
        """Say so when an unknown group or key looks like a misspelling of a known one."""
        from flom.spelling import nearest

        groups = sorted({ACCESS} | {option.group for option in OPTIONS if option.key})
        place = self._place(line, group, key)
        if group not in groups:
            near = nearest(group, groups, _slips(group))
            if near:
                self.warn(f"{place} is ignored: did you mean [{near}]?")
            return
        near = nearest(key, [o.key for o in OPTIONS if o.group == group], _slips(key))
        if near:
            self.warn(f"{place} is ignored: did you mean {near}?")


def _slips(name: str) -> int:
    """How many wrong characters still make a misspelling, not another word."""
    return 2 if len(name) >= 8 else 1


def _plain(name: str) -> str:
    return name if name.isprintable() else ascii(name)[1:-1]

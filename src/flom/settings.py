"""The layers of settings folded into one: built-in, system file, user file, -c file, command line.

Later layers override earlier ones key by key (cli.md 4). Nothing here looks at the process's
environment or directory; the caller passes both.
"""

import posix

from flom import defaults, errors, values
from flom.options import OPTIONS, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    Warn = Callable[[str], None]

SIGCHLD = 17  # written out: `signals` is loaded only when an option needs it


class Settings:
    """The value of every option of `options.OPTIONS`, under its `attr`.

    None stands for a text that is not set. `socket_is_default` is True once `check` has chosen
    the default socket. `files` are the configuration files that have been read; `access` are the
    rules of the last one that has some, each its name and its text (access.rules). `may_fork` tells
    that this process has one thread and may start a daemon by a fork: the `flom` command's does.
    """

    __slots__ = (
        *(o.attr for o in OPTIONS if o.rule != "show"),
        "access",
        "files",
        "may_fork",
        "socket_is_default",
    )

    if TYPE_CHECKING:
        verbose: bool
        resource_name: str
        resource_timeout: int
        resource_quantity: int
        resource_create: bool
        resource_idle_lifespan: int
        lock_mode: int
        socket_name: str | None
        daemon_lifespan: int
        unicast_address: str | None
        unicast_port: int
        multicast_address: str | None
        multicast_port: int
        mount_point_vfs: str | None
        network_interface: str | None
        discovery_attempts: int
        discovery_timeout: int
        discovery_ttl: int
        tcp_keepalive_time: int
        tcp_keepalive_intvl: int
        tcp_keepalive_probes: int
        tls_certificate: str | None
        tls_private_key: str | None
        tls_ca_certificate: str | None
        tls_check_peer_id: bool
        ignored_signals: tuple[int, ...]
        daemon_trace_file: str | None
        command_trace_file: str | None
        append_trace_file: bool
        quiesce_exit: bool
        immediate_exit: bool
        debug_feature: str | None
        config_file: str | None
        queue_patience: int
        socket_mode: int | None
        conflict_exit_code: int
        anonymous: bool
        max_connections: int
        max_connections_per_peer: int
        max_message_size: int
        message_timeout: int
        first_message_timeout: int
        max_queue: int
        max_resources: int
        max_unread: int
        store_url: str | None
        store_session_ttl: int
        store_user: str | None
        store_password: str | None
        store_password_file: str | None
        store_ca: str | None
        store_certificate: str | None
        store_key: str | None
        on_lost: str | None
        kill_after: int
        kill_child: bool
        quiet: bool
        progress: bool
        check_only: bool
        access: tuple[tuple[str, str], ...]
        files: tuple[str, ...]
        may_fork: bool
        socket_is_default: bool

    def __init__(self) -> None:
        for option in OPTIONS:
            if option.rule != "show":
                setattr(self, option.attr, option.default)
        self.access: tuple[tuple[str, str], ...] = ()
        self.files: tuple[str, ...] = ()
        self.may_fork = False
        self.socket_is_default = False

    @property
    def tls(self) -> bool:
        """Whether connections use TLS: all three files are set (cli.md 7)."""
        return bool(self.tls_certificate and self.tls_private_key and self.tls_ca_certificate)

    def copy(self) -> "Settings":
        """An independent object with the same values."""
        twin = Settings()
        for attr in Settings.__slots__:
            setattr(twin, attr, getattr(self, attr))
        return twin

    def check(self, warn: "Warn") -> None:
        """Refuse what does not fit together and fill in what was left open (cli.md 7).

        Chooses the default socket, replaces a mode or quantity the resource's kind does not know
        (telling `warn` only when verbose). Raises ConfigError.
        """
        if self.store_url is not None:
            from flom import engine

            engine.check(self, warn)
            self._fit_kind(warn)
            return
        self._check_endpoint()
        self._fit_kind(warn)
        if self.tls_check_peer_id and not self.tls:
            raise errors.ConfigError(
                errors.RC_INVALID_OPTION,
                "the peer id cannot be checked without TLS (give --tls-certificate, "
                "--tls-private-key and --tls-ca-certificate, or --tls-check-peer-id=no)",
            )
        if self.tls_check_peer_id:
            _require_unique_id()
        self.discovery_timeout = self.discovery_timeout or 500

    def _check_endpoint(self) -> None:
        for attr in ("socket_name", "unicast_address", "multicast_address"):
            if getattr(self, attr) == "":
                raise errors.ConfigError(
                    errors.RC_INVALID_OPTION,
                    f"the {attr.replace('_', ' ')} is set but empty (see {_of(attr).spelling})",
                )
        network = self.unicast_address or self.multicast_address
        if self.socket_name and network:
            raise errors.ConfigError(
                errors.RC_INVALID_OPTION,
                f"the daemon is either at the socket {values.quoted(self.socket_name)} or in the "
                f"network at {values.quoted(network)} (drop -s, or -a and -A, or their keys in "
                "the configuration files)",
            )
        if not self.socket_name and not network:
            self.socket_name = defaults.socket_path()
            self.socket_is_default = True

    def _fit_kind(self, warn: "Warn") -> None:
        kind = values.resource_kind(self.resource_name)
        name = values.quoted(self.resource_name)
        if self.lock_mode != 5 and kind not in values.MODAL_KINDS:
            self.lock_mode = 5
            if self.verbose:
                warn(f"{name} is a {kind} resource: the lock mode is ignored, EX is used")
        if self.resource_quantity != 1 and kind != "numeric":
            self.resource_quantity = 1
            if self.verbose:
                warn(f"{name} is a {kind} resource: the quantity is ignored, 1 is used")


def _require_unique_id() -> None:
    """The peer id check is worth nothing on a host that has no id itself (CF-14)."""
    from flom.machine import unique_id

    if not unique_id():
        raise errors.ConfigError(
            errors.RC_OBJ_NOT_FOUND_ERROR,
            "the peer id cannot be checked: this host has no unique id (make /etc/machine-id, "
            "or give --tls-check-peer-id=no)",
        )


def load(
    given: "Iterable[tuple[Option, str]]",
    environ: "Mapping[str, str]",
    cwd: str,
    warn: "Warn",
    system_file: str = defaults.SYSTEM_FILE,
    forgive: "Collection[str]" = (),
) -> Settings:
    """Fold all layers (cli.md 1, steps 5 and 6); `Settings.check` is a step of its own.

    given: options with their text as `cli.parse` found them. cwd: where relative paths start.
    warn: told what is skipped, one line a call. forgive: attributes whose bad value in a file
    counts as absent. Raises ConfigError.
    """
    settings = Settings()
    for path in (system_file, _user_file(environ, cwd)):
        _optional_file(settings, path, cwd, warn, forgive)
    words: dict[str, list[str]] = {}
    for option, text in given:
        words.setdefault(option.attr, []).append(text)
    if "config_file" in words:
        _required_file(settings, words["config_file"][-1], cwd, warn)
    for option in OPTIONS:
        if option.attr in words and option.rule != "show":
            _apply(settings, option, words[option.attr], cwd, warn)
    if settings.store_url is not None:
        from flom import engine

        engine.settle_words(settings, words)
    _drop_sigchld(settings, warn)
    return settings


def _user_file(environ: "Mapping[str, str]", cwd: str) -> str:
    """The path of the user's file; "" without a home directory (C-14)."""
    home = environ.get("HOME")
    if home is None:
        import pwd

        try:
            home = pwd.getpwuid(posix.getuid()).pw_dir
        except KeyError:
            return ""
    return values.absolute(f"{home}/{defaults.USER_FILE}", cwd)


def _of(attr: str) -> Option:
    return next(option for option in OPTIONS if option.attr == attr)


def read_file(path: str) -> bytes:
    """The content of the regular file `path`; OSError for anything else, devices included."""
    # Without O_NONBLOCK a pipe nobody writes to would hold the command for ever.
    descriptor = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    try:
        if posix.fstat(descriptor).st_mode & 0o170000 != 0o100000:
            raise OSError(0, "not a regular file")
        chunks = []
        while chunk := posix.read(descriptor, 65536):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        posix.close(descriptor)


def _optional_file(
    settings: Settings, path: str, cwd: str, warn: "Warn", forgive: "Collection[str]"
) -> None:
    """A file that may be absent or unreadable; a malformed one is skipped aloud (CF-16)."""
    try:
        data = read_file(path)
    except OSError:
        return
    from flom.configfile import ConfigFile, KeyFileError

    try:
        file = ConfigFile(path, data, warn)
    except KeyFileError as error:
        if b"[Access]" in data:  # to ignore rules would be to allow everything
            raise errors.ConfigError(
                errors.RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR,
                f"{path} {error} (repair the file: it may hold rules under [Access])",
            ) from None
        warn(f"{path} {error}; the whole file is ignored")
        return
    file.apply(settings, cwd, forgive)
    settings.files += (path,)


def _required_file(settings: Settings, name: str, cwd: str, warn: "Warn") -> None:
    """The file of `-c`: anything wrong with it ends the run (C-11)."""
    from flom.configfile import ConfigFile, KeyFileError

    shown = values.quoted(name)[1:-1]
    try:
        file = ConfigFile(shown, read_file(values.absolute(name, cwd)), warn)
    except OSError as error:
        problem = f"cannot read configuration file '{shown}': {error.strerror} (check -c)"
    except KeyFileError as error:
        problem = f"{shown} {error}"
    else:
        file.apply(settings, cwd, ())
        settings.files += (shown,)
        return
    raise errors.ConfigError(errors.RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR, problem)


def _apply(settings: Settings, option: Option, words: list[str], cwd: str, warn: "Warn") -> None:
    """Set what the command line says about one option; the last word counts."""
    try:
        value = _convert(option, words, cwd)
    except errors.ConfigError as bad:
        text = f"{option.spelling} {values.quoted(words[-1])}: {bad.text}"
        raise errors.ConfigError(bad.rc, text) from None
    if option.rule == "quantity" and words[-1].lstrip().startswith("-") and value:
        warn(f"{option.spelling} {words[-1]} is ignored: a quantity is at least 1")
    elif value is not None:
        setattr(settings, option.attr, value)


def _convert(option: Option, words: list[str], cwd: str) -> object:
    if option.type == "F":
        return True
    if option.type == "L":
        return values.signals(words)
    if option.type == "S" or option.type == "B":
        return values.TEXT_RULES[option.rule](words[-1], cwd)
    number = values.c_integer(words[-1])
    if number is None:
        raise values.bad(f"expected {values.INTEGER_SYNTAX}")
    return values.INTEGER_RULES[option.rule](number, cwd)


def _drop_sigchld(settings: Settings, warn: "Warn") -> None:
    """Without SIGCHLD nobody learns that the command has ended (CF-3)."""
    if SIGCHLD in settings.ignored_signals:
        kept = tuple(number for number in settings.ignored_signals if number != SIGCHLD)
        settings.ignored_signals = kept
        warn("SIGCHLD cannot be ignored: it tells flom that the command has ended")

"""The command as a conversation: words and surroundings in, steps out, their results back in.

Nothing here reads the process's state, changes it or exits: `main` carries the steps out. So
everything the command does can be tested without a process, and be driven by something else.
"""

from flom.cli import messages
from flom.cli.child import Ended
from flom.cli.parse import parse
from flom.cli.steps import Acquire, Connect, End, Execute, Held, Release, Say, Stop
from flom.client import about
from flom.errors import (
    EXIT_BUSY,
    EXIT_DEBUG_FAILED,
    EXIT_FAILURE,
    EXIT_LOST,
    EXIT_NOT_EXECUTED,
    EXIT_OK,
    NOT_LOCKED,
    OWN_RC_LOCK_NESTED,
    RC_LOCK_BUSY,
    RC_LOCK_CANT_WAIT,
    RC_LOCK_IMPOSSIBLE,
    RC_NETWORK_TIMEOUT,
    ConfigError,
    FlomError,
    UsageError,
)
from flom.machine import unique_id
from flom.settings import load
from flom.signals import SIGKILL, SIGSTOP
from flom.signals import name as signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from flom.cli.steps import Result, Step
    from flom.settings import Settings

    Conversation = Generator[Step, Result, None]


def command(words: list[str], environ: "Mapping[str, str]", cwd: str) -> "Conversation":
    """The whole command, in the order of cli.md 1; each step's result is sent back in."""
    try:
        invocation = parse(words)
    except UsageError as error:
        yield Say(2, messages.usage_error(error.text))
        yield End(EXIT_FAILURE)
        return
    if invocation.show:
        yield from _show(invocation.show)
        return
    warnings: list[str] = []
    # Known before the settings are: it has no key in the files.
    quiet = any(option.attr == "quiet" for option, _ in invocation.given)
    try:
        settings = load(invocation.given, environ, cwd, warnings.append)
        yield from _warn(warnings, quiet)
        if settings.command_trace_file is not None or environ.get("FLOM_TRACE_MASK"):
            from flom.cli.tracing import Trace

            yield Trace(settings)
        if settings.verbose:
            from flom.dump import dump

            yield Say(1, dump(settings))
        settings.check(warnings.append)
    except ConfigError as error:
        yield from _warn(warnings, quiet)
        yield Say(2, messages.config_error(error))
        yield End(EXIT_FAILURE)
        return
    yield from _warn(warnings, quiet)
    if settings.check_only:
        yield from _check(settings, invocation.command, environ)
    elif settings.debug_feature is not None:
        yield from _debug(settings, settings.debug_feature)
    elif settings.immediate_exit or settings.quiesce_exit:
        yield from _stop(settings)
    elif not invocation.command:
        yield Say(2, messages.NO_COMMAND)
        yield End(EXIT_NOT_EXECUTED)
    else:
        yield from _run(settings, invocation.command, environ)


def _run(settings: "Settings", argv: list[str], environ: "Mapping[str, str]") -> "Conversation":
    failure = yield Connect(settings, argv)
    if isinstance(failure, FlomError):
        yield Say(2, messages.failure(messages.CONNECT, failure, settings.store_url))
        yield End(EXIT_FAILURE)
        return
    held = yield Acquire()
    if isinstance(held, FlomError):
        yield from _give_up(settings, held)
        return
    assert isinstance(held, Held)
    element = held.element
    if element is not None:
        argv = [*argv, element]
        if settings.verbose:
            yield Say(1, messages.locked_element(element))
    ignored = tuple(n for n in settings.ignored_signals if n not in (SIGKILL, SIGSTOP))
    if not settings.quiet:
        for number in set(settings.ignored_signals) - set(ignored):
            yield Say(2, messages.not_ignorable(signal_name(number)))
    environ = _environment(settings, held, environ)
    ended = yield Execute(argv, environ, ignored, settings)
    if isinstance(ended, FlomError):
        yield Say(2, messages.not_executed(argv[0], ended.text))
        ended = Ended(EXIT_NOT_EXECUTED)
    assert isinstance(ended, Ended)
    failure = yield Release(rollback=ended.status != EXIT_OK or ended.lost)
    if isinstance(failure, FlomError) and not ended.lost:
        yield Say(2, messages.lost(failure, settings.store_url))
    if isinstance(failure, FlomError) or ended.lost:
        yield End(EXIT_LOST if ended.acted or settings.store_url is not None else EXIT_FAILURE)
        return
    yield End(ended.status, ended.shared_signal)


def _give_up(settings: "Settings", error: FlomError) -> "Conversation":
    status = NOT_LOCKED.get(error.rc, EXIT_FAILURE)
    if error.rc == OWN_RC_LOCK_NESTED and settings.resource_timeout > 0:
        status = EXIT_BUSY  # known at once instead of after that time
    if status == EXIT_FAILURE or not settings.quiet:
        yield Say(2, _not_locked(settings, error))
    yield End(settings.conflict_exit_code if status == EXIT_BUSY else status)


def _not_locked(settings: "Settings", error: FlomError) -> str:
    resource = settings.resource_name
    if error.rc == RC_LOCK_BUSY:
        return messages.busy(resource)
    if error.rc == RC_NETWORK_TIMEOUT:
        return messages.timed_out(resource, settings.resource_timeout)
    if error.rc == RC_LOCK_CANT_WAIT:
        return messages.cannot_wait(resource)
    if error.rc == RC_LOCK_IMPOSSIBLE:
        return messages.impossible(resource, settings.resource_quantity)
    return messages.failure(messages.LOCK, error, settings.store_url)


def _stop(settings: "Settings") -> "Conversation":
    immediate = settings.immediate_exit
    kind = "immediate" if immediate else "quiesce"
    yield Say(1, f"Starting FLoM daemon {kind} shutdown...\n")
    result = yield Stop(settings, immediate)
    if isinstance(result, FlomError):
        yield Say(2, messages.failure(messages.CONNECT, result))
        yield End(EXIT_FAILURE)
        return
    yield End(EXIT_OK)


def _check(settings: "Settings", argv: list[str], environ: "Mapping[str, str]") -> "Conversation":
    from flom.cli.check import Check, Report

    report = yield Check(settings, argv, environ)
    assert isinstance(report, Report)
    yield Say(1, report.text)
    if report.problems:
        yield Say(2, messages.would_fail(report.problems))
    yield End(EXIT_FAILURE if report.problems else EXIT_OK)


def _debug(settings: "Settings", name: str) -> "Conversation":
    from flom.cli.debug import Debug

    failure = yield Debug(settings, name)
    if isinstance(failure, FlomError):
        yield Say(2, messages.debug_failed(name, failure))
    yield End(EXIT_DEBUG_FAILED if failure else EXIT_OK)


def _show(what: str) -> "Conversation":
    if what == "unique-id" and not unique_id():
        yield Say(2, messages.no_unique_id())
        yield End(EXIT_FAILURE)
        return
    yield Say(1, _information(what))
    yield End(EXIT_OK)


def _information(what: str) -> str:
    if what == "help":
        from flom.cli import help as help_page  # most runs show none

        return help_page.text()
    if what == "unique-id":
        return unique_id() + "\n"
    parts = {"version": messages.version, "signal-list": messages.signal_list}
    return "".join(parts[part]() for part in what.split("+"))


def _environment(settings: "Settings", held: Held, environ: "Mapping[str, str]") -> dict[str, str]:
    from flom.client.session import variables  # loaded by now: the lock is held

    own = variables(settings, held.element, held.token, held.sessions)
    return about.environment(environ, own)


def _warn(warnings: list[str], quiet: bool) -> "Conversation":
    for text in warnings:
        if not quiet:
            yield Say(2, messages.warning(text))
    warnings.clear()

"""The signals of Linux and the interpreter's signal calls.

The calls come from the builtin `_signal`: the public `signal` wraps them in enums, and loading
`enum` costs more than half of an interpreter's start.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

SIG_DFL = _signal.SIG_DFL
SIG_IGN = _signal.SIG_IGN
SIG_BLOCK = _signal.SIG_BLOCK
SIG_UNBLOCK = _signal.SIG_UNBLOCK
SIG_SETMASK = _signal.SIG_SETMASK
signal = _signal.signal
getsignal = _signal.getsignal
pthread_sigmask = _signal.pthread_sigmask
set_wakeup_fd = _signal.set_wakeup_fd
setitimer = _signal.setitimer
getitimer = _signal.getitimer
ITIMER_REAL = _signal.ITIMER_REAL
sigtimedwait = _signal.sigtimedwait
sigwaitinfo = _signal.sigwaitinfo
valid_signals = _signal.valid_signals

# Number n is NAMES[n - 1]: the numbering of Linux on x86, fixed by cli.md 9.
NAMES = (
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
    "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
    "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
    "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
)  # fmt: skip

SIGHUP = 1
SIGINT = 2
SIGQUIT = 3
SIGKILL = 9
SIGPIPE = 13
SIGALRM = 14
SIGTERM = 15
SIGCHLD = 17
SIGCONT = 18
SIGSTOP = 19
SIGTSTP = 20
SIGTTIN = 21
SIGTTOU = 22
SIGXFSZ = 25
SIGIO = 29


def name(number: int) -> str:
    """The name of signal `number`; `signal 40` for one without a name of its own."""
    return NAMES[number - 1] if 1 <= number <= len(NAMES) else f"signal {number}"


def parse_signal(word: str) -> int | None:
    """The number of the signal `word` stands for, None if it stands for none (cli.md 3.3).

    A decimal prefix of 1 to 31 decides (` 15` and `15abc` are 15), else an exact name.
    """
    number = _decimal_prefix(word)
    if 1 <= number <= len(NAMES):
        return number
    return NAMES.index(word) + 1 if word in NAMES else None


def _decimal_prefix(word: str) -> int:
    """What C's atoi makes of `word`, as far as small numbers go."""
    digits = word.lstrip(" \t\n\v\f\r").removeprefix("+")
    number = 0
    for char in digits:
        if char not in "0123456789" or number > len(NAMES):
            break
        number = number * 10 + int(char)
    return number

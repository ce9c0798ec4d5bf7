"""Many commands start at one moment: one daemon, never two holders (daemon.md 4.3)."""

import os
import signal
import subprocess

import pytest
from support import need_program, place, wait_for

STARTERS = 30

# mkdir and rmdir are atomic: whoever finds the folder has met another holder.
CHECKER = """\
mkdir "$1/inside" || echo "$$ met another holder" >>"$1/violations"
sleep 0.01
rmdir "$1/inside"
echo >>"$1/runs"
"""

# Slows a call down in whoever has it preloaded, by the milliseconds in the environment.
SHIM = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void slow(const char *variable)
{
    const char *value = getenv(variable);
    if (value) usleep(1000 * atoi(value));
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    slow("SLOW_BIND");
    return real(fd, address, size);
}

int listen(int fd, int backlog)
{
    int (*real)(int, int) = dlsym(RTLD_NEXT, "listen");
    slow("SLOW_LISTEN");
    return real(fd, backlog);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    if (address->sa_family != AF_UNIX) slow("SLOW_CONNECT");
    return real(fd, address, size);
}

int unlink(const char *path)
{
    int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");
    slow("SLOW_UNLINK");
    int result = real(path);
    slow("SLOW_UNLINK");
    return result;
}
"""


@pytest.fixture
def shim(folder):
    need_program("gcc")
    source = folder / "shim.c"
    source.write_text(SHIM)
    library = folder / "shim.so"
    build = ["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    subprocess.run(build, check=True, timeout=60)
    return {"LD_PRELOAD": str(library)}


@pytest.fixture(params=["unix", "127.0.0.1", "::1"])
def fresh(request, places):
    return places(request.param)


class Crowd:
    """Starters that wait at a gate and are let go at one moment."""

    def __init__(self, place, *words, script=CHECKER, env=None):
        self.place = place
        gate, self._keeper = os.pipe()
        self.members = [
            place.start(
                *("-r", "race", *words, "--", "sh", "-c", script, "sh", place.folder),
                shell='read line; exec "$@" </dev/null',
                stdin=gate,
                env=env,
            )
            for _ in range(STARTERS)
        ]
        os.close(gate)

    def go(self):
        os.close(self._keeper)

    def check(self):
        """All succeeded, none met another."""
        outcomes = []
        for member in self.members:
            _, errors = member.communicate(timeout=60)
            outcomes.append((member.returncode, errors))
        assert outcomes == [(0, "")] * len(outcomes)
        assert not (self.place.folder / "violations").exists()
        assert (self.place.folder / "runs").read_text() == "\n" * len(outcomes)


def crowd_runs(place, *words, **options):
    crowd = Crowd(place, *words, **options)
    crowd.go()
    crowd.check()


def check_one_daemon(place):
    assert len(place.daemons()) == 1
    assert place.daemons() == place.listeners()


def test_thirty_starters_share_one_daemon(fresh):
    """D-14."""
    crowd_runs(fresh, "-d", "-1")
    check_one_daemon(fresh)


@pytest.mark.parametrize("slow", ["SLOW_BIND", "SLOW_LISTEN"])
def test_thirty_starters_while_the_first_is_slow_to(slow, fresh, shim):
    """D-15."""
    crowd_runs(fresh, "-d", "-1", env={**shim, slow: "700"})
    check_one_daemon(fresh)


def test_thirty_starters_while_the_old_daemon_is_slow_to_go(place, shim):
    """D-16: its listener is closed, its socket file still there, its lock held."""
    assert place.run("-d", "-1", "--", "true", env={**shim, "SLOW_UNLINK": "700"}).returncode == 0
    old = place.daemon()
    crowd = Crowd(place, "-d", "-1")
    os.kill(old, signal.SIGTERM)
    wait_for(lambda: not place.listeners(), "the listener's close")
    assert place.path.is_socket()
    crowd.go()
    crowd.check()
    wait_for(lambda: old not in place.daemons(), "the old daemon's end")
    check_one_daemon(place)


def test_a_tiny_lifespan_and_a_slow_starter(places, shim):
    """F29: the daemon does not end before its starter has come."""
    place = places("127.0.0.1")
    done = place.run("-d", "1", "--", "sh", "-c", "exit 3", env={**shim, "SLOW_CONNECT": "300"})
    assert (done.returncode, done.stderr) == (3, "")


def test_thirty_starters_find_a_stale_socket(place):
    """D-14 and D-18 at once."""
    assert place.run("-d", "-1", "--", "true").returncode == 0
    os.kill(place.daemon(), signal.SIGKILL)
    place.await_no_daemon()
    assert place.path.is_socket()
    crowd_runs(place, "-d", "-1")
    check_one_daemon(place)


# A request that leaves no resource behind: the lifespan of the daemon begins at its end.
ASK_ONLY = ("-e", "no", "-o", "0", "--", "true")
CANNOT_WAIT = 96


def test_commands_meet_a_daemon_at_its_end(fresh):
    """D-16: connections that arrive about the moment in which the lifespan ends."""
    for lifespan in range(8, 80, 3):
        done = fresh.run("-d", lifespan, *ASK_ONLY)
        assert (done.returncode, lifespan) == (CANNOT_WAIT, lifespan), done.stderr


def test_thirty_starters_meet_a_daemon_at_its_end(fresh):
    """D-16: as D-14, while the lifespan of the old daemon runs out."""
    crowd = Crowd(fresh, "-d", "-1")
    assert fresh.run("-d", "150", *ASK_ONLY).returncode == CANNOT_WAIT
    crowd.go()
    crowd.check()
    wait_for(lambda: len(fresh.daemons()) == 1, "the old daemon's end")
    assert fresh.daemons() == fresh.listeners()


def test_immediate_shutdowns_among_starters(fresh):
    """Whoever is not served by a dying daemon is told so (99); nobody hangs, no two daemons."""
    # No checker: locks do not survive a daemon, so the next one's holders may meet the last one's.
    crowd = Crowd(fresh, "-d", "-1", script="sleep 0.01")
    crowd.go()
    stoppers = [fresh.start("-X") for _ in range(3)]
    assert {stopper.wait(60) for stopper in stoppers} <= {0, 99}
    for member in crowd.members:
        _, errors = member.communicate(timeout=60)
        assert (member.returncode, errors) == (0, "") or (
            member.returncode == 99 and "ret_cod=-1" in errors
        )
    assert len(fresh.daemons()) <= 1


def test_a_socket_deleted_under_a_daemon_is_not_confused_with_its_successors(places, folder):
    """daemon.md 4.3: who finds socket and lock file gone starts anew."""
    first = places()
    assert first.run("-d", "-1", "--", "true").returncode == 0
    old = first.daemon()
    first.path.unlink()
    first.lock_file.unlink()
    assert first.run("-d", "-1", "--", "true").returncode == 0
    new = (first.listeners() - {old}).pop()
    os.kill(old, signal.SIGTERM)
    wait_for(lambda: old not in first.daemons(), "the old daemon's end")
    assert first.path.is_socket()
    assert first.run("-d", "0", "--", "true").returncode == 0
    assert first.listeners() == {new}


def test_starters_at_different_places_do_not_meet(folder):
    """Ten places, ten daemons."""
    made = [place("unix", folder) for _ in range(10)]
    try:
        started = [each.start("-d", "-1", "--", "true") for each in made]
        assert [process.wait(60) for process in started] == [0] * 10
        assert len({each.daemon() for each in made}) == 10
    finally:
        for each in made:
            each.clear()

"""Plays one scenario of api.json in a process of its own: `api_player.py DIFFERENCES <CASE`.

The working directory is the folder TMP of the scenario. The case comes as JSON, what differs from
what the scenario expects goes to the file DIFFERENCES, one line each. The standard streams are
left to the module that is tested.
"""

import contextlib
import gc
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

PATIENCE = 60.0
MESSAGES = "0x80"  # trace bit: what is sent and received
DAEMON = "import sys; from flom.ctl.main import main; sys.exit(main())"

# Another process: locks as told on its command line and says what came of it.
OTHER = """\
import json, os, sys, time
from flom import *
a = json.loads(sys.argv[1])
print("ready", flush=True)
time.sleep(a.get("delay_ms", 0) / 1000)
h = flom_handle_new()
flom_handle_set_socket_name(h, a["socket"])
flom_handle_set_resource_name(h, a["resource"])
flom_handle_set_resource_timeout(h, a.get("timeout_ms", -1))
if "idle_lifespan" in a:
    flom_handle_set_resource_idle_lifespan(h, a["idle_lifespan"])
print(flom_handle_lock(h), h.state, flush=True)
time.sleep(a.get("hold_ms", 0) / 1000)
if a.get("end") == "abort":
    os.abort()
if a.get("end") == "exit":
    sys.exit()
print(flom_handle_unlock(h), h.state, flush=True)
flom_handle_clean(h)
"""


class World:
    """What the steps that start with @ act upon, and how they do it."""

    def __init__(self, names, variables):
        self._names = names
        self._variables = variables
        self._daemons = []
        self._others = []
        self._waiter = None
        self._marked = 0
        self._thread = None

    def daemon(self, socket=None, port=None, address="127.0.0.1", multicast=None, **more):
        words = ["-s", socket] if socket else ["-a", address, "-p", str(port)]
        if multicast:
            words += ["-A", multicast, "-P", str(more["multicast_port"])]
        notify = f"{self._variables['TMP']}/notify"
        with _datagrams(notify) as ready:
            daemon = subprocess.Popen(
                [sys.executable, "-c", DAEMON, "daemon", *words, "-d", "-1"],
                env=os.environ | {"NOTIFY_SOCKET": notify},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._daemons.append(daemon)
            ready.settimeout(PATIENCE)
            ready.recv(100)
        os.unlink(notify)

    def daemon_kill(self):
        self._daemons[-1].kill()
        self._daemons[-1].wait(PATIENCE)

    def daemon_shutdown(self, socket):
        flom = [sys.executable, "-m", "flom", "-s", socket, "-X"]
        return subprocess.call(flom, stdout=subprocess.DEVNULL, timeout=PATIENCE)

    def sleep(self, ms):
        time.sleep(ms / 1000)

    def attr(self, handle, name):
        return getattr(handle, name)

    def other_lock(self, background=False, until_end=False, **told):
        other = self._other(told)
        if background:
            return None
        code = int(other.stdout.readline().split()[0])
        if until_end:
            other.wait(PATIENCE)
        return code

    def waiter(self, **told):
        """Returns when it waits: it has been told that it stands in the queue."""
        self._waiter = self._other(told, FLOM_TRACE_MASK=MESSAGES, stderr=subprocess.PIPE)
        while "flom_msg_receive" not in self._waiter.stderr.readline():
            assert self._waiter.poll() is None

    def waiter_result(self):
        out, _ = self._waiter.communicate(timeout=PATIENCE)
        return [int(word) for word in out.split()]

    def _other(self, told, stderr=None, **env):
        words = [sys.executable, "-c", OTHER, json.dumps(told)]
        other = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=stderr, text=True, env=os.environ | env
        )
        self._others.append(other)
        assert other.stdout.readline() == "ready\n"
        return other

    def fake_daemon(self, socket, script):
        listener = _listener(socket)
        self._run(_play, listener, script)

    def user_config(self, text):
        pathlib.Path(os.environ["HOME"], ".flom").write_text(text)

    def write_file(self, path, text):
        pathlib.Path(path).write_text(text)

    def file_size(self, path):
        return os.stat(path).st_size if os.path.exists(path) else None

    def exists(self, path):
        return os.path.exists(path)

    def fd_mark(self):
        self._marked = len(os.listdir("/proc/self/fd"))

    def fd_delta(self):
        return len(os.listdir("/proc/self/fd")) - self._marked

    def stderr_open(self):
        with contextlib.suppress(OSError):
            os.fstat(2)
            return True
        return False

    def module_names(self):
        values = self._names.values()
        constants = [value for value in values if isinstance(value, int)]
        return [len(self._names), len(constants), len([v for v in values if callable(v)])]

    def ticks_during_lock(self, handle):
        ended = threading.Event()
        ticks = []

        def tick():
            while not ended.wait(0.05):
                ticks.append(1)

        self._run(tick)
        code = self._names["flom_handle_lock"](handle)
        ended.set()
        return [code, len(ticks) >= 5]

    def release_from_thread(self, handle, delay_ms):
        def release():
            time.sleep(delay_ms / 1000)
            self._names["flom_handle_unlock"](handle)

        self._thread = self._run(release)

    def join(self):
        self._thread.join(PATIENCE)

    def fork_child(self, handle, do="exit"):
        child = os.fork()
        if child == 0:
            if do == "unlock":
                self._names["flom_handle_unlock"](handle)
            os._exit(0)
        os.waitpid(child, 0)

    def interrupt_lock(self, handle):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            self._names["flom_handle_lock"](handle)
        except KeyboardInterrupt:
            return "KeyboardInterrupt"
        return "returned"

    def alarm_lock(self, handle):
        signal.signal(signal.SIGALRM, lambda *_: None)
        # Again and again: on a busy machine the first might come before the wait has begun.
        signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
        try:
            return self._names["flom_handle_lock"](handle)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _run(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        return thread

    def close(self):
        """End what was started."""
        for process in (*self._others, *self._daemons):
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)


def _datagrams(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    return sock


def _listener(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen()
    return sock


def _play(listener, script):
    """Reads one request, follows the script, then reads until the client closes."""
    peer, _ = listener.accept()
    with listener, peer:
        request = b""
        while b"</msg>" not in request:
            request += peer.recv(4096)
        for act in script:
            if "reply" in act:
                peer.sendall(act["reply"].encode())
            elif "delay_ms" in act:
                time.sleep(act["delay_ms"] / 1000)
            else:
                return
        with contextlib.suppress(OSError):
            while peer.recv(4096):
                pass


class Player:
    """Plays the steps of a scenario against the names that a star import binds."""

    def __init__(self, case):
        self._variables = case["variables"]
        self._steps = case["scenario"]["steps"]
        self._names = {}
        exec("from flom import *", self._names)
        del self._names["__builtins__"]
        self._stored = {}
        self._world = World(self._names, self._variables)

    def differences(self):
        """One line for each step that gave something else, or took another time, than expected."""
        found = []
        try:
            for number, step in enumerate(self._steps):
                begun = time.monotonic()
                got = self._step(step)
                took = (time.monotonic() - begun) * 1000
                where = f"step {number} {step['call']}{step['args']}"
                if "expect" in step and not self._is(got, step["expect"]):
                    found.append(f"{where}: {got!r} instead of {step['expect']!r}")
                least, most = step.get("elapsed_ms", (0, 1e9))
                if not least <= took <= 10 * most:  # the machine may be busy
                    found.append(f"{where}: took {took:.0f} ms instead of {least} to {most}")
        finally:
            self._world.close()
        return found

    def _step(self, step):
        name, args = step["call"], step["args"]
        if name == "@del":
            del self._stored[args[0][1:]]
            return gc.collect() and None
        if isinstance(args, dict):
            keywords = {key: self._value(value) for key, value in args.items()}
            return getattr(self._world, name[1:])(**keywords)
        values = [self._value(value) for value in args]
        call = getattr(self._world, name[1:]) if name[0] == "@" else self._names[name]
        keywords = {key: self._value(value) for key, value in step.get("kwargs", {}).items()}
        try:
            result = call(*values, **keywords)
        except Exception as error:
            return error
        if "store" in step:
            self._stored[step["store"]] = result
        return result

    def _value(self, value):
        if isinstance(value, str):
            if value[:1] == "$" and value[1:] in self._stored:
                return self._stored[value[1:]]
            return re.sub(r"\$\{(\w+)\}", lambda name: str(self._variables[name[1]]), value)
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "$repeat" in value:
            text, times = value["$repeat"]
            return value.get("prefix", "") + text * times
        if "$bytes" in value:
            return value["$bytes"].encode()
        if "$const" in value:
            return self._names[value["$const"]]
        if "$port" in value:
            return self._variables[value["$port"]]
        return {key: self._value(each) for key, each in value.items()}

    def _is(self, got, expected):
        if isinstance(expected, dict):
            if "raises" in expected:
                return type(got).__name__ == expected["raises"]
            if "one_of" in expected:
                return any(self._is(got, each) for each in expected["one_of"])
            if "regex" in expected:
                return isinstance(got, str) and bool(re.fullmatch(expected["regex"], got))
            if "type" in expected:
                return type(got).__name__ == expected["type"]
        expected = self._value(expected)
        return type(got) is type(expected) and got == expected


if __name__ == "__main__":
    found = Player(json.load(sys.stdin)).differences()
    pathlib.Path(sys.argv[1]).write_text("".join(f"{line}\n" for line in found))

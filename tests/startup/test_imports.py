"""What a lock command loads: every module costs time in each of its runs."""

import pathlib
import socket
import subprocess
import sys
import tempfile

import pytest
from certificates import options

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MAIN = ROOT / "src" / "flom" / "__main__.py"

# Nothing comes in here without a benchmark that shows what it costs.
STANDARD = "gc _socket"
# Of a plain command, which goes the shortest way.
PLAIN = """
    cli cli.child cli.plain
    client client.about client.brief client.record
    defaults errors extension machine signals start trace
    net net.sockets net.unix
    wire wire.base64 wire.brief wire.limits wire.tokens
"""
# Of others.
MORE = """
    cli.command cli.main cli.messages cli.parse cli.steps
    client.blocking client.reach client.session net.address net.connect net.options
    core core.names
    option options settings values
    wire.client wire.codec wire.messages wire.stream wire.unbase64 wire.values
"""
ALLOWED_PLAIN = {*STANDARD.split(), *(f"flom.{name}" for name in PLAIN.split())}
if pathlib.Path("/dev/log").exists():
    ALLOWED_PLAIN.add("flom.log")  # a host that keeps a system log gets a record of each lock
ALLOWED = ALLOWED_PLAIN | {f"flom.{name}" for name in MORE.split()}

# TLS costs its library and four modules of ours; not `ssl`, which would be the dearest of all.
TLS = {
    "_ssl",
    *(f"flom.{name}" for name in ["client.secure", "net.channel", "net.tls", "net.tlssocket"]),
    # To resolve the paths of the files.
    "_collections_abc", "_stat", "genericpath", "os", "posixpath", "stat",
}  # fmt: skip

# Runs the file given first as the launcher does, and tells on a descriptor which module is looked
# for on whose behalf.
TRACER = """
import posix, sys
descriptor, path = int(sys.argv[1]), sys.argv[2]
sys.argv = sys.argv[2:]
class Tracer:
    @staticmethod
    def find_spec(name, *_):
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        posix.write(descriptor, f"{name} {frame.f_globals['__name__']}\\n".encode())
sys.meta_path.insert(0, Tracer)
with open(path) as file:
    code = compile(file.read(), path, "exec")
exec(code, {"__name__": "__main__", "__file__": path, "__spec__": None})
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """There is no configuration file."""
    monkeypatch.setenv("HOME", str(tmp_path))


def loaded_by(*words):
    """The modules that `flom words` loads beyond the interpreter's own: module -> importer."""
    with tempfile.TemporaryFile("w+") as report:
        number = report.fileno()
        command = [sys.executable, "-I", "-S", "-c", TRACER, str(number), MAIN, *words]
        subprocess.run(command, pass_fds=[number], check=True, timeout=60)
        report.seek(0)
        return dict(line.split() for line in report)


@pytest.fixture
def daemon():
    """The socket of a running daemon."""
    with tempfile.TemporaryDirectory(prefix="flom-") as folder:
        path = f"{folder}/s"
        flom = [sys.executable, "-I", "-S", MAIN, "-s", path]
        subprocess.run([*flom, "-d", "-1", "--", "true"], check=True, timeout=60)
        yield path
        subprocess.run([*flom, "-X"], check=True, timeout=60, stdout=subprocess.DEVNULL)


@pytest.fixture
def tcp_daemon():
    """The port of a running daemon."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = str(sock.getsockname()[1])
    flom = [sys.executable, "-I", "-S", MAIN, "-a", "127.0.0.1", "-p", port]
    subprocess.run([*flom, "-d", "-1", "--", "true"], check=True, timeout=60)
    yield port
    subprocess.run([*flom, "-X"], check=True, timeout=60, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("words", "allowed"), [((), ALLOWED_PLAIN), (("-q", "1"), ALLOWED)], ids=["plain", "other"]
)
def test_a_lock_command_loads_only_what_it_needs(daemon, words, allowed):
    loaded = loaded_by("-s", daemon, *words, "--", "true")
    unexpected = {module: loaded[module] for module in loaded.keys() - allowed}
    assert not unexpected, "loaded at each start: " + ", ".join(
        f"{module} (imported by {importer})" for module, importer in sorted(unexpected.items())
    )


def test_an_address_costs_no_more_than_a_socket(tcp_daemon):
    """Discovery and TLS are loaded by those who use them."""
    loaded = loaded_by("-a", "127.0.0.1", "-p", tcp_daemon, "-d", "0", "--", "true")
    assert loaded.keys() <= ALLOWED


def test_tls_costs_its_library_only(certificates):
    with tempfile.TemporaryDirectory(prefix="flom-") as folder:
        words = ["-s", f"{folder}/s", *options(certificates)]
        flom = [sys.executable, "-I", "-S", MAIN, *words]
        subprocess.run([*flom, "-d", "-1", "--", "true"], check=True, timeout=60)
        try:
            loaded = loaded_by(*words, "--", "true").keys()
        finally:
            subprocess.run([*flom, "-X"], check=True, timeout=60, stdout=subprocess.DEVNULL)
    assert loaded - ALLOWED == TLS


@pytest.mark.parametrize(
    ("words", "allowed"), [((), ALLOWED_PLAIN), (("-q", "1"), ALLOWED)], ids=["plain", "other"]
)
def test_the_list_holds_nothing_that_is_not_loaded(daemon, words, allowed):
    loaded = loaded_by("-s", daemon, *words, "--", "true").keys()
    assert allowed - loaded - {"_socket"} == set()  # which flom.extension finds without a search


@pytest.mark.skipif("_socket" in sys.builtin_module_names, reason="a part of this interpreter")
def test_the_socket_module_is_loaded_without_a_search():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from flom import extension;"
        "extension.load('_socket'); found = sys.modules['_socket'];"
        "import _socket, _frozen_importlib; assert _socket is found and found.socket;"
        "assert found.__spec__.origin == found.__file__ and found.__loader__;"
        "extension.load('no_such_module'); assert 'no_such_module' not in sys.modules"
    )
    command = [sys.executable, "-I", "-S", "-c", code, ROOT / "src"]
    subprocess.run(command, check=True, timeout=60)

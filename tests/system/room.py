"""A room of its own: namespaces in which a test may have its own network, files and system log."""

import contextlib
import os
import shutil
import socket
import subprocess

from support import BOUND, need, need_program

NETWORK = """\
ip link set lo up
ip link add d0 address 02:00:00:00:00:01 type veth peer name d1
echo 0 > /proc/sys/net/ipv6/conf/d0/accept_dad
echo 0 > /proc/sys/net/ipv6/conf/d1/accept_dad
ip address add 10.77.0.1/24 dev d0
ip link set d0 multicast on up
ip link set d1 up
"""
# In a fresh /dev that has what commands need, the system log is a socket of the test.
SYSTEM_LOG = """\
mkdir {folder}/dev
mount --rbind /dev {folder}/dev
mount -t tmpfs none /dev
for name in null zero urandom random tty; do
    touch /dev/$name && mount --bind {folder}/dev/$name /dev/$name
done
ln -s {folder}/log /dev/log
ln -s /proc/self/fd /dev/fd
"""
HOSTS = """\
printf '{hosts}' > {folder}/hosts
printf 'hosts: files\\n' > {folder}/nsswitch
mount --bind {folder}/hosts /etc/hosts
mount --bind {folder}/nsswitch /etc/nsswitch.conf
"""
NO_MACHINE_ID = """\
for name in /var/lib/dbus/machine-id /etc/machine-id; do
    if [ -e $name ]; then mount --bind /dev/null $name; fi
done
"""


class Room:
    """Namespaces that exist until `close`; `prefix` are the words that run a command in them."""

    def __init__(self, folder, setup):
        for name in ("unshare", "nsenter", "ip"):
            need_program(name)
        whose = [] if os.geteuid() == 0 else ["--map-root-user"]
        self._keeper = subprocess.Popen(
            ["unshare", *whose, "--net", "--mount", "sh", "-ec", setup + "echo ready; read line"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        ready = self._keeper.stdout.readline() == "ready\n"
        problem = "" if ready else self._keeper.communicate()[1]
        need(ready, f"no namespaces here: {problem}")
        enter = ["nsenter", "--target", str(self._keeper.pid), "--net", "--mount"]
        self.prefix = enter if not whose else [*enter, "--user", "--preserve-credentials"]

    def shell(self):
        """The text for `Place.start(shell=...)` that starts a command in here."""
        return f'exec {" ".join(self.prefix)} -- "$@"'

    def close(self):
        """The end of the namespaces."""
        if self._keeper.poll() is None:
            self._keeper.communicate("\n", timeout=BOUND)


@contextlib.contextmanager
def room(folder, *parts, **values):
    """A room set up by the given parts, which are texts for a shell."""
    made = Room(folder, "".join(part.format(folder=folder, **values) for part in parts))
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder / "dev", ignore_errors=True)


@contextlib.contextmanager
def system_log(folder):
    """The receiving end of the system log of a room made with SYSTEM_LOG."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(folder / "log"))
        os.chmod(folder / "log", 0o777)
        sock.settimeout(BOUND)
        yield sock


def records(sock):
    """What the system log has got so far."""
    found = []
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(sock.recv(4096).decode())
    sock.settimeout(BOUND)
    return found

"""What the tests of `flomctl` share: a daemon with fifty clients of all kinds, and the command."""

import json

from state_rows import HOSTILE, validate
from support import FLOMCTL, PROLOG, encoded, wait_for

CTL = (FLOMCTL,)
GRANTED, ENQUEUED, PARKED = 0, 1, 2
MODES = {"NL": 0, "CR": 1, "CW": 2, "PR": 3, "PW": 4, "EX": 5}

# Name, attributes, how many ask, how many of them are granted.
CROWD = [
    ("backup", {"mode": 5}, 1, 1),
    ("backup", {"mode": 3}, 3, 0),
    ("backup", {"mode": 5}, 4, 0),
    ("data", {"mode": 3}, 5, 5),
    ("data", {"mode": 1}, 3, 3),
    ("licence[8]", {"quantity": 3}, 3, 2),
    ("licence[8]", {"quantity": 2}, 2, 1),
    ("red.green.blue", {}, 5, 3),
    ("/srv/a", {"mode": 3}, 2, 2),
    ("/srv/b/c", {"mode": 5}, 1, 1),
    ("/srv", {"mode": 5}, 2, 0),
    ("_s_build[2]", {}, 4, 2),
    ("_S_order[1]", {}, 3, 1),
    ("_t_%Y%m%d%H#fff[2]", {}, 1, 1),
    ("absent", {"create": 0}, 4, 0),
    ("_RESOURCE", {}, 2, 1),
]
HOSTILE_ONES = 5


def start_daemon(place, *words):
    """A daemon that stays, without any history."""
    daemon = place.start("daemon", *words, program=CTL)
    wait_for(lambda: daemon.poll() is not None or place.listeners(), "the daemon")
    assert daemon.poll() is None, daemon.stderr.read()
    return daemon


def gather(place):
    """Fifty clients; returns them with the code of their first answer, in the order of CROWD."""
    start_daemon(place)
    peers = []
    for name, attributes, count, granted in CROWD:
        for number in range(count):
            peer = place.peer()
            answer = peer.lock(name, **attributes)
            expected = GRANTED if number < granted else ENQUEUED
            assert answer == (PARKED if name == "absent" else expected), (name, number, answer)
            peers.append(peer)
    for number in range(HOSTILE_ONES):
        peers.append(place.peer())
        assert ask(peers[-1], f"evil{number}", telling(HOSTILE)) == GRANTED
    assert len(peers) == 50
    return peers


def telling(text):
    """An announcement that says `text` wherever a client can say something."""
    quoted = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogateescape"))
    return f"flom pid=1 user={quoted} host={quoted} command={quoted}"


def ask(peer, name, ext, mode=5, wait=1):
    """A lock request with an announcement; returns the code of the first answer."""
    peer.send(
        f'{PROLOG}<msg level="3" verb="1" step="8" ext="{ext}"><session peerid=""/>'
        f'<resource name="{encoded(name)}" mode="{mode}" wait="{wait}" quantity="1" create="1"'
        f' lifespan="0"/></msg>'.encode()
    )
    return peer.answer()


def ctl(place, *words, status=0, **options):
    """Runs `flomctl` at this place; returns its output."""
    done = place.run(*words, program=CTL, **options)
    assert done.returncode == status, done.stderr
    assert status or not done.stderr, done.stderr
    return done.stdout


def told(place, name, *words, status=0, schema=None):
    """The JSON value that `flomctl NAME --json` prints, held to its schema."""
    value = json.loads(ctl(place, name, *words, "--json", status=status))
    validate(value, schema or name)
    return value

"""The recorded discoveries of the reference, with our commands and our daemons.

What a command sends and receives is read from its trace.
"""

import ast
import re

import pytest
from hosts import network
from shared import vectors
from support import wait_for
from system.replay import machine_id, without_extensions

SCENARIOS = {s["name"]: s for s in vectors("wire") if s["transport"].startswith("udp")}
GROUP4 = ["-A", "239.255.43.21", "-P", "28106"]
GROUP6 = ["-A", "ff02::4321", "-P", "28106"]
# The daemons of each scenario, as its description tells.
DAEMONS = {
    "discover-ipv4-empty-address": [GROUP4],
    "discover-ipv4-explicit-address": [[*GROUP4, "-a", "10.99.0.1", "-p", "28107"]],
    "discover-ipv4-two-daemons": [
        [*GROUP4, "-a", "10.99.0.1", "-p", "28107"],
        [*GROUP4, "-a", "10.99.0.1", "-p", "28108"],
    ],
    "discover-ipv6-empty-address": [GROUP6],
    "discover-ipv6-link-local-address": [
        [*GROUP6, "-a", "fe80::ff:fe00:1%w0", "-n", "w0", "-p", "28107"]
    ],
    "discover-ipv4-no-answer": [],
    "discover-ipv4-no-answer-tuned": [],
}
RECORD = re.compile(
    r"(?:flom_client_discover_udp: (?:query to|reply from) \S+|flom_msg_(?:send|receive)): (.*)"
)


def dialogue(trace):
    """What was said, in its order."""
    said = [ast.literal_eval(found) for found in RECORD.findall(trace)]
    return [each.decode() if isinstance(each, bytes) else each for each in said]


def patterns(scenario):
    """What has to be said, in its order, as patterns."""
    texts = [step["text"] for step in scenario["steps"] if "text" in step]
    if scenario["name"] == "discover-ipv4-two-daemons":
        # The first answer is taken, no other is read; which one is first is not determined.
        del texts[2]
        texts[1] = texts[1].replace("28108", "@PORT@")
    # design, "announced address": without the interface
    texts = [text.replace("@LINKLOCAL@%w0", "fe80::ff:fe00:1") for text in texts]
    return [
        re.escape(text).replace("@PEERID@", machine_id()).replace("@PORT@", r"\d+")
        for text in texts
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_was_recorded(folder, name):
    scenario = SCENARIOS[name]
    (client,) = scenario["clients"]
    with network(folder) as hosts:
        host, _ = hosts.pair()
        host.sh(
            "ip link set vsrv down; ip link set vsrv name w0; ip link set w0 up;"
            " ip address add 10.99.0.1/24 dev w0; ip route add 224.0.0.0/4 dev w0"
        )
        wait_for(lambda: "fe80" in host.sh("ip -6 address show dev w0 -tentative"), "an address")
        for words in DAEMONS[name]:
            short = [] if "-a" in words else ["-D", "1", "-I", "100"]
            started = host.flom(*words, *short, "-d", "-1", "--", "true")
            assert started.returncode == 0, started.stderr
        trace = folder / "trace"
        done = host.flom(
            *(*client["options"].split(), "-d", "0", "-T", trace, "--", client["command"]),
            env={"FLOM_TRACE_MASK": "0x88"},
        )
    assert done.returncode == client["exit"], done.stderr
    said, expected = dialogue(trace.read_text()), patterns(scenario)
    assert len(said) == len(expected)
    for text, pattern in zip(said, expected, strict=True):
        assert re.fullmatch(pattern, without_extensions(text))

"""Clients come and go by the thousand, and the daemon is as large as before (scripts/soak)."""

from soak.run import grown, soak


def test_nothing_grows():
    before, after, _ = soak(20_000)
    assert before["descriptors"] > 5  # the numbers are a daemon's
    assert before["memory"] > 5000
    assert (before["connections"], before["resources"]) == (1, 1)
    assert grown(before, after) == []

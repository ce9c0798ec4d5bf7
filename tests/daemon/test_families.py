"""Who runs within whom, by the sessions that connections name."""

import pytest

from flom.daemon.families import MOST_ANCESTORS, Families


class Peer:
    session, within = "", ()


@pytest.fixture
def families():
    return Families()


def peer(families, session="", *within):
    one = Peer()
    families.introduce(one, session, within)
    return one


def test_ancestors_are_living_connections_the_nearest_first(families):
    a = peer(families, "a")
    b = peer(families, "b", "a", "gone")
    c = peer(families, "c", "b")
    assert families.ancestors(c) == (b, a)
    assert families.ancestors(peer(families, "", "a", "b")) == (b, a)
    families.leave(b)
    assert families.ancestors(c) == ()
    families.leave(b)
    assert families.ancestors(b) == (a,)


def test_a_session_belongs_to_who_named_it_first(families):
    first, thief = peer(families, "a"), peer(families, "a")
    child = peer(families, "", "a")
    families.leave(thief)
    assert families.ancestors(child) == (first,)


def test_a_connection_has_the_session_it_named_last(families):
    a = peer(families, "a")
    families.introduce(a, "b", ())
    assert families.ancestors(peer(families, "", "a")) == ()
    assert families.ancestors(peer(families, "", "b")) == (a,)
    families.introduce(a, "", ())
    assert families.ancestors(peer(families, "", "b")) == ()


def test_nobody_is_an_ancestor_of_its_own(families):
    a = peer(families, "a", "b", "a")
    b = peer(families, "b", "a")
    assert families.ancestors(a) == (b,)
    assert families.ancestors(b) == (a,)


def test_a_long_chain_is_cut(families):
    chain = [peer(families, str(n), str(n - 1)) for n in range(1000)]
    assert families.ancestors(chain[-1]) == tuple(chain[-2 : -2 - MOST_ANCESTORS : -1])

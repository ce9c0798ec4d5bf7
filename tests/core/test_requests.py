import pytest

from flom.core.requests import Closed, Enqueued, Granted, Instant, Parked, Refused, Request


def test_values_are_compared_by_their_fields():
    assert Granted("a", b"x", None, True) == Granted("a", b"x", None, True)
    assert Granted("a", b"x", None, True) != Granted("a", b"x", None, False)
    assert Granted("a", b"x", None, True) != Granted("b", b"x", None, True)
    assert Parked("a") == Parked("a")
    assert Parked("a") != Parked("b")
    assert Closed("a", "x") != Refused("a", "x", True)
    assert Instant(1.0, 2) == Instant(1.0, 2)
    assert Request(b"a") == Request(b"a", 5, 1, True, True, 0)


def test_repr_shows_all_fields():
    shown = repr(Enqueued("a", 3, True))
    assert shown == "Enqueued(client='a', first=True, position=3)"


def test_values_are_no_keys():
    with pytest.raises(TypeError):
        hash(Instant(0.0, 0))

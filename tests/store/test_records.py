import pytest

from flom.store.operations import Item
from flom.store.records import Grant, Place, Request, State, View, after, root_of


@pytest.mark.parametrize("root", [b"foo", b"/a b", b"/\xff\n"[:2], b"red.green", b"_t_%T[1]"])
def test_a_key_tells_its_resource_and_no_key_of_another_is_in_its_folder(root):
    place = Place("team/locks", root)
    for key in (place.state, place.request("0123456789abcdef")):
        assert root_of("team/locks", key) == root
        assert place.key <= key < place.end
    assert place.queue <= place.request("0" * 16) < place.queue_end
    assert not place.queue <= place.state < place.queue_end
    for other in (root + b"x", root[:-1], b"/" + root):
        assert not place.key <= Place("team/locks", other).state < place.end


@pytest.mark.parametrize("key", ["team/x/state", "locks/x/other", "locks/x", "x", "locksx/state"])
def test_a_foreign_key_belongs_to_no_resource(key):
    assert root_of("locks", key) is None


def test_the_end_of_a_folder_is_behind_all_in_it():
    assert after("a/") == "a0"


@pytest.mark.parametrize("grant", [None, Grant(7), Grant(8, "green", 1)])
def test_a_request_is_read_as_it_was_written(grant):
    told = {"user": "J\udcf6rg", "command": 'say "hi"'}
    request = Request(b"/a/\xff", 3, 2, False, 123, ("0" * 16,), told, grant, True)
    again = Request.read(request.write())
    for field in ("name", "mode", "quantity", "create", "asked", "within", "told", "nested"):
        assert getattr(again, field) == getattr(request, field), field
    assert (again.grant is None) == (grant is None)
    if grant is not None:
        got = again.grant
        assert (got.at, got.element, got.position) == (grant.at, grant.element, grant.position)


def test_a_state_is_read_as_it_was_written():
    state = State(1.5, 2, 7, (3, 1), {"b": 5, "a": 6}, -4)
    again = State.read(state.write())
    assert all(getattr(again, name) == getattr(state, name) for name in State.__slots__)
    assert list(again.out) == ["b", "a"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "null", '"x"', "{"])
def test_what_somebody_else_has_written_is_no_record(text):
    for kind in (Request, State):
        with pytest.raises(ValueError):
            kind.read(text)


def test_a_view_has_the_requests_in_order_of_creation():
    place = Place("p", b"foo")
    text = Request(b"foo", 5, 1, True, 0).write()
    items = (
        Item(place.request("a"), text, 9, 12, 1),
        Item(place.request("b"), text, 4, 4, 2),
        Item(place.state, State(1.0).write(), 4, 11, 77),
        Item("p/foo/more", "what later versions write", 1, 1, 0),
    )
    view = View(place, 12, items)
    assert [entry.session for entry in view.entries] == ["b", "a"]
    assert (view.created, view.modified, view.lease) == (4, 11, 77)
    assert view.find("a").modified == 12
    assert view.find("c") is None

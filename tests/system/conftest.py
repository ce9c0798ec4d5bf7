"""Places for the system tests: each test has its own folder and its own endpoint."""

import contextlib
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import etcd
import support


@pytest.fixture
def folder():
    """A folder with a short name (socket paths are limited), removed at the end."""
    # Not pytest's own: the names of those are long, and other users may not enter them.
    path = pathlib.Path(tempfile.mkdtemp(prefix="flom-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def places(folder, request):
    """Makes places: `places("unix")`, `places("127.0.0.1")`, `places("::1")`, `places("tls")`."""
    made = []

    def make(kind="unix"):
        files = request.getfixturevalue("certificates") if kind == "tls" else None
        made.append(support.place(kind, folder, files))
        return made[-1]

    yield make
    for place in made:
        place.clear()


@pytest.fixture
def place(places):
    """A fresh UNIX path."""
    return places()


@pytest.fixture(params=["unix", "tcp"])
def any_place(request, places):
    """The same test on a fresh UNIX path and on a fresh TCP port."""
    return places("unix" if request.param == "unix" else "127.0.0.1")


@pytest.fixture(scope="session")
def etcd_node():
    """A node of etcd that all tests share, each below a prefix of its own; nobody hurts it."""
    with etcd.etcd() as made:
        yield made


@pytest.fixture
def etcds(request):
    """Makes clusters for one test: `etcds()`, `etcds(3)`, `etcds(tls=True)`, `etcds(hosts=...)`."""
    with contextlib.ExitStack() as stack:

        def make(count=1, *, tls=False, **options):
            if tls:
                options["files"] = request.getfixturevalue("certificates")
            return stack.enter_context(etcd.etcd(count, **options))

        yield make

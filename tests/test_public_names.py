"""What `import flom` gives: cheap to import, the same for the interpreter and for type checkers."""

import ast
import importlib
import inspect
import pathlib
import subprocess
import sys

import pytest

import flom

SOURCE = pathlib.Path(flom.__file__)


def declared():
    """What type checkers are told: public name -> the module and the name it has there."""
    block = next(
        node
        for node in ast.parse(SOURCE.read_text()).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
    )
    return {"__version__": ("flom.version", "VERSION")} | {
        alias.asname: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_are_told_of_every_name():
    assert sorted(declared()) == sorted(" ".join(flom._HOMES.values()).split())


@pytest.mark.parametrize("name", sorted(declared()))
def test_a_name_is_what_type_checkers_are_told(name):
    module, there = declared()[name]
    expected = getattr(importlib.import_module(module), there)
    assert getattr(flom, name) is expected
    assert name in dir(flom)


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="'flom' has no attribute 'lokc'"):
        _ = flom.lokc


def loaded_by(program):
    """The modules that a program loads beyond the interpreter's own."""
    program = f"import sys; before = {{*sys.modules}}; {program}; print(*{{*sys.modules}} - before)"
    words = [sys.executable, "-I", "-c", program]
    ended = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    return set(ended.stdout.split())


def test_importing_loads_nothing_else():
    assert loaded_by("import flom") == {"flom"}


def test_who_does_not_use_asyncio_does_not_load_it():
    assert not {"asyncio", "ssl"} & loaded_by("import flom; flom.lock, flom.Busy, flom.PR")


def parameters(function):
    """The signature without what has to differ: the other face's classes in annotations."""
    return [
        (each.name, each.kind, each.default)
        for each in inspect.signature(function).parameters.values()
    ]


def public(owner):
    """The public names of a class; those of the two protocols for `with` under one name."""
    return {
        name.replace("__a", "__"): value
        for name, value in inspect.getmembers(owner)
        if not name.startswith("_") or name in ("__init__", "__call__", "__repr__")
        or name in ("__enter__", "__exit__", "__aenter__", "__aexit__")
    }  # fmt: skip


@pytest.mark.parametrize("name", flom.aio.__all__)
def test_the_two_faces_are_the_same(name):
    """Name for name and parameter for parameter."""
    blocking, awaited = getattr(flom, name), getattr(flom.aio, name)
    assert parameters(blocking) == parameters(awaited)
    if not inspect.isclass(blocking):
        return
    ours, theirs = public(blocking), public(awaited)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert inspect.isfunction(value) == inspect.isfunction(theirs[key]), key
        if inspect.isfunction(value):
            assert parameters(value) == parameters(theirs[key]), key


def test_waiting_is_all_that_differs():
    """What talks to the daemon is awaited, all the rest is not."""
    awaited = {
        f"{owner.__name__}.{name}"
        for owner in (flom.aio.Client, flom.aio.Lock, flom.aio.Held)
        for name, value in public(owner).items()
        if inspect.iscoroutinefunction(value)
    }
    with_block = {
        f"{owner}.{name}" for owner in ("Lock", "Held") for name in ("__enter__", "__exit__")
    }
    assert awaited == {"Lock.acquire", "Held.release", "Held.rollback", *with_block}

"""Puts the modules of a plain command into one file, `flom/_hot.py`, when a wheel is built.

What other commands need beyond them is in a second one, `flom/_full.py`, and what it takes to start
a daemon in a third, `flom/_start.py`.

A third of the time of a small command goes into finding and reading some thirty small modules.
The rooms stay as they are for everybody who reads, tests and debugs; an installation gets, beside
them, one module that holds the code of those that every command needs. `flom/__main__.py` loads it
if it is there. Nothing else changes: each module keeps its name, its own namespace and its place
in `sys.modules`, and a source tree, which has no such file, works the same without it.

A module becomes a function whose names are all declared global; called with the module's own
dictionary as its globals, it does what executing the module does. Docstrings, annotations and
blocks for the type checker are left out: they only cost time. So is the code of functions that
few runs call, see seldom.py.
"""

import ast
import pathlib
import runpy
import symtable
from collections.abc import Iterable, Iterator
from typing import TypeVar

Scope = TypeVar("Scope", ast.Module, ast.ClassDef, ast.FunctionDef)

SELDOM = runpy.run_path(str(pathlib.Path(__file__).with_name("seldom.py")))

# The command's way in, the shortest way, and records for the system log of a host that has one.
ROOTS = ("flom.start", "flom.cli.plain", "flom.log")

# What a command decides and carries out, and what it imports only on the way: the grammar of names,
# and how a daemon is reached.
FULL = ("flom.cli.main", "flom.core.names", "flom.client.blocking")

# What a command that has to start a daemon needs beyond that, and the daemon until its first grant.
START = ("flom.daemon.launch", "flom.daemon.lifecycle", "flom.core.simple")

_HEAD = '''"""Made by packaging/hot_path.py from the modules named in MODULES; not to be edited."""

'''
_TAIL = '''
_waiting = []


def _absent(*args, absent_, complete_, **named):
    """The code of all functions that are waiting for theirs."""
    complete_()
    return absent_(*args, **named)


def _complete():
    from flom._seldom import FUNCTIONS
    for function, whole in zip(_waiting, FUNCTIONS):
        function.__code__ = whole.__code__
        function.__defaults__ = whole.__defaults__
        function.__kwdefaults__ = whole.__kwdefaults__


def load_more(name):
    """As `load`, the modules in another of these files, which is not looked for: saves 0.02."""
    from _frozen_importlib_external import SourceFileLoader
    home = sys.modules["flom"].__path__[0] + "/"
    try:
        code = SourceFileLoader("flom." + name, home + name + ".py").get_code("flom." + name)
    except (ImportError, OSError):
        return
    file = {"__name__": "flom." + name}
    exec(code, file)
    load(home, file["MODULES"])


def load(home, modules=MODULES):
    """Put every one of the modules in place; `home` is the folder of the package, with a `/`."""
    loaded = sys.modules
    make, function = type(sys), type(load)
    code = _absent.__code__

    def absent(name):
        made = function(code, names, name)
        made.__kwdefaults__ = {"absent_": made, "complete_": _complete}
        _waiting.append(made)
        return made

    for name, is_package, body, functions, methods in modules:
        if name in loaded:
            continue
        module = loaded[name] = make(name)
        names = module.__dict__
        parent, _, own = name.rpartition(".")
        if is_package:
            names["__path__"] = [home + name[5:].replace(".", "/")]
        names["__package__"] = name if is_package else parent
        setattr(loaded[parent], own, module)
        for own in functions:
            names[own] = absent(own)
        function(body.__code__, names)(loaded)
        for holder, own in methods:
            setattr(names[holder], own, absent(own))
'''


def generate(source: pathlib.Path) -> dict[str, str]:
    """The texts of the files that are made, by name, for the package tree below `source`.

    `source` is the folder that holds `flom`.
    """
    names = SELDOM["listed"]()
    left_out: dict[str, dict[str, ast.FunctionDef]] = {}
    hot = in_order(source, ROOTS)
    modules = _modules(source, hot, names, left_out)
    full = in_order(source, FULL, hot)
    start = in_order(source, START, [*hot, *full])
    return {
        "_hot.py": _HEAD + "import sys\n\n\n" + modules + _TAIL,
        "_full.py": _HEAD + _modules(source, full, names, left_out),
        "_seldom.py": SELDOM["text"](left_out),
        "_start.py": _HEAD + _modules(source, start, set(), {}),
    }


def _modules(
    source: pathlib.Path,
    modules: list[str],
    names: set[str],
    left_out: dict[str, dict[str, ast.FunctionDef]],
) -> str:
    """The text of MODULES; the functions in `names` are put into `left_out`, by module."""
    bodies, rows = [], []
    for position, name in enumerate(modules):
        path = path_of(source, name)
        tree = _stripped(ast.parse(path.read_text()))
        seldom = SELDOM["split"](name, tree, names)
        functions = tuple(each for each in seldom if "." not in each)
        methods = tuple(tuple(each.split(".")) for each in seldom if "." in each)
        left_out[name] = {each: seldom[each] for each in (*functions, *map(".".join, methods))}
        bodies.append(_function(position, path, tree))
        package = path.name == "__init__.py"
        rows.append(f"    ({name!r}, {package}, _module_{position}, {functions!r}, {methods!r}),\n")
    return "\n\n".join(bodies) + "\n\nMODULES = (\n" + "".join(rows) + ")\n"


def in_order(
    source: pathlib.Path, roots: Iterable[str] = ROOTS, known: Iterable[str] = ()
) -> list[str]:
    """The modules that `roots` need at import, each after those that it needs.

    `flom` is left out, and so are those that are `known` to be there.
    """
    done = dict.fromkeys(known)

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in done or name in path:
            return
        parent = name.rpartition(".")[0]
        if parent:
            visit(parent, path)
        tree = _stripped(ast.parse(path_of(source, name).read_text()))
        for needed in _imports(source, name, tree):
            visit(needed, (*path, name))
        done[name] = None

    for root in roots:
        visit(root, ())
    return [name for name in done if name not in {"flom", *known}]


def path_of(source: pathlib.Path, name: str) -> pathlib.Path:
    """The file of a module."""
    path = source.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _imports(source: pathlib.Path, name: str, tree: ast.Module) -> list[str]:
    """The modules of ours that a module imports when it is executed."""
    found = []
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = name.split(".")
                if path_of(source, name).name != "__init__.py":
                    here = here[:-1]
                here = here[: len(here) - node.level + 1]
                base = ".".join([*here, base] if base else here)
            found.append(base)
            found += [f"{base}.{alias.name}" for alias in node.names]
    ours = [each for each in found if each == "flom" or each.startswith("flom.")]
    return [each for each in ours if path_of(source, each).is_file()]


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `node` that are executed with the module: not those inside functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _executed(child)


def _function(position: int, path: pathlib.Path, tree: ast.Module) -> str:
    text = path.read_text()
    table = symtable.symtable(text, str(path), "exec")
    names = sorted(
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    )
    body: list[ast.stmt] = [ast.Global(names=names)] if names else []
    for statement in tree.body:
        body += _taken(statement) if isinstance(statement, ast.ImportFrom) else [statement]
    function = ast.FunctionDef(
        name=f"_module_{position}",
        args=ast.arguments(
            posonlyargs=[], args=[ast.arg("modules_")], kwonlyargs=[], kw_defaults=[], defaults=[]
        ),
        body=body or [ast.Pass()],
        decorator_list=[],
    )
    return ast.unparse(ast.fix_missing_locations(function))


def _taken(node: ast.ImportFrom) -> list[ast.stmt]:
    """An import from a module of ours, which is in place, without asking the import system.

    That would look for `__path__` in the module, and write an error because there is none: saves
    0.02 of a run.
    """
    if not f"{node.module}.".startswith("flom."):
        return [node]
    lines = [f"source_ = modules_[{node.module!r}]"]
    lines += [f"{alias.asname or alias.name} = source_.{alias.name}" for alias in node.names]
    return ast.parse("\n".join(lines)).body


def _stripped(tree: ast.Module) -> ast.Module:
    tree = _Strip().visit(tree)
    tree.body = [_plain(statement) for statement in tree.body if _keeps(statement)]
    return tree


def _keeps(statement: ast.stmt) -> bool:
    """A bare annotation says nothing when a module is executed."""
    return not (isinstance(statement, ast.AnnAssign) and statement.value is None)


def _plain(statement: ast.stmt) -> ast.stmt:
    """Names of a module become global names of a function, which may not be annotated."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        plain = ast.Assign(targets=[statement.target], value=statement.value)
        return ast.copy_location(plain, statement)
    return statement


class _Strip(ast.NodeTransformer):
    """Leaves out docstrings and what is only there for the type checker."""

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse
        return node

    def visit_Module(self, node: ast.Module) -> ast.Module:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        return self._without_docstring(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def _without_docstring(self, node: Scope) -> Scope:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        self.generic_visit(node)
        node.body = [each for each in node.body if _keeps(each)] or [ast.Pass()]
        return node

"""Leaves what no plain command calls out of `flom/_hot.py`: saves 0.03 of a run.

That is a third of the byte code, and reading it costs more than running it. `seldom.txt` names the
functions that a command which locks and runs something does not call; their code goes into another
file, `flom/_seldom.py`. In the first they are functions without code of their own: all share one
that, when any of them is called, reads the other file and gives each its own. They stay the objects
they were, so it does not matter who holds them by then.

`python3 packaging/seldom.py` writes the list anew; a function that is not in it is not left out.
"""

import ast
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile

LIST = pathlib.Path(__file__).with_suffix(".txt")

# What most commands say to `flom`; the first one has to start the daemon.
PLAIN = (("-d", "-1", "--", "true"), ("--", "true"), ("-r", "R", "--", "false"))

# What others say, with a configuration file, each for a resource of its own kind.
COMMANDS = (
    ("--", "true"),
    ("-r", "R", "-l", "PR", "-o", "1000", "-e", "yes", "-i", "10", "-V", "--", "true"),
    ("-r", "R[4]", "-q", "2", "-o", "0", "--", "true"),
    ("-r", "A.B", "-E", "5", "--quiet", "--", "true"),
    ("-r", "/a/b", "--resource-name=/a/b", "--", "true"),
    ("-r", "_s_A[8]", "--", "true"),
    ("-r", "_t_%D.%T[8]", "--", "true"),
)

# Calls of these are not seen everywhere: on a host with a system log each lock makes a record, in
# the C locale, as in jobs of cron, the environment is restored; the last ones are made by a daemon
# that has just begun.
KEPT = ("flom.log:", "flom.start:", "flom.trace:stop", "flom.trace:close", "flom.net.options:")

# Runs the file given second, and tells on the descriptor given first which functions are called.
_WATCHER = """
import posix, sys
called = set()
def watch(frame, event, _):
    if event == "call":
        called.add((frame.f_globals.get("__name__", ""), frame.f_code.co_qualname))
def leave(status, leave=posix._exit, own=posix.getpid()):
    sys.setprofile(None)
    if posix.getpid() != own:
        leave(status)
    text = "".join(f"{module}:{name}\\n" for module, name in called)
    posix.write(descriptor, text.encode())
    leave(status)
descriptor, path = int(sys.argv[1]), sys.argv[2]
sys.argv = sys.argv[2:]
posix._exit = leave
with open(path) as file:
    code = compile(file.read(), path, "exec")
sys.setprofile(watch)
exec(code, {"__name__": "__main__", "__file__": path, "__spec__": None})
"""


def listed() -> set[str]:
    """The functions to be left out, each as `module:name` or `module:Class.name`."""
    return set(LIST.read_text().split())


def split(module: str, tree: ast.Module, names: set[str]) -> dict[str, ast.FunctionDef]:
    """Take the functions in `names` out of `tree`; returns them by their names in the module."""
    taken: dict[str, ast.FunctionDef] = {}
    for holder, prefix in _holders(tree):
        for node in [*holder.body]:
            if isinstance(node, ast.FunctionDef) and f"{module}:{prefix}{node.name}" in names:
                taken[prefix + node.name] = node
                holder.body.remove(node)
        holder.body = holder.body or [ast.Pass()]
    return taken


def movable(module: str, tree: ast.Module) -> set[str]:
    """The functions of a module that can be left out."""
    return {
        f"{module}:{prefix}{node.name}"
        for holder, prefix in _holders(tree)
        for node in holder.body
        if isinstance(node, ast.FunctionDef) and _is_movable(node)
    }


def _holders(tree: ast.Module) -> list[tuple[ast.Module | ast.ClassDef, str]]:
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return [(tree, ""), *((node, f"{node.name}.") for node in classes)]


def _is_movable(node: ast.FunctionDef) -> bool:
    """Whether code, constants and name are all there is to a function.

    Python looks for methods such as `__eq__` while it makes a class, and ties those that say
    `super` to it.
    """
    special = node.name.startswith("__")
    tied = any(isinstance(each, ast.Name) and each.id == "super" for each in ast.walk(node))
    defaults = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
    constant = all(isinstance(each, ast.Constant) for each in defaults)
    return constant and not special and not tied and not node.decorator_list


def text(modules: dict[str, dict[str, ast.FunctionDef]]) -> str:
    """The text of `_seldom.py`: the functions of each module, as `split` has returned them."""
    classes, rows = [], []
    for position, functions in enumerate(modules.values()):
        body: dict[str, list[ast.stmt]] = {}
        for name, node in functions.items():
            body.setdefault(name.rpartition(".")[0], []).append(node)
            rows.append(f"    _module_{position}.{name},\n")
        inner = [_class(name, nodes) for name, nodes in body.items() if name]
        own = [*body.get("", []), *inner]
        if own:
            classes.append(
                ast.unparse(ast.fix_missing_locations(_class(f"_module_{position}", own)))
            )
    head = '"""Made by packaging/seldom.py: the functions that _hot.py has no code for."""\n\n\n'
    return head + "\n\n".join(classes) + "\n\nFUNCTIONS = (\n" + "".join(rows) + ")\n"


def _class(name: str, body: list[ast.stmt]) -> ast.ClassDef:
    return ast.ClassDef(name=name, bases=[], keywords=[], body=body, decorator_list=[])


def called(source: pathlib.Path) -> set[str]:
    """What the plain commands call, of the package tree below `source`, as `listed` names it."""
    main = source / "flom" / "__main__.py"
    found: set[str] = set()
    with (
        tempfile.TemporaryDirectory(prefix="flom-") as folder,
        tempfile.TemporaryFile("w+") as file,
    ):
        configuration = pathlib.Path(folder, ".flom")
        ours = {name for name in os.environ if name.startswith("FLOM_")}
        environ = {name: os.environ[name] for name in os.environ.keys() - ours} | {"HOME": folder}
        python = [sys.executable, "-I", "-S"]
        words = ["-s", f"{folder}/s"]

        def watch(more: tuple[str, ...]) -> None:
            number = file.fileno()
            subprocess.run(
                [*python, "-c", _WATCHER, str(number), main, *words, *more],
                check=more[-1] == "true",
                timeout=60,
                env=environ,
                pass_fds=[number],
                stdout=subprocess.DEVNULL,
            )

        try:
            for more in PLAIN:
                watch(more)
            configuration.write_text("[Resource]\nTimeout=5000\nLockMode=EX\n")
            for more in COMMANDS:
                watch(more)
        finally:
            stop = [*python, main, *words, "-X"]
            subprocess.run(stop, check=True, timeout=60, env=environ, stdout=subprocess.DEVNULL)
        file.seek(0)
        found.update(file.read().split())
    return found


def movable_ones(source: pathlib.Path) -> set[str]:
    """The functions of all modules of a command that can be left out."""
    hot_path = runpy.run_path(str(pathlib.Path(__file__).with_name("hot_path.py")))
    everything = set()
    roots = (*hot_path["ROOTS"], *hot_path["FULL"])
    for module in hot_path["in_order"](source, roots):
        tree = ast.parse(hot_path["path_of"](source, module).read_text())
        everything |= movable(module, tree)
    return {name for name in everything if not name.startswith(KEPT)}


if __name__ == "__main__":
    SOURCE = pathlib.Path(__file__).resolve().parents[1] / "src"
    LIST.write_text("".join(f"{name}\n" for name in sorted(movable_ones(SOURCE) - called(SOURCE))))

"""When the daemon is asked for its state: only if somebody looks, and never too often."""

from collections.abc import Callable, Iterable
from time import monotonic, time

from flom.daemon.vfs.tree import Node, Row, Tree, tree_of

# For how many seconds an answer is good for those who only look at what is known to exist.
LASTING = 0.1
# Seconds that an answer is good for everybody: at least, and for each file and directory in it. The
# daemon needs three microseconds for one, so that answers take less than a tenth of its time.
LEAST = 0.01
EACH = 0.00005
# These are the same whatever the daemon says: who looks at the mount point waits for nobody.
CONSTANT = ("/", "/status")


class View:
    """The tree as it was a moment ago.

    `ask` gives the rows of a snapshot, or raises OSError: then nothing can be shown.
    """

    def __init__(
        self, ask: Callable[[], Iterable[Row]], clock: Callable[[], float] = monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._born = time()
        self._tree: Tree = tree_of((), self._born, self._born)
        self._asked = float("-inf")  # on the clock
        self._rest = 0.0

    def known(self, path: str) -> Node | None:
        """What is at `path`, at most `LASTING` old if it is there at all; None if nothing is."""
        fresh = self._clock() - self._asked <= max(LASTING, self._rest)
        node = self._tree.get(path) if fresh or path in CONSTANT else None
        return node or self.now(path)

    def now(self, path: str) -> Node | None:
        """What is at `path` now, or was a moment ago if the daemon has just been asked."""
        if self._clock() - self._asked > self._rest:
            self._tree = tree_of(self._ask(), self._born, time(), self._tree)
            self._asked = self._clock()
            self._rest = max(LEAST, EACH * len(self._tree))
        return self._tree.get(path)

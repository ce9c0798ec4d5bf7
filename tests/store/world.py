"""Many clients of one store in memory, in an order that chance decides: crashes, lost answers.

Checked at each grant: nobody who conflicts holds, nobody is passed, tokens rise, elements are
unique. At rest: nobody waits who could be granted.
"""

from flom.core.modes import clash
from flom.core.names import parse
from flom.core.queue import blockers
from flom.core.requests import Instant
from flom.errors import FlomError
from flom.store.elements import unused
from flom.store.line import Line
from flom.store.operations import Keep, NewLease, Revoke, Txn, Wait
from flom.store.recipe import Ask, acquire, release
from flom.store.records import Place, Request, View

from .model import LeaseGone, Model

TICK = 100_000  # µs that pass when nothing else can happen


class Client:
    """A lock on its way: `doing` is what it is about to ask of the store."""

    def __init__(self, world, session, request, wait):
        self.world = world
        self.session = session
        self.lease = world.model.grant()
        self.ask = Ask(
            world.place, parse(request.name), session, self.lease, 15, request, wait, 0,
            lambda: world.wall,
        )  # fmt: skip
        self.held = None
        self.outcome = None
        self.rolled_back = self.leaving = False
        self.steps = acquire(self.ask)
        self.doing = next(self.steps)

    def ready(self):
        """Whether it has something to do."""
        if self.outcome is not None or self.steps is None:
            return False
        return not self.waits() or self.world.model.has_changed(self.doing)

    def waits(self):
        """Whether it waits for others."""
        return isinstance(self.doing, Wait) and self.doing.seconds is None

    def advance(self):
        """Do one step."""
        try:
            answer = self.world.perform(self.doing)
            self.doing = self.steps.send(answer)
        except StopIteration as end:
            self.steps = None
            if self.held is None:
                self.held = end.value
                self.world.granted(self)
            else:
                self.outcome = "released" if end.value else "lost"
        except FlomError as error:
            self.world.model.revoke(self.lease)
            self.outcome = error.rc

    def release(self, rollback):
        """Begin to give back what is held."""
        self.rolled_back, self.leaving = rollback, True
        self.steps = release(self.ask, self.held, rollback)
        self.doing = next(self.steps)

    def crash(self):
        """End without a word; the store notices."""
        self.world.model.revoke(self.lease)
        self.outcome = "crashed"


class World:
    """The clients and their store; chance: random.Random."""

    def __init__(self, chance, names):
        self.chance = chance
        self.names = names
        self.root = parse(names[0]).root
        self.place = Place("p", self.root)
        self.model = Model()
        self.wall = 1_700_000_000_000_000
        self.clients = []
        self.given = {}  # elements by token
        self.strays = []
        self.asked = 0  # of the store

    def enter(self, **how):
        """One client more."""
        name = how.pop("name", None) or self.chance.choice(self.names)
        request = Request(name, how.pop("mode", 5), how.pop("quantity", 1),
                          how.pop("create", True), 0, how.pop("within", ()))  # fmt: skip
        wait = how.pop("wait", True)
        assert not how
        self.clients.append(Client(self, f"s{len(self.clients)}", request, wait))
        return self.clients[-1]

    def perform(self, step):
        """Do what a client asks; answers may be lost, then it asks again, or come late."""
        self.asked += not isinstance(step, Wait)
        match step:
            case Txn():
                try:
                    if self.chance.random() < 0.1:
                        self.model.txn(step)
                    if self.chance.random() < 0.05:
                        self.strays.append(step)
                    return self.model.txn(step)
                except LeaseGone:
                    raise FlomError(-126, "lost") from None
            case NewLease():
                return self.model.grant()
            case Keep():
                return step.lease in self.model.leases
            case Revoke():
                return self.model.revoke(step.lease)
            case Wait():
                if step.seconds is not None:
                    self.wall += round(step.seconds * 1_000_000)
                return None

    def until(self, client, count):
        """Let one client do so many steps, the others none."""
        for _ in range(count):
            assert client.ready()
            client.advance()

    def step(self):
        """Let something happen; False when all are at rest."""
        if self.strays and self.chance.random() < 0.2:
            stray = self.strays.pop(self.chance.randrange(len(self.strays)))
            try:
                self.model.txn(stray)
            except LeaseGone:
                pass
        ready = [client for client in self.clients if client.ready()]
        if not ready:
            return False
        self.chance.choice(ready).advance()
        return True

    def settle(self):
        """Let all do what they can; then nobody waits who could be granted."""
        while self.step():
            pass
        view = self.view()
        line = Line(view)
        name = parse(self.names[0])
        queue = line.queue(name)
        for claim in queue.waiters:
            if self._living(claim.client.session) and claim.client.request.create:
                blocked = self._ahead(queue, claim) or unused(name, view.state, self.wall)
                assert blocked, f"{claim.client.session} waits for nobody"

    def view(self):
        """The resource at this moment."""
        read = self.model.view(self.place)
        return View(self.place, read.revision, read.items)

    def holders(self):
        """The clients that hold the lock, and know it."""
        return [client for client in self.clients if client.held and client.outcome is None]

    def granted(self, client):
        """Check a grant that a client has just heard of."""
        view = self.view()
        entry = view.find(client.session)
        if entry is None:
            return  # crashed between the grant and its answer
        assert entry.modified == client.held.token
        assert client.held.token not in self.given
        self.given[client.held.token] = client.held.element
        self.check_holders(view)

    def check_holders(self, view):
        """None of those who hold conflict, whatever was decided how."""
        name = parse(self.names[0])
        held = [entry for entry in view.entries if entry.request.grant]
        for client in self.holders():
            if client.steps is None:
                assert view.find(client.session).modified == client.held.token
        for one in held:
            for other in held:
                if one is not other and name.kind in ("simple", "hierarchical"):
                    apart = not _on_one_path(one.request.name, other.request.name)
                    assert apart or not clash(one.request.mode, other.request.mode)
        if name.kind == "numeric":
            assert sum(entry.request.quantity for entry in held) <= name.size
        elif name.kind not in ("simple", "hierarchical"):
            assert len(held) <= name.size
        if name.kind == "set":
            positions = [entry.request.grant.position for entry in held]
            assert len(set(positions)) == len(positions)
        if name.kind == "sequence":
            numbers = [entry.request.grant.element for entry in held]
            assert len(set(numbers)) == len(numbers)

    def _living(self, session):
        return any(c.session == session and c.outcome is None for c in self.clients)

    @staticmethod
    def _ahead(queue, claim):
        name = parse(claim.name)
        never = name.size == 0 and name.kind in ("sequence", "timestamp")
        return never or blockers(queue, claim, Instant(0.0, 0))


def _on_one_path(one, other):
    return f"{other.decode()}/".startswith(f"{one.decode()}/") or f"{one.decode()}/".startswith(
        f"{other.decode()}/"
    )

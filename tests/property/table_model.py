"""The lock table once more, as naive as can be: lists, loops, everything computed afresh.

It knows nothing of flom.core but the numbers of the lock modes. Times are milliseconds.
Events are tuples (event, client, ...) in the words of resources.md 13.
"""

FRIENDS = {  # mode: the modes that may be held together with it
    0: {0, 1, 2, 3, 4, 5},
    1: {0, 1, 2, 3, 4},
    2: {0, 1, 2},
    3: {0, 1, 3},
    4: {0, 1},
    5: {0},
}


class Thing:
    """One entry: a waiter or a holder."""

    def __init__(self, client, name, request, since):
        self.client, self.name, self.since = client, name, since
        self.mode, self.quantity = request["mode"], request["quantity"]
        self.ancestors, self.nested = request["ancestors"], False
        self.element = None
        self.place = None


class Res:
    """One resource. kind, size and text come from the test, which chose the name."""

    def __init__(self, root, kind, size, lifespan):
        self.root, self.kind, self.size = root, kind, size
        self.retention = 2000 if lifespan <= 0 else lifespan + 1000
        self.holders, self.waiters = [], []
        self.cursor = 0
        self.next_number, self.returned = 1, []
        self.last_second = None
        self.idle_since = None


def on_one_path(one, other):
    one, other = one.split(b"/"), other.split(b"/")
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


class Model:
    """kinds: name -> (root, kind, size)."""

    def __init__(self, patience, kinds):
        self.patience, self.kinds = patience, kinds
        self.resources = []
        self.clients = {}  # client -> root of its most recent lock, or None
        self.parked = []  # (client, root, name, request)
        self.number = 0  # of the last who began to wait
        self.now = 0
        self.wall = 0
        self.events = []

    # what happens

    def lock(self, client, name, request):
        self.start()
        self.withdraw(client)
        self.clients.setdefault(client, None)
        root, kind, size = self.kinds.get(name, (None, None, None))
        if kind is None:
            self.say("invalid_name", client, True)
            self.close(client)
            return self.finish()
        resource = self.find(root)
        if resource is None and not self.valid(kind, request):
            self.close(client)
        elif resource is None and not request["create"]:
            if request["wait"]:
                self.clients[client] = None
                self.parked.append((client, root, name, request))
                self.say("wait_resource", client)
            else:
                self.say("cannot_wait", client, True)
                self.close(client)
        elif resource is None:
            resource = Res(root, kind, size, request["lifespan"])
            self.resources.append(resource)
            self.decide(resource, client, name, request, True)
            woken = [one for one in self.parked if one[1] == root]
            self.parked = [one for one in self.parked if one[1] != root]
            for other, _, its_name, its_request in woken:
                self.decide(resource, other, its_name, its_request, False)
        else:
            self.decide(resource, client, name, request, True)
        return self.finish()

    def unlock(self, client, name, rollback):
        self.start()
        root = self.kinds.get(name, (None,))[0]
        resource = self.find(root)
        if client not in self.clients or resource is None or not self.bound(client, resource):
            self.close(client)
            return self.finish()
        for thing in reversed(resource.holders):
            if thing.client == client and thing.name == name:
                self.release(resource, thing, rollback)
                self.walk(resource)
                return self.finish()
        for thing in resource.waiters:
            if thing.client == client and thing.name == name:
                self.withdraw(client)
                break
        return self.finish()

    def disconnect(self, client):
        self.start()
        self.remove(client)
        return self.finish()

    def advance(self):
        self.start()
        return self.finish()

    # the rules

    def decide(self, resource, client, name, request, first):
        self.clients[client] = resource.root
        resource.idle_since = None
        if not self.valid(resource.kind, request):
            self.close(client)
            return
        thing = Thing(client, name, request, self.now)
        thing.ancestors = [one for one in thing.ancestors if one in self.clients and one != client]
        thing.nested = bool(self.kin(resource, thing))
        if resource.kind == "numeric" and thing.quantity > resource.size:
            self.say("impossible", client, first)
        elif self.may_run(resource, thing):
            self.grant(resource, thing, first)
            self.tell_heirs(resource, client)
        elif request["wait"] and self.is_in_vain(resource, thing):
            self.say("nested", client, first)
        elif request["wait"]:
            self.number += 1
            thing.number = self.number
            self.enqueue(resource, thing)
            self.say("enqueued", client, resource.waiters.index(thing) + 1, first)
        else:
            self.say("busy", client, first)

    def valid(self, kind, request):
        if kind in ("simple", "hierarchical"):
            return 0 <= request["mode"] <= 5
        return kind != "numeric" or 1 <= request["quantity"] <= 2147483647

    def enqueue(self, resource, thing):
        preferred = [one for one in resource.waiters if one.nested]
        place = len(preferred) if thing.nested else len(resource.waiters)
        resource.waiters.insert(place, thing)

    def kin(self, resource, thing):
        return [holder for holder in resource.holders if holder.client in thing.ancestors]

    def is_in_vain(self, resource, thing):
        kin = self.kin(resource, thing)
        return bool(kin) and not self.get_along(resource, thing, kin)

    def tell_heirs(self, resource, client):
        """A client got something: waiters from within its locks are nested, or wait in vain."""
        for thing in sorted(resource.waiters, key=lambda thing: thing.number):
            if thing not in resource.waiters or client not in thing.ancestors:
                continue
            if self.is_in_vain(resource, thing):
                self.withdraw(thing.client)
                self.say("nested", thing.client, False)
            elif not thing.nested:
                thing.nested = True
                resource.waiters.remove(thing)
                if self.may_run(resource, thing):
                    self.grant(resource, thing, False)
                    self.tell_heirs(resource, thing.client)
                else:
                    self.enqueue(resource, thing)

    def ahead(self, resource, thing):
        found = list(resource.holders)
        if thing.nested:
            return found
        for waiter in resource.waiters:
            if waiter is thing:
                break
            if self.out_of_patience(waiter):
                found.append(waiter)
        return found

    def out_of_patience(self, waiter):
        return self.patience >= 0 and self.now - waiter.since >= self.patience

    def may_run(self, resource, thing):
        if resource.kind == "timestamp" and not self.tick_is_free(resource):
            return False
        return self.get_along(resource, thing, self.ahead(resource, thing))

    def get_along(self, resource, thing, ahead):
        if resource.kind == "simple":
            return all(one.mode in FRIENDS[thing.mode] for one in ahead)
        if resource.kind == "hierarchical":
            return all(
                one.mode in FRIENDS[thing.mode] or not on_one_path(one.name, thing.name)
                for one in ahead
            )
        if resource.kind == "numeric":
            return sum(one.quantity for one in ahead) + thing.quantity <= resource.size
        return len(ahead) < resource.size

    def tick_is_free(self, resource):
        return resource.last_second is None or self.wall // 1000 > resource.last_second

    def grant(self, resource, thing, first):
        if resource.kind == "set":
            self.choose_element(resource, thing)
        elif resource.kind == "sequence":
            thing.place = resource.returned.pop(0) if resource.returned else resource.next_number
            if thing.place == resource.next_number:
                resource.next_number += 1
            thing.element = str(thing.place)
        elif resource.kind == "timestamp":
            resource.last_second = self.wall // 1000
            thing.element = str(resource.last_second)
        resource.holders.append(thing)
        self.say("granted", thing.client, thing.name, thing.element, first)

    def choose_element(self, resource, thing):
        elements = resource.root.decode().split(".")
        taken = [holder.place for holder in resource.holders]
        place = resource.cursor
        while place in taken:
            place = (place + 1) % len(elements)
        resource.cursor = (resource.cursor + 1) % len(elements)
        thing.place, thing.element = place, elements[place]

    def release(self, resource, thing, rollback):
        resource.holders.remove(thing)
        if rollback and resource.root.startswith(b"_S_"):
            resource.returned.append(thing.place)

    def walk(self, resource):
        served = [thing for thing in list(resource.waiters) if self.serve(resource, thing)]
        for thing in served:
            self.tell_heirs(resource, thing.client)

    def serve(self, resource, thing):
        if not self.may_run(resource, thing):
            return False
        resource.waiters.remove(thing)
        self.grant(resource, thing, False)
        return True

    def withdraw(self, client):
        """The pending request of a client goes, silently."""
        self.parked = [one for one in self.parked if one[0] != client]
        for resource in self.resources:
            for thing in list(resource.waiters):
                if thing.client == client:
                    resource.waiters.remove(thing)
                    if self.out_of_patience(thing):
                        self.walk(resource)

    def close(self, client):
        self.say("closed", client)
        self.remove(client)

    def remove(self, client):
        self.clients.pop(client, None)
        self.parked = [one for one in self.parked if one[0] != client]
        touched = []
        for thing in [thing for resource in self.resources for thing in resource.waiters]:
            thing.ancestors = [one for one in thing.ancestors if one != client]
        for resource in self.resources:
            for thing in list(resource.holders):
                if thing.client == client:
                    self.release(resource, thing, True)
                    touched.append(resource)
            for thing in list(resource.waiters):
                if thing.client == client:
                    resource.waiters.remove(thing)
                    if self.out_of_patience(thing):
                        touched.append(resource)
        for resource in touched:
            self.walk(resource)

    def bound(self, client, resource):
        return self.clients.get(client) == resource.root or any(
            thing.client == client for thing in resource.holders + resource.waiters
        )

    def find(self, root):
        return next((one for one in self.resources if one.root == root), None)

    def say(self, *event):
        self.events.append(event)

    def start(self):
        self.events = []
        self.resources = [
            one
            for one in self.resources
            if one.idle_since is None or self.now < one.idle_since + one.retention
        ]
        for resource in self.resources:
            if resource.kind == "timestamp":
                self.walk(resource)

    def finish(self):
        for resource in self.resources:
            if any(self.bound(client, resource) for client in self.clients):
                resource.idle_since = None
            elif resource.idle_since is None:
                resource.idle_since = self.now
        return self.events

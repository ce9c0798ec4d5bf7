"""The commands that look: `ls`, `show`, `explain`, `ping`."""

from time import monotonic

from flom.client.endpoint import written
from flom.ctl import views
from flom.ctl.asking import connected
from flom.ctl.commands import Call, command, resource
from flom.ctl.main import EXIT_NO
from flom.ctl.output import Row, visible
from flom.ctl.rows import REQUEST, TIMEOUT
from flom.errors import EXIT_OK, OWN_RC_NO_STATE, RC_CONNECT_ERROR, FlomError
from flom.net.unix import NobodyListens
from flom.values import raw


@command(TIMEOUT)
def ls(call: Call) -> int:
    """List the resources, the oldest one first.

    MODE says what is taken: the modes of the locks that are held, or how much of how much. HELD
    and WAITED are the times of the first holder and of the first one who waits.
    """
    with connected(call) as keeper:
        rows = list(keeper.ask("resources"))
    if call.output.json:
        call.output.value(rows)
    else:
        call.output.grid(views.resources(rows))
    return EXIT_OK


@command(TIMEOUT, arguments=[resource()])
def show(call: Call, resource: str) -> int:
    """Show who holds RESOURCE, then who waits for it, in the order of the queue.

    OWNER is who the client says it is, and in brackets what the daemon knows: the user of a
    process on its host, the name in a certificate, or the address. Of a tree, any path will do.
    Exit status 1: nobody uses the resource; who waits until somebody creates it is shown all the
    same.
    """
    with connected(call) as keeper:
        rows = list(keeper.ask("queue", name=raw(resource)))
    if not rows:
        if call.output.json:
            call.output.value(None)
        else:
            call.output.text(f"nobody uses {visible(resource)}\n")
        return EXIT_NO
    (row,) = rows
    exists = "parked" not in row
    if call.output.json:
        call.output.value(row)
    else:
        call.output.text(views.summary(row) if exists else views.awaited(resource, row))
        call.output.grid(views.queue(row) if exists else views.parked(row))
    return EXIT_OK if exists else EXIT_NO


@command(*REQUEST, TIMEOUT, arguments=[resource()])
def explain(call: Call, resource: str) -> int:
    """Say whether a lock of RESOURCE would be granted now, and if not, whom it would wait for.

    Those shown are the claims that the request conflicts with: when they have gone, it is
    granted. Exit status 0: it would be granted; 1: it would not.
    """
    settings = call.settings
    words = {
        "mode": str(settings.lock_mode),
        "quantity": str(settings.resource_quantity),
        "create": str(int(settings.resource_create)),
    }
    with connected(call) as keeper:
        row = next(keeper.ask("explain", name=raw(resource), **words))
    if call.output.json:
        call.output.value(row)
    else:
        call.output.text(views.explanation(row))
        if row["blockers"]:
            call.output.grid(views.blockers(row))
    return EXIT_OK if row["granted"] else EXIT_NO


@command(TIMEOUT)
def ping(call: Call) -> int:
    """Say whether a daemon answers, and which one it is; of a store, which endpoints do.

    Exit status 0: it answers, be it ours or another that speaks the protocol; 1: there is none.
    """
    endpoint = written(call.settings)
    begun = monotonic()
    told: Row | None = None
    endpoints: list[Row] | None = None
    problem = ""
    try:
        with connected(call) as keeper:
            endpoints = keeper.endpoints()
            if endpoints is not None:
                begun = monotonic()
            told = next(keeper.ask("daemon"))
    except FlomError as error:
        absent = endpoints is not None and error.rc == RC_CONNECT_ERROR
        if absent or isinstance(error, NobodyListens):
            problem = error.text
        elif error.rc != OWN_RC_NO_STATE:
            raise
    seconds = monotonic() - begun
    if call.output.json:
        call.output.value(
            {
                "endpoint": endpoint,
                "alive": not problem,
                "seconds": seconds,
                "daemon": told,
                "endpoints": endpoints,
            }
        )
    elif problem:
        what = "no daemon" if endpoints is None else "no store"
        call.output.text(f"{visible(endpoint)}: {what} ({visible(problem)})\n")
    else:
        call.output.text(f"{visible(endpoint)}: {views.answer(told, seconds)}\n")
    if endpoints and not call.output.json:
        call.output.grid(views.endpoints(endpoints))
    return EXIT_NO if problem else EXIT_OK

"""The command `metrics`: counts once, or served to Prometheus."""

import signal
import threading

from flom.ctl import views
from flom.ctl.asking import connected
from flom.ctl.commands import Call, command
from flom.ctl.output import Row, warn
from flom.ctl.rows import LISTEN, RESOURCES, TIMEOUT
from flom.errors import EXIT_OK, RC_BIND_ERROR, FlomError, UsageError
from flom.values import quoted


@command(LISTEN, RESOURCES, TIMEOUT)
def metrics(call: Call) -> int:
    """Print what the daemon counts, in the text format of Prometheus, or serve it by HTTP.

    Per kind of resource: how many there are, holders, waiters, grants, refusals by reason,
    releases, losses, histograms of the times that locks were waited for and held. Per resource,
    for the busiest ones: holders, waiters, the longest times. While it serves, the daemon is asked
    at each scrape; flom_up is 0 when it does not answer.
    """
    address = call.values[LISTEN.attr]
    if address is not None:
        return _serve(call, str(address))
    seen = look(call)
    if call.output.json:
        names = ("metrics", "resources", "omitted", "kinds")
        call.output.value(dict(zip(names, seen, strict=True)))
        return EXIT_OK
    from prometheus_client import generate_latest

    from flom.ctl.prometheus import State, registry

    state = State(*seen)
    call.output.text(generate_latest(registry(lambda: state)).decode())
    return EXIT_OK


def look(call: Call) -> tuple[Row, list[Row], int, Row]:
    """The row of `metrics`, those of the busiest resources, how many others there are, and
    how much there is of each kind.
    """
    with connected(call) as keeper:
        told = next(keeper.ask("metrics"))
        resources = views.busiest(keeper.ask("resources"))
    limit = call.number(RESOURCES)
    return told, resources[:limit], max(len(resources) - limit, 0), by_kind(resources)


def by_kind(resources: list[Row]) -> Row:
    """How many resources, holders and waiters there are, by the kind of resource."""
    sums: Row = {}
    for row in resources:
        now = sums.setdefault(str(row["kind"]), {"resources": 0, "holders": 0, "waiters": 0})
        holders, waiters = row["holder_count"], row["waiter_count"]
        assert isinstance(now, dict) and isinstance(holders, int) and isinstance(waiters, int)
        now["resources"] += 1
        now["holders"] += holders
        now["waiters"] += waiters
    return sums


def _serve(call: Call, address: str) -> int:
    from prometheus_client import start_http_server

    from flom.ctl.prometheus import State, registry

    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"--listen {quoted(address)}: expected ADDR:PORT, for instance 127.0.0.1:9528 or [::]:0"
        )
    one_at_a_time = threading.Lock()

    def state() -> State | None:
        try:
            with one_at_a_time:
                return State(*look(call))
        except FlomError as error:
            warn(error.text)
            return None

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server, _ = start_http_server(int(port), host.strip("[]"), registry(state))
    except OSError as error:
        raise FlomError(
            RC_BIND_ERROR, f"cannot serve at {quoted(address)}: {error.strerror} (choose another)"
        ) from None
    shown = f"{host}:{server.server_port}"
    if call.output.json:
        call.output.value({"listening": shown})
    else:
        call.output.text(f"serving http://{shown}/metrics; Ctrl-C ends it\n")
    try:
        signal.pause()
    except KeyboardInterrupt:
        server.shutdown()
    return EXIT_OK

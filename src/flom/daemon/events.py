"""An event put into words: a line of JSON (docs/reference/extension.md, "events")."""

import json
from json.encoder import encode_basestring_ascii as quoted

from flom import fields
from flom.core.names import kind_of
from flom.core.requests import Request
from flom.daemon import rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.core.resource import Entry, Resource
    from flom.daemon.connection import Connection

    # The arguments of Event.
    Kept = tuple[
        int,
        str,
        int,
        Resource | None,
        object,
        Entry | Request | None,
        float | None,
        float | None,
        str | None,
    ]


class Event:
    """Something that happened, made from what was kept of it."""

    __slots__ = (
        "client", "held", "reason", "resource", "seq", "subject", "time", "waited", "what",
    )  # fmt: skip

    def __init__(
        self,
        seq: int,
        what: str,
        time: int,
        resource: "Resource | None",
        client: object,
        subject: "Entry | Request | None",
        waited: float | None,
        held: float | None,
        reason: str | None,
    ) -> None:
        self.seq = seq
        self.what = what
        self.time = time
        self.resource = resource
        self.client = client
        self.subject = subject
        self.waited = waited
        self.held = held
        self.reason = reason


def dropped(seq: int, before: Event, count: int) -> str:
    """That so many events are missing before one; `seq`: the number that follows the last told."""
    time = _short(before.time / 1e6)
    return f'{{"seq":{seq},"event":"dropped","time":{time},"count":{count}}}\n'


def line(event: Event) -> str:
    """The event."""
    resource, client = event.resource, event.client
    if resource is not None:
        name = resource.name
        place = f'{resource.number},"name":{quoted(fields.text(name.text))},"kind":"{name.kind}"'
    elif isinstance(event.subject, Request):
        kind = kind_of(event.subject.name)
        place = f'null,"name":{quoted(fields.text(event.subject.name))},"kind":{_text(kind)}'
    else:
        place = 'null,"name":null,"kind":null'
    claim = "null" if client is None else _claim(event, client)  # type: ignore[arg-type]  # it was ours
    return (
        f'{{"seq":{event.seq},"event":"{event.what}","time":{_short(event.time / 1e6)},'
        f'"resource":{place},"claim":{claim},"waited":{_short(event.waited)},'
        f'"held":{_short(event.held)},"reason":{_text(event.reason)}}}\n'
    )


def _claim(event: Event, client: "Connection") -> str:
    subject = event.subject
    told, nested, element = "", "false", None
    wanted = '"name":null,"mode":null,"quantity":null'
    if subject is not None:
        kind = event.resource.name.kind if event.resource else kind_of(subject.name)
        told = subject.told
        mode = fields.mode_of(kind, subject.mode)
        quantity = subject.quantity if kind == "numeric" else "null"
        wanted = (
            f'"name":{quoted(fields.text(subject.name))},"mode":{_text(mode)},"quantity":{quantity}'
        )
        if not isinstance(subject, Request):
            nested = "true" if subject.nested else "false"
            element = None if event.what in ("enqueued", "withdrawn") else subject.element
    if client.card is None or client.card[0] != told:
        text = json.dumps(rows.peer(client, told), separators=(",", ":"))
        client.card = told, text[1:-1]
    card = client.card[1]
    return f'{{"id":{client.number},{wanted},"element":{_text(element)},"nested":{nested},{card}}}'


def _text(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _short(number: float | None) -> str:
    return "null" if number is None else f"{number:.6f}"

"""Which class serves which kind of resource."""

from . import names
from .simple import Simple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .resource import Resource


def resource_class(kind: str) -> "type[Resource]":
    """The class for one of names.KINDS.

    Kinds other than simple are imported when first met: a daemon is started in the middle of
    somebody's command and most of them never see a second kind.
    """
    if kind == names.SIMPLE:
        return Simple
    if kind == names.NUMERIC:
        from .numeric import Numeric

        return Numeric
    if kind == names.SET:
        from .sets import Set

        return Set
    if kind == names.HIERARCHICAL:
        from .hierarchical import Hierarchical

        return Hierarchical
    if kind == names.SEQUENCE:
        from .sequence import Sequence

        return Sequence
    from .timestamp import Timestamp

    return Timestamp

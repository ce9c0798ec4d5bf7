"""The lock modes as programs name them."""

from enum import IntEnum


class Mode(IntEnum):
    """How a simple or hierarchical resource is shared; the numbers are those of the protocol."""

    NL = 0
    CR = 1
    CW = 2
    PR = 3
    PW = 4
    EX = 5

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)


NL = Mode.NL
CR = Mode.CR
CW = Mode.CW
PR = Mode.PR
PW = Mode.PW
EX = Mode.EX

"""The six lock modes and which of them may be held together (resources.md 4).

The matrix stands here once. Everything else is derived from it: `clash` for two modes, and the
packed counters with which "does mode m conflict with any of these thousands?" is one `&`.
"""

NL, CR, CW, PR, PW, EX = range(6)

_COMPATIBLE = (
    # NL CR CW PR PW EX   asked (the table is symmetric)
    (1, 1, 1, 1, 1, 1),  # NL held
    (1, 1, 1, 1, 1, 0),  # CR
    (1, 1, 1, 0, 0, 0),  # CW
    (1, 1, 0, 1, 0, 0),  # PR
    (1, 1, 0, 0, 0, 0),  # PW
    (1, 0, 0, 0, 0, 0),  # EX
)

# A packed counter is one integer with a lane of 32 bits for each mode: the number of entries of
# that mode. Add UNIT[m] to count one, subtract it to forget one.
_LANE = 32
UNIT = tuple(1 << (_LANE * mode) for mode in range(6))

# Waiters stand in rows: row m has those of mode m, row NESTED + m the nested ones of mode m, who
# are ahead of all others and heed holders alone (queue.py).
NESTED = 6

_CLASHING = tuple(
    tuple(held for held in range(6) if not _COMPATIBLE[held][asked]) for asked in range(6)
)

# For each row: the rows whose waiters, when they are ahead, conflict with it, and the lanes of a
# packed counter with the modes that do.
RIVALS = (
    *((*modes, *(NESTED + mode for mode in modes)) for modes in _CLASHING),
    *(((),) * NESTED),
)
CONFLICTS = 2 * tuple(
    sum(((1 << _LANE) - 1) << (_LANE * mode) for mode in modes) for modes in _CLASHING
)


def is_mode(mode: int) -> bool:
    """Whether the number names one of the six modes."""
    return 0 <= mode <= EX


def clash(held: int, asked: int) -> bool:
    """Whether two modes may not be held together."""
    return not _COMPATIBLE[held][asked]

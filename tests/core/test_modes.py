from flom.core import modes
from flom.values import MODE_NAMES

TABLE = """
NL Y Y Y Y Y Y
CR Y Y Y Y Y -
CW Y Y Y - - -
PR Y Y - Y - -
PW Y Y - - - -
EX Y - - - - -
"""


def test_the_36_pairs_of_the_specification():
    for line in TABLE.split("\n")[1:-1]:
        held, *cells = line.split()
        for asked, cell in zip(MODE_NAMES, cells, strict=True):
            pair = MODE_NAMES.index(held), MODE_NAMES.index(asked)
            assert modes.clash(*pair) == (cell == "-"), pair


def test_modes_are_the_numbers_of_the_wire():
    assert (modes.NL, modes.CR, modes.CW, modes.PR, modes.PW, modes.EX) == (0, 1, 2, 3, 4, 5)
    assert [m for m in range(-3, 9) if modes.is_mode(m)] == [0, 1, 2, 3, 4, 5]


def test_packed_counters_tell_the_same_as_the_table():
    for held in range(6):
        for asked in range(6):
            assert bool(modes.UNIT[held] & modes.CONFLICTS[asked]) == modes.clash(held, asked)
            assert (held in modes.RIVALS[asked]) == modes.clash(held, asked)


def test_packed_counters_do_not_leak_into_the_next_lane():
    many = sum(modes.UNIT[modes.CW] for _ in range(1000)) * 1000
    assert many & modes.CONFLICTS[modes.PR]
    assert not many & modes.CONFLICTS[modes.CR]
    assert not (many - 1_000_000 * modes.UNIT[modes.CW])

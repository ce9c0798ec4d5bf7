"""Lock modes as programs see them."""

from flom.client.mode import EX, PR, Mode


def test_text_is_the_name_and_value_the_number_on_the_wire():
    assert (str(EX), f"{PR:>4}", int(EX), Mode(3)) == ("EX", "  PR", 5, PR)

from core.play import play


def test_an_unlock_ends_the_newest_grant():
    play(
        """
        A lock a.b.c => A granted a
        A lock a.b.c => A granted b
        A unlock a.b.c
        B lock a.b.c => B granted c
        C lock a.b.c => C granted b
        """
    )


def test_equal_names_are_different_elements():
    play(
        """
        A lock a.a => A granted a
        B lock a.a => B granted a
        C lock a.a => C enqueued
        A unlock a.a => C granted a
        """
    )


def test_order_is_the_same_with_every_patience():
    for patience in (-1, 0, 1000):
        play(
            """
            A lock a.b        => A granted a
            B lock a.b        => B granted b
            C lock a.b        => C enqueued
            wait 2000
            D lock a.b        => D enqueued
            E lock a.b nowait => E busy
            C disconnect
            B unlock a.b      => D granted b
            """,
            patience,
        )


def test_a_set_of_many_elements():
    name = ".".join(f"e{n}" for n in range(300))
    it = play("")
    for n in range(300):
        it.run(f"c{n} lock {name} => c{n} granted e{n}")
    it.run(f"late lock {name} nowait => late busy")
    it.run(f"c7 unlock {name}\n late lock {name} => late granted e7")

from core.play import play


def test_after_the_last_number_comes_1():
    it = play("A lock _s_a[2] => A granted 1")
    (resource,) = it.table._resources.values()
    resource._next = 4294967295
    it.run(
        """
        B lock _s_a[2]   => B granted 4294967295
        A unlock _s_a[2]
        A lock _s_a[2]   => A granted 1
        """
    )


def test_numbers_rolled_back_come_first_in_their_order():
    play(
        """
        A lock _S_a[9] => A granted 1
        B lock _S_a[9] => B granted 2
        C lock _S_a[9] => C granted 3
        C unlock _S_a[9] rollback
        D lock _S_a[9] => D granted 3
        B disconnect
        A unlock _S_a[9] rollback
        D unlock _S_a[9] rollback
        E lock _S_a[9] => E granted 2
        F lock _S_a[9] => F granted 1
        G lock _S_a[9] => G granted 3
        H lock _S_a[9] => H granted 4
        """
    )


def test_a_connection_that_is_lost_returns_all_its_numbers_oldest_first():
    play(
        """
        A lock _S_a[9] => A granted 1
        A lock _S_a[9] => A granted 2
        A lock _S_a[9] => A granted 3
        A disconnect
        B lock _S_a[9] => B granted 1
        B lock _S_a[9] => B granted 2
        """
    )


def test_closing_is_a_rollback_too():
    play(
        """
        A lock _S_a[1]  => A granted 1
        B lock _S_a[1]  => B enqueued
        A unlock other  => A closed, B granted 1
        """
    )


def test_unlock_without_a_number_is_ignored():
    play(
        """
        A lock _S_a[1] => A granted 1
        B lock _S_a[1] => B enqueued
        B unlock _S_a[1]
        B unlock _S_a[1]
        A unlock _S_a[1]
        A unlock _S_a[1]
        """
    )


def test_size_0_serves_nobody():
    for patience in (-1, 0):
        play(
            """
            A lock _S_a[0] nowait => A busy
            B lock _S_a[0]        => B enqueued
            C lock _S_a[0]        => C enqueued
            B disconnect
            """,
            patience,
        )

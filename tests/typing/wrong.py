"""Mistakes that type checkers have to find, each on a line of its own."""

import flom

flom.lock("R", mode="PR")
flom.lock("R", timeot=1)
flom.lock("R", on_lost=print, quantity="2")
flom.lock("R").acquire().element.upper()
flom.aio.lock("R").acquire().release()
flom.Client("unix:///s", True)
flom.lokc("R")


@flom.locked("R")
def job(number: int) -> int:
    return number


job("1")

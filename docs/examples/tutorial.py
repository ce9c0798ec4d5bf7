"""The first steps: hold a lock, do without it, share it, count, and hear of a loss."""

import os
import subprocess
import sys

import flom

# Nobody else who locks "backup" runs this block at the same time: no thread, no other program,
# no `flom -r backup -- ...` in a shell.
with flom.lock("backup") as held:
    print("locked:", held.resource, held.mode.name)

    # Somebody else would have to wait. Who does not want to wait says so.
    try:
        with flom.lock("backup", timeout=0):
            print("never printed")
    except flom.Busy as busy:
        print("busy:", busy.resource)

# Readers share, a writer is alone.
with flom.lock("data", mode=flom.PR), flom.lock("data", mode=flom.PR):
    try:
        with flom.lock("data", mode=flom.EX, timeout=0.1):
            print("never printed")
    except flom.Timeout as late:
        print("not within a tenth of a second:", late.waited >= 0.1)

# Three of five licences.
with flom.lock("licences[5]", quantity=3) as held:
    print("quantity:", held.quantity)

# One of two devices; which one is told.
with flom.lock("left.right") as one, flom.lock("left.right") as other:
    print("both devices:", sorted([one.element or "", other.element or ""]))

# A subprocess learns what it runs under, as a command of `flom` does.
with flom.lock("report") as held:
    script = "import os; print('subprocess:', os.environ['FLOM_RESOURCE'])"
    sys.stdout.flush()
    environ = {**os.environ, **held.environ()}
    subprocess.run([sys.executable, "-c", script], env=environ, check=True)


# A lock for each call of a function.
@flom.locked("letters", timeout=60)
def write(letter: str) -> str:
    return letter.upper()


print("function:", write("a"))

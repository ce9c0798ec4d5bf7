"""A job that cron starts every minute, and that must never overtake itself.

* * * * *  /usr/bin/python3 /usr/local/bin/cron_job.py
"""

import sys
import time

import flom


def synchronise(seconds: float) -> None:
    """What the job is for."""
    print("begin", flush=True)
    time.sleep(seconds)
    print("end", flush=True)


def main(seconds: float) -> int:
    """Exit status 0 if the work was done or is being done, 1 if the lock could not be had."""
    try:
        with flom.lock("sync", timeout=0):
            synchronise(seconds)
    except flom.Busy:
        print("the last run is not done yet")
    except flom.LockError as error:
        print(f"cron_job: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 30))

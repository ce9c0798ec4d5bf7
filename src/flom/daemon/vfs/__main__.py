"""`python -I .../daemon/vfs/__main__.py DIR`: the process of the file system, see process.py."""

import sys

if __name__ == "__main__":
    # Isolated from the user's surroundings; what is installed beside flom is found all the same.
    sys.path.append(__file__.rpartition("/flom/daemon/")[0])
    from flom.daemon.vfs.process import main

    main(sys.argv[1])

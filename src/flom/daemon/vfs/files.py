"""The file system's operations, as FUSE calls them: paths in, attributes and contents out.

Nothing can be written. What is not here (creating, removing, chmod, extended attributes) the
kernel refuses as not implemented (daemon.md 13).
"""

import errno
import os
import stat

from flom.daemon.vfs.tree import Node
from flom.daemon.vfs.view import View


class Files:
    """What is shown, read only; all of it belongs to `uid` and `gid`.

    Every method raises OSError with the number that the reader gets.
    """

    use_ns = True  # times are whole nanoseconds

    def __init__(self, view: View, uid: int, gid: int) -> None:
        self._view = view
        self._owner = {"st_uid": uid, "st_gid": gid}
        self._handles: dict[int, bytes] = {}
        self._last = 0

    def getattr(self, path: str, handle: int | None = None) -> dict[str, int]:
        """The attributes of a file or directory."""
        node = _found(self._view.known(path))
        if node.content is None:
            kind = {"st_mode": stat.S_IFDIR | 0o550, "st_nlink": 2, "st_size": 0}
        else:
            kind = {"st_mode": stat.S_IFREG | 0o440, "st_nlink": 1, "st_size": len(node.content)}
        times = {"st_atime": 0, "st_ctime": _ns(node.created), "st_mtime": _ns(node.changed)}
        return {**kind, **self._owner, **times}

    def readdir(self, path: str, handle: int) -> list[str]:
        """The names in a directory."""
        return [".", "..", *(_found(self._view.now(path)).names or ())]

    def open(self, path: str, flags: int) -> int:
        """A handle that reads the file."""
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        self._last += 1
        self._handles[self._last] = _found(self._view.now(path)).content or b""
        return self._last

    def read(self, path: str, size: int, offset: int, handle: int) -> bytes:
        """A part of the file as it was when its beginning was read.

        A file that has gone reads as an I/O error; who has begun to read it may finish.
        """
        if offset == 0:
            node = self._view.now(path)
            if node is None or node.content is None:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            self._handles[handle] = node.content
        return self._handles[handle][offset : offset + size]

    def release(self, path: str, handle: int) -> int:
        """The reader is done with the file."""
        self._handles.pop(handle, None)
        return 0


def _found(node: Node | None) -> Node:
    if node is None:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    return node


def _ns(seconds: float) -> int:
    return int(seconds * 1_000_000_000)

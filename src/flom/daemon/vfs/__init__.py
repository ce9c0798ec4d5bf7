"""The daemon's state as a read-only file system, in a process of its own (daemon.md 13).

start.py starts that process and learns whether it could mount; mount.py is the daemon's side of
it. Everything else runs in the process itself: process.py its life, line.py its line to the daemon,
view.py when the daemon is asked, tree.py what is shown, files.py how files are read.
"""

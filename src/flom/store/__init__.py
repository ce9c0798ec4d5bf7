"""Locks in a store that others run (etcd), without a daemon: docs/reference/store.md.

`recipe` and what it uses (`records`, `line`, `elements`, `operations`, `lease`) are pure: values
in, values out. `gateway`, `watch`, `session` and `lock` are the shell around them.
"""

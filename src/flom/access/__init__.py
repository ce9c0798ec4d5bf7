"""Rules of access: who may lock what, who may shut down, who may force. Loaded if there are any.

`patterns` matches names, `rules` reads and applies rules. docs/reference/access.md explains them.
"""

"""The lock manager itself, pure: requests and a time go in, effects come out.

No sockets, clocks, threads or logs. `table.Table` is the door; `requests` is the vocabulary.
"""

"""How long messages may be, in bytes (wire.md W-4, W-5)."""

# The largest request that an old daemon reads.
LARGEST_REQUEST = 511
# The largest answer that an old client reads.
LARGEST_ANSWER = 1023
# The largest message read from a daemon that has announced the extension.
LARGEST_EXTENDED = 65536

"""The version of this package, as literals: looking it up would cost more than the rest of flom."""

VERSION = "0.1.0"
DATE = "2026-11-22"

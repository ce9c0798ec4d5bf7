"""Text as names: base64 as it arrives (wire.md 4.2)."""

from flom.wire.base64 import ALPHABET, lanes_mask

_FOREIGN = bytes(range(256)).translate(None, ALPHABET + b"=")
_TO_VALUES = bytes.maketrans(ALPHABET + b"=", bytes([*range(64), 0]))


def unbase64(text: str) -> bytes:
    """The bytes behind a base64 text; never raises (wire.md 4.2).

    Foreign characters are skipped, a last group that is not complete is dropped.
    """
    kept = text.encode("ascii", "ignore").translate(None, _FOREIGN)
    groups = len(kept) // 4
    kept = kept[: 4 * groups]
    first_pad = kept.find(b"=")
    if 0 <= first_pad < len(kept) - 2:
        return b"".join(_ungroup(kept[at : at + 4], 1) for at in range(0, len(kept), 4))
    return _ungroup(kept, groups)


def _ungroup(characters: bytes, groups: int) -> bytes:
    lanes = int.from_bytes(characters.translate(_TO_VALUES), "big")
    lanes = (lanes & lanes_mask(0x3F003F00, groups)) >> 2 | lanes & lanes_mask(0x003F003F, groups)
    lanes = (lanes & lanes_mask(0x0FFF0000, groups)) >> 4 | lanes & lanes_mask(0x00000FFF, groups)
    wide = bytearray(lanes.to_bytes(4 * groups, "big"))
    del wide[::4]
    if characters.endswith(b"=="):
        del wide[-2:]
    elif characters.endswith(b"="):
        del wide[-1:]
    return bytes(wide)

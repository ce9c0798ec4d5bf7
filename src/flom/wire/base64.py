"""Names as text: base64 (wire.md 4.2)."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_FOREIGN = bytes(range(256)).translate(None, _ALPHABET + b"=")
_TO_VALUES = bytes.maketrans(_ALPHABET + b"=", bytes([*range(64), 0]))
_TO_CHARACTERS = bytes.maketrans(bytes(range(64)), _ALPHABET)


def base64(name: bytes) -> str:
    """The standard base64 text of a name, padded, in one line.

    `binascii` does the same, but takes a millisecond to load (design.md 2.4). All groups are
    widened at once, as one large number: 3 bytes in 32 bits, then 4 times 6 bits in 32 bits.
    """
    missing = -len(name) % 3
    padded = name + bytes(missing)
    groups = len(padded) // 3
    wide = bytearray(4 * groups)
    wide[1::4] = padded[0::3]
    wide[2::4] = padded[1::3]
    wide[3::4] = padded[2::3]
    lanes = int.from_bytes(wide, "big")
    lanes = (lanes & _mask(0x00FFF000, groups)) << 4 | lanes & _mask(0x00000FFF, groups)
    lanes = (lanes & _mask(0x0FC00FC0, groups)) << 2 | lanes & _mask(0x003F003F, groups)
    text = lanes.to_bytes(4 * groups, "big").translate(_TO_CHARACTERS).decode("ascii")
    return text[: len(text) - missing] + "=" * missing


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
    lanes = (lanes & _mask(0x3F003F00, groups)) >> 2 | lanes & _mask(0x003F003F, groups)
    lanes = (lanes & _mask(0x0FFF0000, groups)) >> 4 | lanes & _mask(0x00000FFF, groups)
    wide = bytearray(lanes.to_bytes(4 * groups, "big"))
    del wide[::4]
    if characters.endswith(b"=="):
        del wide[-2:]
    elif characters.endswith(b"="):
        del wide[-1:]
    return bytes(wide)


def _mask(word: int, groups: int) -> int:
    return int.from_bytes(word.to_bytes(4, "big") * groups, "big")

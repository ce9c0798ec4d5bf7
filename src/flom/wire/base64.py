"""Names as text: base64 (wire.md 4.2). To read them takes more: unbase64.py."""

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_CHARACTERS = bytes.maketrans(bytes(range(64)), ALPHABET)


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
    lanes = (lanes & lanes_mask(0x00FFF000, groups)) << 4 | lanes & lanes_mask(0x00000FFF, groups)
    lanes = (lanes & lanes_mask(0x0FC00FC0, groups)) << 2 | lanes & lanes_mask(0x003F003F, groups)
    text = lanes.to_bytes(4 * groups, "big").translate(_TO_CHARACTERS).decode("ascii")
    return text[: len(text) - missing] + "=" * missing


def lanes_mask(word: int, groups: int) -> int:
    return int.from_bytes(word.to_bytes(4, "big") * groups, "big")

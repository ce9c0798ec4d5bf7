"""Finding the word somebody meant. Loaded only after a mistake."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def distance(left: str, right: str) -> int:
    """How many slips make one the other: a character too many, missing, wrong, or two swapped."""
    rows = [list(range(len(right) + 1))]
    for row, char in enumerate(left, 1):
        above, line = rows[-1], [row]
        for column, other in enumerate(right, 1):
            steps = min(above[column] + 1, line[-1] + 1, above[column - 1] + (char != other))
            if row > 1 and column > 1 and left[row - 2] == other and right[column - 2] == char:
                steps = min(steps, rows[-2][column - 2] + 1)
            line.append(steps)
        rows.append(line)
    return rows[-1][-1]


def nearest(word: str, candidates: "Iterable[str]", tolerance: int | None = None) -> str:
    """The candidate most like `word`, ignoring case; "" if none is near.

    `tolerance` is the largest distance allowed; without it, a third of the word's length.
    A candidate that begins with the word counts as near.
    """
    small = word.lower()[:80]
    limit = max(len(small) // 3, 1) if tolerance is None else tolerance
    best = ""
    for candidate in candidates:
        found = distance(small, candidate.lower())
        if tolerance is None and small and candidate.lower().startswith(small):
            found = min(found, limit)
        if found < limit or (found == limit and not best):
            best, limit = candidate, found
    return best

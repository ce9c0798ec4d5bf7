"""Runs the targets: coverage-guided by atheris, or by plain mutation of the corpus.

    scripts/fuzz                          # every target, 100,000 inputs each
    scripts/fuzz --runs 5000000 server    # one target, long
    scripts/fuzz --keep                   # and keep the inputs that reach something new

An input that breaks a promise is printed as a line for the corpus, so that it becomes a test.
"""

import argparse
import ast
import hashlib
import pathlib
import random
import subprocess
import sys
import tempfile

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"
TESTS = CORPUS.parent.parent
# Bytes of an input, seconds and MB that one may take.
LARGEST, SECONDS, MEGABYTES = 4096, 20, 512
# How many inputs of a target are kept: the shortest of those that reached something new.
KEPT = 300


def corpus(target):
    """The inputs that are kept for a target."""
    path = CORPUS / f"{target}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [ast.literal_eval(line) for line in lines]


def keep(target, inputs):
    """Write the corpus of a target anew."""
    chosen = sorted(set(inputs), key=lambda data: (len(data), data))[:KEPT]
    lines = (ascii(data) for data in chosen)
    (CORPUS / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines))


def mutated(chance, inputs):
    """An input made of one or two that are known, with some faults in it."""
    data = bytearray(chance.choice(inputs))
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        place = chance.randrange(len(data) + 1)
        other = chance.choice(inputs)
        what = chance.randrange(6)
        if what == 0:
            data[place:place] = bytes([chance.randrange(256)])
        elif what == 1:
            del data[place : place + chance.choice((1, 1, 4, 16))]
        elif what == 2 and place < len(data):
            data[place] = chance.choice((chance.randrange(256), data[place] ^ 1))
        elif what == 3:
            data[place:place] = other[: chance.choice((8, 64, 512))]
        elif what == 4:
            data[place:place] = data[place : place + chance.randrange(1, 32)]
        else:
            data[place:] = other[chance.randrange(len(other) + 1) :]
    return bytes(data[:LARGEST])


def by_mutation(target, run, runs, seed):
    """Feed the corpus and `runs` mutations of it; raises what `run` raises, the input told."""
    chance = random.Random(f"{target} {seed}")
    inputs = corpus(target) or [b""]
    for data in inputs:
        _run_told(target, run, data)
    for _ in range(runs):
        _run_told(target, run, mutated(chance, inputs))


def _run_told(target, run, data):
    try:
        run(data)
    except BaseException:
        print(f"\n{target} fails for this line of its corpus:\n{data!a}", file=sys.stderr)
        raise


def by_coverage(target, runs, seed, keeping):
    """The same by atheris, in a process of its own; True if nothing was found."""
    with tempfile.TemporaryDirectory() as work:
        known, found = pathlib.Path(work, "known"), pathlib.Path(work, "found")
        known.mkdir()
        found.mkdir()
        for data in corpus(target):
            (known / hashlib.sha1(data).hexdigest()).write_bytes(data)
        limits = [f"-max_len={LARGEST}", f"-timeout={SECONDS}", f"-rss_limit_mb={MEGABYTES}"]
        command = [sys.executable, __file__, "--guided", target, *limits]
        fuzzing = [f"-runs={runs}", f"-seed={seed or 1}", f"-artifact_prefix={found}/", str(known)]
        good = subprocess.run([*command, *fuzzing], check=False).returncode == 0
        for path in found.iterdir():
            print(f"{target} fails for this line of its corpus:\n{path.read_bytes()!a}")
        if good and keeping:
            keep(target, [path.read_bytes() for path in known.iterdir()])
        return good


def guided(target, arguments):
    """Never returns: the process belongs to atheris."""
    import atheris

    with atheris.instrument_imports(include=["flom"]):
        from fuzz.targets import BY_NAME
    atheris.Setup([target, *arguments], BY_NAME[target])
    atheris.Fuzz()


def main():
    if sys.argv[1:2] == ["--guided"]:
        guided(sys.argv[2], sys.argv[3:])
    from fuzz.targets import BY_NAME

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(BY_NAME)} (default: all)")
    parser.add_argument("--runs", type=int, default=100_000, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other inputs")
    parser.add_argument("--plain", action="store_true", help="mutate the corpus, without atheris")
    parser.add_argument("--keep", action="store_true", help="keep what reaches something new")
    arguments = parser.parse_args()
    unknown = [target for target in arguments.targets if target not in BY_NAME]
    if unknown:
        parser.error(f"no target {unknown[0]!r}; there are {', '.join(BY_NAME)}")
    failed = []
    for target in arguments.targets or BY_NAME:
        print(f"-- {target}", flush=True)
        if arguments.plain:
            by_mutation(target, BY_NAME[target], arguments.runs, arguments.seed)
        elif not by_coverage(target, arguments.runs, arguments.seed, arguments.keep):
            failed.append(target)
    print(f"FAILED: {', '.join(failed)}" if failed else "nothing found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    sys.exit(main())

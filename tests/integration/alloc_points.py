"""alloc_points.py - which allocations fail, and the table of what came of it: for alloc_checks.py and memory_checks.py."""
import collections, os

FIRST, LAST = 200, 200
STRIDE = int(os.environ.get("SUMI_ALLOC_STRIDE", "17"))  # prime, so that it is no multiple of what a loop allocates

Counter = collections.Counter

# What can come of a failure. The first four are right.
RIGHT = ("refused", "equal", "ended", "closed")
FAULTS = ("crash", "hang", "different", "unclear")


def points(n, runs):
    """Numbers of the allocations that fail, of n. runs > 0: about so many, spread evenly. 0: the first FIRST, the last LAST,
    and of those between each STRIDE-th."""
    if runs:
        return list(range(1, n + 1, max(1, n // runs)))
    between = range(FIRST + 1, max(n - LAST, FIRST) + 1, STRIDE)
    return [*range(1, min(n, FIRST) + 1), *between, *range(max(n - LAST, FIRST) + 1, n + 1)]


class Table:
    """One row for each command or endpoint. refused: one line, or an error of the API, told of the failure. equal: the same
    as without failures. Only of a server: ended: a stream ended early; closed: a connection was closed before a status. Faults:
    a crash, a hang, another answer that looks right, and (unclear) a failure that is not told as it must be."""

    def __init__(self, of_server):
        self.columns = [c for c in RIGHT if of_server or c in ("refused", "equal")] + list(FAULTS)
        self.n_rows = self.n_runs = self.n_faults = 0
        self.line("", ["allocs", "failed", "runs", *self.columns])

    def line(self, name, cells):
        print(f"{name:24}" + "".join(f"{c:>10}" for c in cells), flush=True)

    def row(self, name, n, n_points, came):
        """came: a Counter over RIGHT and FAULTS."""
        assert set(came) <= set(self.columns), came
        self.n_rows += 1
        self.n_runs += sum(came.values())
        self.n_faults += sum(came[f] for f in FAULTS)
        self.line(name, [n, n_points, sum(came.values()), *(came[c] for c in self.columns)])

    def end(self):
        print(f"{self.n_rows} rows, {self.n_runs} runs, {self.n_faults} faults", flush=True)


"""One-to-one matching of boundary pixels: as many pairs as possible, then the least distance.

The result is that of the assignment in which a predicted pixel without a partner costs 100 times
the distance limit; its slow part, the proof that a pixel must go without, is avoided:

1. A maximum matching, by alternating paths from the unmatched truth pixels (Berge 1957).
2. The pixels that such paths still reach form one part, all others another; no maximum matching
   has a pair across (Dulmage and Mendelsohn 1958).
3. In the first part every predicted pixel is matched, in the second every true one. Assignments
   that match one side in full are what SciPy's solver is fast at.

Thresholds of one image differ little: step 1 starts from the previous threshold's matching, and
step 3 solves only connected components that have changed.
"""

import numpy as np
from scipy import sparse, spatial
from scipy.sparse import csgraph

DISTANCE_STEPS = 2**16  # a pixel; to whole numbers of these are distances rounded


class Matcher:
    """Matches predicted pixels with the boundary pixels of one ground truth.

    Args:
      predicted: bool (H, W), all pixels that any call of `match` will hold.
      truth: bool (H, W).
      max_distance: greatest distance between partners, in pixels, inclusive.
    """

    def __init__(self, predicted: np.ndarray, truth: np.ndarray, max_distance: float) -> None:
        self.pixels, truth_pixels = np.argwhere(predicted), np.argwhere(truth)
        # Squared distances are whole numbers; the half keeps rounding away from the limit.
        limit = np.sqrt(np.floor(max_distance**2) + 0.5)
        pairs = spatial.KDTree(truth_pixels).sparse_distance_matrix(
            spatial.KDTree(self.pixels), limit, output_type='coo_matrix'
        )
        order = np.lexsort((pairs.col, pairs.row))
        self.truths, self.predictions = pairs.shape
        self.truth, self.prediction = pairs.row[order], pairs.col[order]  # the ends of each pair
        self.distance = pairs.data[order]
        self.matched = np.zeros(len(order), bool)  # the pairs that the last call chose
        self.eligible = np.zeros(len(order), bool)  # and those among which it chose

    def match(self, predicted: np.ndarray) -> np.ndarray:
        """Matches the pixels of one threshold.

        Among equally good matchings the choice depends on the calls before.

        Args:
          predicted: bool (H, W), some of the pixels that the matcher was made for.

        Returns:
          int64 (M, 2), row and column of the predicted pixels that have a partner.
        """
        present = predicted[tuple(self.pixels.T)][self.prediction]
        start, excess = self._maximum_matching(present)
        truth_excess = excess[: self.truths][self.truth]
        eligible = present & (truth_excess == excess[self.truths :][self.prediction])
        changed = self._changed_components(eligible)
        self.matched &= ~changed
        self.eligible = eligible
        for part, full, other in (
            (truth_excess, self.prediction, self.truth),
            (~truth_excess, self.truth, self.prediction),
        ):
            pairs = np.flatnonzero(part & eligible & changed)
            chosen = _assign(full[pairs], other[pairs], self.distance[pairs], start[pairs])
            self.matched[pairs] = chosen
        return self.pixels[self.prediction[self.matched]]

    def _maximum_matching(self, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Matches as many of the present pairs as possible, whatever their distance.

        Returns:
          The pairs that are matched, bool, and the nodes (truth pixels, then predicted ones) that
          alternating paths from unmatched truth pixels reach, bool (truths + predictions,).
        """
        partner_of_truth = np.full(self.truths, -1)
        partner = np.full(self.predictions, -1)
        kept = self.matched & present
        partner_of_truth[self.truth[kept]] = self.prediction[kept]
        partner[self.prediction[kept]] = self.truth[kept]
        starts = np.bincount(self.truth[present], minlength=self.truths).cumsum()
        while True:
            order, parent = _search(starts, self.prediction[present], partner_of_truth, partner)
            found = order[(order >= self.truths) & (order < self.truths + self.predictions)]
            ends = found - self.truths
            ends = ends[partner[ends] < 0]
            if not len(ends):
                reached = np.zeros(self.truths + self.predictions + 1, bool)
                reached[order] = True
                matched = present & (partner_of_truth[self.truth] == self.prediction)
                return matched, reached[:-1]
            parent = parent[self.truths : -1]  # of the predicted pixels
            ends = ends[_first_of_each_tree(ends, parent, partner_of_truth)]
            while len(ends):  # swap the pairs along all paths at once, from their ends to the roots
                truths = parent[ends]
                before = partner_of_truth[truths]
                partner_of_truth[truths], partner[ends] = ends, truths
                ends = before[before >= 0]

    def _changed_components(self, eligible: np.ndarray) -> np.ndarray:
        """Pairs in components of the eligible pairs that differ from the last call: bool."""
        graph = sparse.csr_matrix(
            (
                np.ones(np.count_nonzero(eligible), np.int8),
                (self.truth[eligible], self.truths + self.prediction[eligible]),
            ),
            shape=(self.truths + self.predictions,) * 2,
        )
        count, component = csgraph.connected_components(graph, directed=False)
        different = eligible != self.eligible
        changed = np.zeros(count, bool)
        changed[component[self.truth[different]]] = True
        changed[component[self.truths + self.prediction[different]]] = True
        return changed[component[self.truth]]


def _search(
    starts: np.ndarray, prediction: np.ndarray, partner_of_truth: np.ndarray, partner: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Breadth-first along alternating paths from all unmatched truth pixels.

    Nodes: truth pixels, predicted pixels, and one root that leads to the unmatched truth pixels.
    """
    truths, predictions = len(partner_of_truth), len(partner)
    unmatched = np.flatnonzero(partner_of_truth < 0)
    matched = partner >= 0
    targets = np.concatenate([truths + prediction, partner[matched], unmatched])
    starts = np.concatenate([[0], starts, len(prediction) + matched.cumsum(), [len(targets)]])
    graph = sparse.csr_matrix(
        (np.ones(len(targets)), targets, starts), shape=(truths + predictions + 1,) * 2
    )
    return csgraph.breadth_first_order(graph, truths + predictions)


def _first_of_each_tree(
    ends: np.ndarray, parent: np.ndarray, partner_of_truth: np.ndarray
) -> np.ndarray:
    """Index of one path's end for each root truth pixel: such paths share no pixel."""
    root = parent[ends]
    climbing = np.arange(len(ends))
    while len(climbing):
        up = partner_of_truth[root[climbing]]
        climbing, up = climbing[up >= 0], up[up >= 0]
        root[climbing] = parent[up]
    return np.unique(root, return_index=True)[1]


def _assign(
    full: np.ndarray, other: np.ndarray, distance: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Matches every node of `full` at the least sum of distances.

    Args:
      full: int (P,), one end of each pair.
      other: int (P,), the other end.
      distance: float (P,).
      start: bool (P,), some pairs that match every node of `full`, whatever the distance.

    Returns:
      bool (P,), the pairs of the best matching.
    """
    if not len(full):
        return start
    # SciPy first looks for any full matching, and can take seconds over it. Numbered alike,
    # partners of `start` are the first that it tries.
    full = _numbered(full, full[start])
    other = _numbered(other, other[start])
    # Whole numbers, because rounding errors can keep SciPy in an endless loop; one more for each
    # pair changes no optimum, and SciPy drops zeros.
    cost = sparse.csr_matrix((np.rint(distance * DISTANCE_STEPS) + 1, (full, other)))
    _, partner = csgraph.min_weight_full_bipartite_matching(cost)
    return partner[full] == other


def _numbered(nodes: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Renames nodes 0, 1, ..: those of `first` in their order, then the others."""
    number = np.full(nodes.max(initial=-1) + 1, -1)
    number[first] = np.arange(len(first))
    others = np.unique(nodes[number[nodes] < 0])
    number[others] = len(first) + np.arange(len(others))
    return number[nodes]

"""One-to-one matching of boundary pixels: the most pairs first, then the least total distance.

The result equals that of the assignment problem in which a predicted pixel without a partner costs
100 times the distance limit. The slow part of that problem, proving that a pixel must stay
unmatched, is avoided:

1. Compute a maximum matching by alternating paths from the unmatched truth pixels (Berge 1957).
2. Divide the pixels into those that such paths still reach and all others. No maximum matching has
   a pair between the two parts (Dulmage and Mendelsohn 1958).
3. In the first part every predicted pixel is matched, in the second every truth pixel. SciPy's
   solver is fast at assignments that match one side completely.

The maps of one image at successive thresholds differ little. Therefore step 1 starts from the
matching of the previous threshold, and step 3 solves only the connected components that changed.
"""

import numpy as np
from scipy import sparse, spatial
from scipy.sparse import csgraph

DISTANCE_STEPS = 2**16  # distances are rounded to multiples of 1 / DISTANCE_STEPS pixels


class Matcher:
    """Matches predicted pixels with the boundary pixels of one ground truth.

    Args:
      predicted: bool (H, W), the union of the maps that `match` will be called with.
      truth: bool (H, W).
      max_distance: largest allowed distance between partners, in pixels, inclusive.
    """

    def __init__(self, predicted: np.ndarray, truth: np.ndarray, max_distance: float) -> None:
        self.pixels, truth_pixels = np.argwhere(predicted), np.argwhere(truth)
        # Squared distances are integers; adding 0.5 makes the limit robust to rounding errors.
        limit = np.sqrt(np.floor(max_distance**2) + 0.5)
        pairs = spatial.KDTree(truth_pixels).sparse_distance_matrix(
            spatial.KDTree(self.pixels), limit, output_type='coo_matrix'
        )
        order = np.lexsort((pairs.col, pairs.row))
        self.truths, self.predictions = pairs.shape
        self.truth, self.prediction = pairs.row[order], pairs.col[order]  # the ends of each pair
        self.distance = pairs.data[order]
        self.matched = np.zeros(len(order), bool)  # the pairs that the last call chose
        self.eligible = np.zeros(len(order), bool)  # the pairs that the last call chose from

    def match(self, predicted: np.ndarray) -> np.ndarray:
        """Matches the pixels of one threshold.

        Which of several equally good matchings is chosen depends on the previous calls.

        Args:
          predicted: bool (H, W), a subset of the pixels given to the constructor.

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
        for part, full, opposite in (
            (truth_excess, self.prediction, self.truth),
            (~truth_excess, self.truth, self.prediction),
        ):
            pairs = np.flatnonzero(part & eligible & changed)
            chosen = _assign(full[pairs], opposite[pairs], self.distance[pairs], start[pairs])
            self.matched[pairs] = chosen
        return self.pixels[self.prediction[self.matched]]

    def _maximum_matching(self, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Matches as many of the present pairs as possible, regardless of their distance.

        Returns:
          A tuple of the matched pairs, bool, and the nodes (truth pixels, then predicted pixels)
          that alternating paths from unmatched truth pixels reach, bool (truths + predictions,).
        """
        partner_of_truth = np.full(self.truths, -1)
        partner = np.full(self.predictions, -1)
        kept = self.matched & present
        partner_of_truth[self.truth[kept]] = self.prediction[kept]
        partner[self.prediction[kept]] = self.truth[kept]
        starts = np.bincount(self.truth[present], minlength=self.truths).cumsum()
        while True:
            order, parent = _search(starts, self.prediction[present], partner_of_truth, partner)
            reached_nodes = order[(order >= self.truths) & (order < self.truths + self.predictions)]
            ends = reached_nodes - self.truths
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
                previous = partner_of_truth[truths]
                partner_of_truth[truths], partner[ends] = ends, truths
                ends = previous[previous >= 0]

    def _changed_components(self, eligible: np.ndarray) -> np.ndarray:
        """Returns the pairs in connected components that differ from those of the last call: bool.

        The components are those of the graph whose edges are the eligible pairs.
        """
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
    """Searches breadth-first along alternating paths from all unmatched truth pixels.

    The nodes are the truth pixels, the predicted pixels, and a root node with edges to all
    unmatched truth pixels.
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
    """Returns the index of one path end for each root truth pixel: these paths share no pixel."""
    root = parent[ends]
    climbing = np.arange(len(ends))
    while len(climbing):
        up = partner_of_truth[root[climbing]]
        climbing, up = climbing[up >= 0], up[up >= 0]
        root[climbing] = parent[up]
    return np.unique(root, return_index=True)[1]


def _assign(
    full: np.ndarray, opposite: np.ndarray, distance: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Matches every node of `full` with the least sum of distances.

    Args:
      full: int (P,), the node of each pair on the side that is matched completely.
      opposite: int (P,), the node of each pair on the opposite side.
      distance: float (P,).
      start: bool (P,), pairs that match every node of `full`, regardless of the distance.

    Returns:
      bool (P,), the pairs of the best matching.
    """
    if not len(full):
        return start
    # SciPy first searches for any full matching, which can take seconds. If partners in `start`
    # have equal numbers, SciPy tries them first.
    full = _renumber(full, full[start])
    opposite = _renumber(opposite, opposite[start])
    # Integer costs, because rounding errors can cause an endless loop in SciPy. Adding 1 to every
    # pair does not change the optimum; without it SciPy would drop pairs of cost 0.
    cost = sparse.csr_matrix((np.rint(distance * DISTANCE_STEPS) + 1, (full, opposite)))
    _, partner = csgraph.min_weight_full_bipartite_matching(cost)
    return partner[full] == opposite


def _renumber(nodes: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Renumbers nodes 0, 1, ..: first those of `first` in their order, then the others."""
    number = np.full(nodes.max(initial=-1) + 1, -1)
    number[first] = np.arange(len(first))
    others = np.unique(nodes[number[nodes] < 0])
    number[others] = len(first) + np.arange(len(others))
    return number[nodes]

"""The steps that remember examples or follow branches: trees, neighbours, support vectors."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from senpath.components.estimators.steps import Step, require

LEAF = -1
MOST_CLASSES = 1024
"""Each pair of which is looked at."""


class Trees(Step):
    """Decision trees side by side: what the leaves say that an input comes to, added up over the trees.

    Arrays: `left`, `right` (nodes,) branches, −1 at a leaf; `feature`, `threshold` (nodes,), to the left where the column is at most the
    threshold; `values` (nodes, outputs); `roots` (trees,), ascending: each tree's nodes lie from its root to the next one, and branches
    lead to later nodes, so that every path ends. Trees take turns in `turns` groups, whose sums lie side by side.

    Settings: `single`, whether inputs are rounded to float32 first; `average`, whether the sum is divided by the number of trees.
    """

    layout: ClassVar = {"left": "1i", "right": "1i", "feature": "1i", "threshold": "1f", "values": "2f", "roots": "1i"}
    allowed: ClassVar = {"single": bool, "average": bool, "turns": int}

    def width(self, width: int, *parts: int) -> int:
        left, right, feature, roots = (self.arrays[name] for name in ("left", "right", "feature", "roots"))
        nodes, turns = len(left), self.settings["turns"]
        require(all(len(array) == nodes for name, array in self.arrays.items() if name != "roots"), "arrays with an entry for each node")
        require(len(roots) > 0 and roots[0] == 0 and bool((np.diff(roots) > 0).all()) and roots[-1] < nodes, "roots in order")
        require(1 <= turns <= len(roots) and len(roots) % turns == 0, "as many trees in each group")
        ends = np.repeat(np.append(roots[1:], nodes), np.diff(np.append(roots, nodes)))
        place, inner = np.arange(nodes), left != LEAF
        within = (left > place) & (left < ends) & (right > place) & (right < ends) & (feature >= 0) & (feature < width)
        require(bool(within[inner].all()), "branches to later nodes of the tree, and columns of the input")
        return int(turns * self.arrays["values"].shape[1])

    def breadth(self, width: int, output: int) -> int:
        return max(width, len(self.arrays["roots"]) * (1 + int(self.arrays["values"].shape[1])))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        roots, values = self.arrays["roots"], self.arrays["values"]
        turns, rounds = self.settings["turns"], len(roots) // self.settings["turns"]
        leaves = self._leaves(x.astype(np.float32 if self.settings["single"] else np.float64, copy=False))
        total = values[leaves[:, :turns]].astype(np.float64)
        for start in range(turns, len(roots), turns):  # one after another, as scikit-learn adds them
            total += values[leaves[:, start : start + turns]]
        output: np.ndarray = total.reshape(len(x), -1)
        return output / rounds if self.settings["average"] else output

    def _leaves(self, x: np.ndarray) -> np.ndarray:
        """The leaf of each input in each tree, (n, trees)."""
        left, right, feature, threshold = (self.arrays[name] for name in ("left", "right", "feature", "threshold"))
        places = np.tile(self.arrays["roots"], (len(x), 1)).ravel()
        rows = np.repeat(np.arange(len(x)), len(self.arrays["roots"]))
        going = np.flatnonzero(left[places] != LEAF)
        while len(going):
            here = places[going]
            goes_left = x[rows[going], feature[here]] <= threshold[here]
            places[going] = np.where(goes_left, left[here], right[here])
            going = going[left[places[going]] != LEAF]
        return places.reshape(len(x), -1)


METRICS = ("euclidean", "cityblock", "chebyshev", "minkowski", "cosine", "sqeuclidean")


class Neighbours(Step):
    """What the nearest of some points say: of `labels` (points,) the share of each, or the mean of `values` (points, outputs).

    Of points at one distance the first count. Settings: `count` of neighbours; `weights` "uniform" or "distance", which is 1 / distance;
    `metric` and, for "minkowski", its exponent `p`.
    """

    layout: ClassVar = {"points": "2f", "labels": "1i?", "values": "2f?"}
    allowed: ClassVar = {"count": int, "weights": ("uniform", "distance"), "metric": METRICS, "p": float}

    def width(self, width: int, *parts: int) -> int:
        points = self.arrays["points"]
        require(points.shape[1] == width and 1 <= self.settings["count"] <= len(points), "enough points of as many columns")
        require(self.settings["p"] >= 1, "p of 1 or more")
        require(("labels" in self.arrays) != ("values" in self.arrays), "labels or values")
        if "labels" not in self.arrays:
            require(len(self.arrays["values"]) == len(points), "values for each point")
            return int(self.arrays["values"].shape[1])
        labels = self.arrays["labels"]
        require(len(labels) == len(points) and bool(((labels >= 0) & (labels < len(points))).all()), "a label for each point")
        return int(labels.max()) + 1

    def breadth(self, width: int, output: int) -> int:
        taken = self.settings["count"] * output if "values" in self.arrays else 0
        return max(width, output, 4 * len(self.arrays["points"]), taken)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        from scipy.spatial.distance import cdist  # large, and rarely needed

        metric, count = self.settings["metric"], self.settings["count"]
        more = {"p": self.settings["p"]} if metric == "minkowski" else {}
        distances = cdist(x.astype(np.float64), self.arrays["points"].astype(np.float64), metric, **more)
        nearest = _nearest(np.where(np.isnan(distances), np.inf, distances), count)
        weights = _weights(np.take_along_axis(distances, nearest, 1), self.settings["weights"])
        if "labels" not in self.arrays:
            values = self.arrays["values"][nearest]
            return np.asarray((values * weights[:, :, None]).sum(1) / weights.sum(1, keepdims=True))
        votes = np.zeros((len(x), int(self.arrays["labels"].max()) + 1))
        np.add.at(votes, (np.arange(len(x))[:, None], self.arrays["labels"][nearest]), weights)
        return np.asarray(votes / votes.sum(1, keepdims=True))


def _nearest(distances: np.ndarray, count: int) -> np.ndarray:
    """Places of the smallest `count` numbers of each row (n, points), in order; among equal ones the first."""
    limit = np.partition(distances, count - 1, axis=1)[:, count - 1 : count]
    chosen = distances <= limit
    for row in np.flatnonzero(chosen.sum(1) > count):
        level = np.flatnonzero(distances[row] == limit[row])
        chosen[row, level[count - int(chosen[row].sum()) :]] = False
    places = np.nonzero(chosen)[1].reshape(len(distances), count)
    order = np.take_along_axis(distances, places, 1).argsort(1, kind="stable")
    return np.take_along_axis(places, order, 1)


def _weights(distances: np.ndarray, how: str) -> np.ndarray:
    if how == "uniform":
        return np.ones_like(distances)
    same = distances == 0
    return np.where(same.any(1, keepdims=True), same, 1 / np.where(same, 1, distances))


KERNELS = ("linear", "poly", "rbf", "sigmoid")


class SupportVectors(Step):
    """The decision of a support vector machine for each pair of classes, or one number (Chang and Lin 2011, section 2).

    Arrays: `vectors` (m, width), those of the first class first; `dual` (classes − 1, m), or (1, m) of a regression; `counts` (classes,) of
    vectors, or (1,); `intercept` (pairs,).
    """

    layout: ClassVar = {"vectors": "2f", "dual": "2f", "counts": "1i", "intercept": "1f"}
    allowed: ClassVar = {"kernel": KERNELS, "degree": int, "gamma": float, "coef0": float}

    def width(self, width: int, *parts: int) -> int:
        vectors, dual, counts, intercept = (self.arrays[name] for name in ("vectors", "dual", "counts", "intercept"))
        classes = len(counts)
        require(1 <= classes <= MOST_CLASSES, f"at most {MOST_CLASSES} classes")
        require(vectors.shape[1] == width and 0 <= self.settings["degree"] <= 1000, "vectors of as many columns")
        require(bool((counts >= 0).all()) and int(counts.sum()) == len(vectors), "counts that add up to the vectors")
        require(dual.shape == (max(1, classes - 1), len(vectors)), "dual coefficients of each vector for each other class")
        require(len(intercept) == max(1, classes * (classes - 1) // 2), "an intercept for each pair of classes")
        return len(intercept)

    def breadth(self, width: int, output: int) -> int:
        return max(width, output, 2 * len(self.arrays["vectors"]))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        kernel, dual, counts = self._kernel(x.astype(np.float64)), self.arrays["dual"], self.arrays["counts"]
        if len(counts) == 1:
            return kernel @ dual.T + self.arrays["intercept"]
        ends = np.append(0, counts.cumsum())
        output = np.empty((len(x), len(self.arrays["intercept"])))
        pairs = [(first, second) for first in range(len(counts)) for second in range(first + 1, len(counts))]
        for place, (first, second) in enumerate(pairs):
            mine, theirs = slice(ends[first], ends[first + 1]), slice(ends[second], ends[second + 1])
            output[:, place] = kernel[:, mine] @ dual[second - 1, mine] + kernel[:, theirs] @ dual[first, theirs]
        return output + self.arrays["intercept"]

    def _kernel(self, x: np.ndarray) -> np.ndarray:
        vectors, gamma = self.arrays["vectors"], self.settings["gamma"]
        if self.settings["kernel"] == "rbf":
            from scipy.spatial.distance import cdist  # large, and rarely needed

            return np.asarray(np.exp(-gamma * cdist(x, vectors.astype(np.float64), "sqeuclidean")))
        products = x @ vectors.T.astype(np.float64)
        if self.settings["kernel"] == "linear":
            return products
        scaled = gamma * products + self.settings["coef0"]
        return np.asarray(scaled ** self.settings["degree"] if self.settings["kernel"] == "poly" else np.tanh(scaled))


def classes_of(pairs: int) -> int:
    """How many classes have so many pairs.

    Raises:
        ValueError: if none have.
    """
    classes: int = round((1 + (1 + 8 * pairs) ** 0.5) / 2)
    require(
        2 <= classes <= MOST_CLASSES and classes * (classes - 1) // 2 == pairs, f"a column for each pair of 2 to {MOST_CLASSES} classes"
    )
    return classes


class Votes(Step):
    """From decisions for each pair of classes, more than 0 for the first: votes, and among equally many the sum of the decisions."""

    allowed: ClassVar = {"confidence": bool}

    def width(self, width: int, *parts: int) -> int:
        return classes_of(width)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        first, second = np.triu_indices(classes_of(x.shape[1]), 1)
        classes = int(second[-1]) + 1
        votes, sums = np.zeros((len(x), classes)), np.zeros((len(x), classes))
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            won = x[:, place] > 0 if not self.settings["confidence"] else x[:, place] >= 0
            votes[:, one] += won
            votes[:, other] += ~won
            sums[:, one] += x[:, place]
            sums[:, other] -= x[:, place]
        return votes + sums / (3 * (np.abs(sums) + 1)) if self.settings["confidence"] else votes


class Couple(Step):
    """From decisions for each pair of classes probabilities of the classes (Wu, Lin and Weng 2004, section 4; as libsvm computes them).

    Arrays: `slope` and `offset` (pairs,) of the logistic functions (Platt 1999).
    """

    layout: ClassVar = {"slope": "1f", "offset": "1f"}

    def width(self, width: int, *parts: int) -> int:
        require(all(array.shape == (width,) for array in self.arrays.values()), "a logistic function for each pair")
        return classes_of(width)

    def breadth(self, width: int, output: int) -> int:
        return 2 * output * output

    def __call__(self, x: np.ndarray) -> np.ndarray:
        from scipy.special import expit  # large, and rarely needed

        classes = classes_of(x.shape[1])
        first, second = np.triu_indices(classes, 1)
        pairwise = np.zeros((len(x), classes, classes))
        pairwise[:, first, second] = np.clip(expit(-(x * self.arrays["slope"] + self.arrays["offset"])), 1e-7, 1 - 1e-7)
        pairwise[:, second, first] = 1 - pairwise[:, first, second]
        q = -pairwise * pairwise.swapaxes(1, 2)
        diagonal = (pairwise**2).sum(1)
        q[:, range(classes), range(classes)] = diagonal
        p = np.full((len(x), classes), 1 / classes)
        for _ in range(max(100, classes)):
            product = np.einsum("nij,nj->ni", q, p)
            mean = (p * product).sum(1)
            going = np.flatnonzero(np.abs(product - mean[:, None]).max(1) >= 0.005 / classes)
            if not len(going):
                break
            p[going] = _one_round(p[going], product[going], mean[going], q[going], diagonal[going])
        return p


def _one_round(p: np.ndarray, product: np.ndarray, mean: np.ndarray, q: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    for place in range(p.shape[1]):
        step = (mean - product[:, place]) / diagonal[:, place]
        p[:, place] += step
        mean = (mean + step * (step * diagonal[:, place] + 2 * product[:, place])) / (1 + step) ** 2
        product = (product + step[:, None] * q[:, place]) / (1 + step)[:, None]
        p /= (1 + step)[:, None]
    return p

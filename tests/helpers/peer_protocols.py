"""The scores of other code bases, written down plainly from their definitions, image by image.

Each function takes lists of predictions and ground truths and returns the scores by our names.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from skimage.morphology import thin

from ubernet_jax.metrics.nms import Nms, suppress

Maps = Sequence[np.ndarray]
Scores = dict[str, float]


def saliency_of_images(predictions: Maps, truths: Maps) -> Scores:
    """Means over images of precision, recall and IoU at 15 thresholds; F with beta = 1."""
    best_f, best_iou = 0.0, 0.0
    for threshold in np.round(np.linspace(0.2, 0.9, 15), 10):
        precision, recall, iou = [], [], []
        for prediction, truth in zip(predictions, truths, strict=True):
            mask = prediction > threshold
            hits = (mask & truth).sum()
            precision.append(hits / (mask.sum() + 1e-12))
            recall.append(hits / (truth.sum() + 1e-12))
            union = (mask | truth).sum()
            iou.append(hits / union if union else 1)
        p, r = np.mean(precision), np.mean(recall)
        best_f = max(best_f, 2 * p * r / (p + r + 1e-12))
        best_iou = max(best_iou, np.mean(iou))
    return {'max_f': float(best_f), 'miou_15': float(best_iou)}


def saliency_of_pixels(predictions: Maps, truths: Maps, *, sigmoid: bool) -> Scores:
    """Precision and recall of all pixels at 19 thresholds; F with beta squared = 0.3."""
    scores = []
    for threshold in np.arange(1, 20) * 0.05:
        hits = predicted = actual = 0
        for prediction, truth in zip(predictions, truths, strict=True):
            mask = (1 / (1 + np.exp(-prediction)) if sigmoid else prediction) >= threshold
            hits += (mask & truth).sum()
            predicted += mask.sum()
            actual += truth.sum()
        if predicted and hits:
            p, r = hits / predicted, hits / actual
            scores.append(1.3 * p * r / (0.3 * p + r))
    return {'max_f': float(max(scores))}


def iou(
    predictions: Maps, truths: Maps, classes: int, *, skip_background: bool, empty: float
) -> Scores:
    """Mean IoU from true positives, false positives and false negatives of the set.

    Args:
      predictions: class indices.
      truths: class indices, 255 for void.
      classes: number of classes.
      skip_background: without images of class 0 and void only.
      empty: IoU of a class that does not occur.
    """
    tp, fp, fn = np.zeros((3, classes))
    correct = labelled = 0
    for prediction, truth in zip(predictions, truths, strict=True):
        if skip_background and not set(np.unique(truth)) - {0, 255}:
            continue
        valid = truth != 255
        correct, labelled = correct + (valid & (prediction == truth)).sum(), labelled + valid.sum()
        for c in range(classes):
            tp[c] += ((truth == c) & (prediction == c) & valid).sum()
            fp[c] += ((truth != c) & (prediction == c) & valid).sum()
            fn[c] += ((truth == c) & (prediction != c) & valid).sum()
    total = tp + fp + fn
    values = [t / n if n else empty for t, n in zip(tp, total, strict=True)]
    return {'miou': float(np.mean(values)), 'pixel_accuracy': float(correct / labelled)}


def normals(predictions: Maps, truths: Maps, *, unit: bool, batch: int) -> Scores:
    """Angles in degrees, pooled over batches of images, and the mean over the batches."""
    batches = []
    for start in range(0, len(truths), batch):
        angles = []
        for prediction, truth in zip(
            predictions[start : start + batch], truths[start : start + batch], strict=True
        ):
            known = np.linalg.norm(truth, axis=2) != 0
            p, t = prediction[known].astype(float), truth[known].astype(float)
            if unit:
                p = p / (np.linalg.norm(p, axis=1, keepdims=True) + 1e-12)
                t = t / (np.linalg.norm(t, axis=1, keepdims=True) + 1e-12)
            angles.append(np.rad2deg(np.arccos(np.clip((p * t).sum(1), -1, 1))))
        angle = np.concatenate(angles)
        batches.append(
            {
                'mean': np.mean(angle),
                'median': np.median(angle),
                'rmse': np.mean(angle**2) ** 0.5,
                'below_11_25': np.mean(angle < 11.25) * 100,
                'below_22_5': np.mean(angle < 22.5) * 100,
                'below_30': np.mean(angle < 30) * 100,
            }
        )
    return {name: float(np.mean([scores[name] for scores in batches])) for name in batches[0]}


def depth_astmt(predictions: Maps, truths: Maps) -> Scores:
    """Mean over images of the RMSE of all pixels; unknown depths are 1e-9."""
    errors = []
    for prediction, truth in zip(predictions, truths, strict=True):
        truth = np.where(truth == 0, 1e-9, truth)
        prediction = np.where(prediction <= 0, 1e-9, prediction)
        errors.append(np.sqrt(((truth - prediction) ** 2).sum() / truth.size))
    return {'rmse': float(np.mean(errors))}


def depth_atrc(predictions: Maps, truths: Maps) -> Scores:
    """RMSE of all pixels of the set; unknown depths are 255."""
    squares = []
    for prediction, truth in zip(predictions, truths, strict=True):
        truth = np.where(truth == 0, 255, truth)
        squares.append((np.clip(prediction, 0, None) - truth).ravel() ** 2)
    return {'rmse': float(np.sqrt(np.concatenate(squares).mean()))}


def depth_of_pixels(predictions: Maps, truths: Maps) -> Scores:
    """Errors of all known pixels of the set."""
    known = [truth != 0 for truth in truths]
    p = np.concatenate([p[mask] for p, mask in zip(predictions, known, strict=True)])
    t = np.concatenate([t[mask] for t, mask in zip(truths, known, strict=True)])
    p = np.where(p <= 0, 1e-9, p)
    return {
        'rmse': float(np.sqrt(((t - p) ** 2).mean())),
        'rmse_log': float(np.sqrt(((np.log(t) - np.log(p)) ** 2).mean())),
        'abs_rel': float((np.abs(t - p) / t).mean()),
        'sq_rel': float(((t - p) ** 2 / t).mean()),
    }


def depth_mtan(predictions: Maps, truths: Maps) -> Scores:
    """Errors of the known pixels of two images, and the mean over the pairs."""
    absolute, relative = [], []
    for start in range(0, len(truths), 2):
        t = np.concatenate([truth.ravel() for truth in truths[start : start + 2]])
        p = np.concatenate([map_.ravel() for map_ in predictions[start : start + 2]])
        p, t = p[t != 0], t[t != 0]
        absolute.append(np.abs(p - t).mean())
        relative.append((np.abs(p - t) / t).mean())
    return {'mae': float(np.mean(absolute)), 'abs_rel': float(np.mean(relative))}


def depth_eigen(predictions: Maps, truths: Maps) -> Scores:
    """Means over images of the errors within the crop."""
    images = []
    for prediction, truth in zip(predictions, truths, strict=True):
        crop = np.zeros(truth.shape, bool)
        crop[45:471, 41:601] = True
        valid = (truth > 1e-3) & (truth < 10) & crop
        p, t = np.clip(prediction, 1e-3, 10)[valid], truth[valid]
        ratio, log = np.maximum(t / p, p / t), np.log(p) - np.log(t)
        images.append(
            {
                'rmse': np.sqrt(((t - p) ** 2).mean()),
                'rmse_log': np.sqrt((log**2).mean()),
                'abs_rel': np.mean(np.abs(t - p) / t),
                'sq_rel': np.mean((t - p) ** 2 / t),
                'log10': np.mean(np.abs(np.log10(p) - np.log10(t))),
                'si_log': np.sqrt(np.mean(log**2) - np.mean(log) ** 2) * 100,
                'delta_1': (ratio < 1.25).mean(),
                'delta_2': (ratio < 1.25**2).mean(),
                'delta_3': (ratio < 1.25**3).mean(),
            }
        )
    return {name: float(np.mean([scores[name] for scores in images])) for name in images[0]}


def boundaries(predictions: Maps, truths: Maps, *, max_distance: float, seism: bool) -> Scores:
    """Best F of the set and with the best threshold of each image; dense assignments.

    Args:
      predictions: 8-bit maps.
      truths: thin lines, bool.
      max_distance: share of the diagonal.
      seism: suppress non-maxima and keep what is above the thresholds of HED, in place of what is
        at or above .01, .02 .. .99.
    """
    thresholds = [k / 100 for k in range(1, 100)]
    if seism:
        thresholds = [0.001, *thresholds, 0.999]
    counts = np.zeros((len(truths), len(thresholds), 4))
    for i, (prediction, truth) in enumerate(zip(predictions, truths, strict=True)):
        strength = prediction / 255
        if seism:
            strength = suppress(strength, Nms.UNSMOOTHED)
        for k, threshold in enumerate(thresholds):
            lines = thin(strength > threshold if seism else strength >= threshold)
            pairs = _match(lines, truth, max_distance * np.hypot(*truth.shape))
            counts[i, k] = pairs, truth.sum(), pairs, lines.sum()
    total = counts.sum(0)
    best = np.array([[_f(*scores) for scores in image] for image in counts]).argmax(1)
    chosen = counts[np.arange(len(counts)), best].sum(0)
    return {'ods': max(_f(*scores) for scores in total), 'ois': _f(*chosen)}


def _match(lines: np.ndarray, truth: np.ndarray, limit: float) -> int:
    """Number of pairs of the cheapest assignment, in which a pixel alone costs 100 limits."""
    a, b = np.argwhere(lines), np.argwhere(truth)
    distance = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    cost = np.where(distance <= limit, distance, 100 * limit)
    rows, columns = linear_sum_assignment(cost)
    return int((distance[rows, columns] <= limit).sum())


def _f(matched_truth: float, truth: float, matched: float, predicted: float) -> float:
    recall = matched_truth / truth if truth else 1
    precision = matched / predicted if predicted else 1
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

"""Evaluators for dense prediction. They need numpy and scipy, not the rest of the package.

`plots` needs matplotlib, too, which is only imported when it is used.

Every metric accumulates over images and records its protocol in its result:

    metric = SegmentationMetric(num_classes=21)
    for prediction, ground_truth in images:
        metric.update(prediction, ground_truth)
    result = metric.compute()
    result.miou, result.protocol, result.to_json()

| module                | metric                                | scores of the result           |
|-----------------------|---------------------------------------|--------------------------------|
| `segmentation`        | `SegmentationMetric(num_classes)`     | `miou`, `per_class`            |
| `saliency`            | `SaliencyMetric(normalise=False)`     | `max_f`, `max_f_per_image`,    |
|                       |                                       | `mae`, `miou_15`               |
| `normals`             | `NormalsMetric()`                     | `mean`, `median`, `rmse`,      |
|                       |                                       | `below_11_25`, `below_22_5`,   |
|                       |                                       | `below_30`                     |
| `depth`               | `DepthMetric(valid=(0.001, 80))`      | `rmse`, `mae`, `abs_rel`, ..., |
|                       |                                       | `delta_1`, `delta_2`, `delta_3`|
| `boundaries`          | `BoundaryMetric(nms=Nms.SMOOTHED)`    | `ods`, `ois`, `ap`, `r50`      |
| `semantic_boundaries` | `SemanticBoundaryMetric(names, mode)` | `ods`, `ap`, `per_class`       |
| `detection`           | `DetectionMetric(names, ApMode.VOC07)`| `map`, `per_class`             |
| `proposals`           | `ProposalMetric(limits)`              | `recall`, `average_recall`     |
| `multitask`           | `delta_m(files, single_task_files)`   | `delta_m`, `per_task`          |

To score files: `ubernet score TASK PREDICTIONS GROUND_TRUTH --json OUT`. Only this
command needs the rest of the package, because it reads files as `prepare` does
(`ubernet_jax.scoring`).

`update(prediction, ground_truth)` is `add(measure(prediction, ground_truth))`: `measure` evaluates
one image and may run in another process; `add` accumulates. Invalid input raises `MetricError`, a
`ValueError` whose message is the complete error report.
"""

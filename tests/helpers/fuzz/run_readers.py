"""Readers of the files of runs and of COCO's instances: JSON, with small valid files as seeds."""

import json
import pathlib
from typing import Any

from hypothesis import strategies as st

from helpers import tiny_config
from helpers.dataset_files import random_image
from helpers.fuzz.damage import any_file, as_json
from helpers.fuzz.reader import Reader
from helpers.run_folders import (
    BELOW_30,
    MAE,
    MAX_F,
    MEAN,
    NETWORK,
    PROVENANCE,
    VOC07,
    write_image_scores,
    write_run,
)
from helpers.tiny_box_datasets import write_coco
from ubernet_jax.comparison import results, runs, workdir
from ubernet_jax.config import Config, serialization
from ubernet_jax.config.validation import validate
from ubernet_jax.datasets.builders import coco
from ubernet_jax.datasets.builders.instances import Corrections
from ubernet_jax.json_file import read_json
from ubernet_jax.metrics.multitask import MultitaskResult, delta_m
from ubernet_jax.weights.card import Results, select_results

_SCORES = {
    'saliency': {MAX_F: 0.6, MAE: 0.1},
    'normals': {MEAN: 27.0, BELOW_30: None},
    'detection_voc07': {VOC07: 0.5},
}
_LOG = b'{"step": 1, "time": 0.5, "loss/normals": 0.1}\n{"step": 2, "images_per_second": NaN}\n'


def make_run_readers(folder: pathlib.Path) -> dict[str, Reader]:
    """The readers by name; seeds are written to `folder` first."""
    write_run(folder / 'run', _SCORES)
    write_image_scores(folder / 'run', 'normals', MEAN, {'a': 30.0, 'b': 24.5})
    run = runs.read_run(folder / 'run')
    reports = [json.loads(path.read_text()) for path in sorted(folder.rglob('*-*.json'))]
    reports = st.one_of(map(_documents, reports))
    write_coco(folder)
    instances = json.loads((folder / 'coco/annotations/instances_train2017.json').read_text())
    settings = _documents(serialization.to_json(tiny_config.get_config()))
    return {
        'configuration': Reader(_read_config, 'config.json', settings, Config, named=False),
        'run_configuration': Reader(
            lambda path: workdir.read_settings(path.parent),
            'config.json',
            settings,
            workdir.Settings,
        ),
        'log': Reader(
            lambda path: workdir.read_log(path.parent), 'log.jsonl', any_file([_LOG]), dict
        ),
        'provenance': Reader(
            lambda path: workdir.read_provenance(path.parent),
            'provenance.json',
            _documents(PROVENANCE),
            dict,
        ),
        'results': Reader(lambda path: results.read_results(path.parent), 'a.json', reports, dict),
        'card': Reader(
            lambda path: select_results(path.parent, NETWORK, tuple(_SCORES)),
            'a.json',
            reports,
            Results,
        ),
        'kept_run': Reader(runs.read_run, 'a.json', _documents(run.to_json()), runs.Run),
        'single_task': Reader(
            lambda path: delta_m({'saliency': path}, {'saliency': path}),
            'a.json',
            reports,
            MultitaskResult,
        ),
        'coco': Reader(
            _read_coco,
            'annotations/instances_train2017.json',
            _documents(instances),
            list,
            named=False,
        ),
    }


def _documents(document: Any) -> st.SearchStrategy[bytes]:
    return any_file([json.dumps(document).encode()]) | as_json(document)


def _read_config(path: pathlib.Path) -> Config:
    config = serialization.from_json(read_json(path))
    validate(config)
    return config


def _read_coco(path: pathlib.Path) -> list:
    source = path.parents[1]
    for number in (9, 30):
        image = source / 'train2017' / f'{number:012d}.jpg'
        if not image.exists():
            random_image(image, 30, 40)
    # `read` does not use the builder.
    return [
        coco.Coco2017.read(None, item) for item in coco._list_items(source, 'train', Corrections())
    ]

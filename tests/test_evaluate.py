"""`python -m ubernet_jax.evaluate` with small datasets: results, their names, what is refused."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from helpers import plain_network, tiny_network
from helpers.dataset_files import write_json
from ubernet_jax import UberNet, evaluate, prepare
from ubernet_jax import config as c
from ubernet_jax.errors import UserError
from ubernet_jax.evaluation.plans import plan_benchmarks
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.monitoring import preview
from ubernet_jax.network import make_network
from ubernet_jax.visualize import Panel, contact_sheet
from ubernet_jax.weights.exported import TrainedNetwork, save_exported

pytestmark = pytest.mark.slow

# The command, for a network of three tasks on two datasets whose labels have other names.
ROAD, CROP, VEHICLES = ('other', 'road', 'kerb'), ('soil', 'weed'), ('background', 'car', 'bus')

STREET = c.DatasetConfig(
    name='folder/street', split='test', labels={'road': 'surface', 'cars': 'vehicles'}
)

FARM = c.DatasetConfig(name='folder/farm', split='test', labels={'crop': 'plants'})


@pytest.fixture(scope='module')
def prepared(tmp_path_factory) -> pathlib.Path:
    root = tmp_path_factory.mktemp('mapped')
    rng = np.random.default_rng(0)
    kinds = {
        'street': {
            'surface': {'kind': 'class_map', 'classes': ROAD},
            'vehicles': {'kind': 'boxes', 'classes': VEHICLES},
        },
        'farm': {'plants': {'kind': 'class_map', 'classes': CROP}},
    }
    for dataset, labels in kinds.items():
        write_json(root / dataset / 'labels.json', labels)
        for name in ('a', 'b'):
            files = {'images': rng.integers(0, 256, (40, 50, 3), np.uint8)}
            for label, kind in labels.items():
                if label == 'vehicles':
                    car = {'box': [5, 5, 30, 35], 'label': 'car'}
                    write_json(root / dataset / 'test' / label / f'{name}.json', [car])
                else:
                    files[label] = rng.integers(0, len(kind['classes']), (40, 50), np.uint8)
            for folder, pixels in files.items():
                path = root / dataset / 'test' / folder / f'{name}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
        folders = ['--source', str(root), '--directory', str(root / 'prepared')]
        prepare.main([f'folder/{dataset}', *folders])
    return root / 'prepared'


@pytest.fixture(scope='module')
def trained(prepared) -> TrainedNetwork:
    config = c.Config(
        name='mapped',
        steps=7,
        tasks={
            'road': c.Segmentation(classes=ROAD),
            'crop': c.Segmentation(classes=CROP),
            'cars': c.Detection(classes=VEHICLES, detector=tiny_network.DETECTOR),
        },
        model=c.ModelConfig(width=1 / 32, scales=1),
        data=c.DataConfig(directory=str(prepared)),
        input_size=tiny_network.ALWAYS_33,
        evaluation=c.EvaluationConfig(benchmarks=[STREET, FARM]),
    )
    params, batch_stats = plain_network.random_variables(make_network(config))
    return TrainedNetwork(config, 7, params, batch_stats)


@pytest.fixture
def run_evaluate(trained, tmp_path, monkeypatch):
    """A function that writes the network to a file, runs the command, and reads the results."""

    def run(*options: str, **changes: object) -> dict[str, dict]:
        config = dataclasses.replace(trained.config, **changes)
        save_exported(trained._replace(config=config), tmp_path / 'net.safetensors')
        arguments = ['evaluate', '--checkpoint', str(tmp_path / 'net.safetensors'), *options]
        monkeypatch.setattr('sys.argv', arguments)
        evaluate.main()
        folder = tmp_path / 'net' / 'results' / '00000007'
        return {file.stem: json.loads(file.read_text()) for file in folder.glob('*.json')}

    return run


def test_tasks_are_scored_on_the_labels_that_they_are_mapped_to(
    run_evaluate, prepared, tmp_path, capsys
):
    reports = run_evaluate()
    detection = {f'folder_street-test-cars_{end}' for end in ('voc07', 'voc10', 'proposals')}
    assert set(reports) == {'folder_street-test-road', 'folder_farm-test-crop'} | detection
    net, root = UberNet.load(tmp_path / 'net.safetensors'), prepared.parent
    for task, dataset, label, classes in (
        ('road', 'street', 'surface', ROAD), ('crop', 'farm', 'plants', CROP)
    ):  # fmt: skip
        predicted, true = [], []
        for name in ('a', 'b'):
            split = root / dataset / 'test'
            predicted.append(net.predict(split / 'images' / f'{name}.png', task)[task])
            true.append(np.asarray(Image.open(split / label / f'{name}.png')))
        predicted, true = np.stack(predicted), np.stack(true)
        overlaps = [
            ((predicted == i) & (true == i)).sum() / ((predicted == i) | (true == i)).sum()
            for i in range(len(classes))
        ]
        report = reports[f'folder_{dataset}-test-{task}']
        assert report['task'] == report['result'] == task and report['images'] == 2
        assert (report['dataset'], report['split']) == (f'folder/{dataset}', 'test')
        assert (report['experiment'], report['step']) == ('mapped', 7)
        assert list(report['per_class']) == list(classes)
        assert report['miou'] == pytest.approx(np.mean(overlaps))
        # Scores are written with their descriptions.
        assert report['scores'] == [
            {'name': 'miou', 'label': 'mIoU', 'unit': '', 'lower_is_better': False, 'main': True,
             'value': report['miou']}
        ]  # fmt: skip
    for name in detection:
        report = reports[name]
        assert report['task'] == 'cars' and report['result'] == name.split('-')[-1]
        assert report['scores'] and all(score['value'] is not None for score in report['scores'])
    main = [name for name in detection if any(score['main'] for score in reports[name]['scores'])]
    assert main == ['folder_street-test-cars_voc07']
    printed = capsys.readouterr().out
    assert 'mIoU' in printed and 'cars_voc07' in printed and 'folder/farm:test' in printed
    following = printed.splitlines()[-1]
    checkpoint = tmp_path / 'net.safetensors'
    assert following.endswith(f'predict --checkpoint {checkpoint} PHOTO.jpg --out predictions')


def test_scores_of_single_images_are_written_beside_those_of_the_dataset(
    run_evaluate, prepared, tmp_path
):
    run_evaluate()
    folder = tmp_path / 'net' / 'results' / '00000007' / 'image_scores'
    names = {'folder_street-test-road.json', 'folder_farm-test-crop.json'}  # detection has none
    assert {file.name for file in folder.iterdir()} == names
    scores = json.loads((folder / 'folder_farm-test-crop.json').read_text())
    assert (scores['score']['name'], scores['score']['lower_is_better']) == ('miou', False)
    net = UberNet.load(tmp_path / 'net.safetensors')
    split = prepared.parent / 'farm' / 'test'
    assert {*scores['values']} == {'a', 'b'}
    for name, value in scores['values'].items():
        predicted = net.predict(split / 'images' / f'{name}.png', 'crop')['crop']
        true = np.asarray(Image.open(split / 'plants' / f'{name}.png'))
        overlaps = [
            ((predicted == i) & (true == i)).sum() / ((predicted == i) | (true == i)).sum()
            for i in range(len(CROP))
        ]
        assert value == pytest.approx(np.mean(overlaps), abs=1e-5)


def test_a_subset_of_the_tasks_or_images_can_be_scored(run_evaluate, tmp_path):
    assert set(run_evaluate('--tasks', 'crop')) == {'folder_farm-test-crop'}
    run_evaluate('--tasks', 'road', '--limit', '1')
    file = tmp_path / 'net' / 'results' / '00000007-limit1' / 'folder_street-test-road.json'
    assert json.loads(file.read_text())['images'] == 1


def test_other_views_than_those_of_the_configuration_are_scored_to_another_folder(
    run_evaluate, tmp_path
):
    name = 'folder_farm-test-crop'
    plain = run_evaluate('--tasks', 'crop')[name]
    run_evaluate('--tasks', 'crop', '--flip')
    file = tmp_path / 'net' / 'results' / '00000007-flip' / f'{name}.json'
    flipped = json.loads(file.read_text())
    assert plain['views'] == {'flip': False, 'scales': [1.0]}
    assert flipped['views'] == {'flip': True, 'scales': [1.0]}
    assert flipped['miou'] != plain['miou']
    evaluation = c.EvaluationConfig(benchmarks=[STREET, FARM], flip=True)
    assert run_evaluate('--tasks', 'crop', evaluation=evaluation)[name]['miou'] == flipped['miou']


def test_another_protocol_is_scored_to_another_folder(run_evaluate, tmp_path, capsys):
    assert 'preset' not in run_evaluate('--tasks', 'crop')['folder_farm-test-crop']['protocol']
    capsys.readouterr()
    run_evaluate('--protocol', 'invpt')
    printed = capsys.readouterr().out
    assert 'cars of folder/street:test is not scored: ' in printed
    assert 'invpt does not score detection' in printed
    folder = tmp_path / 'net' / 'results' / '00000007-invpt'
    reports = {file.stem: json.loads(file.read_text()) for file in folder.glob('*.json')}
    assert set(reports) == {'folder_street-test-road', 'folder_farm-test-crop'}
    for report in reports.values():
        assert report['protocol']['preset'] == 'invpt'
        assert 'InvPT/evaluation/eval_semseg.py' in report['protocol']['source']
        assert [score['name'] for score in report['scores']] == ['miou']
        assert 'per_class' not in report and 'confusion' not in report


def test_the_protocol_of_the_configuration_is_the_default(run_evaluate, tmp_path):
    evaluation = c.EvaluationConfig(benchmarks=[STREET, FARM], protocol='astmt')
    (report,) = run_evaluate('--tasks', 'crop', evaluation=evaluation).values()
    assert report['protocol']['preset'] == 'astmt'
    run_evaluate('--tasks', 'crop', '--protocol', 'ours', evaluation=evaluation)
    (file,) = (tmp_path / 'net' / 'results' / '00000007-ours').glob('*.json')
    assert 'preset' not in json.loads(file.read_text())['protocol']


def test_a_named_task_that_a_protocol_does_not_score_is_refused(run_evaluate):
    with pytest.raises(UserError, match='--tasks cars: .*invpt does not score detection'):
        run_evaluate('--protocol', 'invpt', '--tasks', 'crop', 'cars')


def test_results_record_the_network_and_the_data(run_evaluate, prepared):
    reports = run_evaluate('--tasks', 'crop', 'road').values()
    assert len({report['network'] for report in reports}) == 1
    assert {report['data']['directory'] for report in reports} == {str(prepared)}
    assert len({report['data']['digest'] for report in reports}) == 2


def test_scores_of_another_network_are_deleted(run_evaluate, tmp_path, capsys):
    run_evaluate('--tasks', 'crop')
    path = tmp_path / 'net' / 'results' / '00000007' / 'folder_farm-test-crop.json'
    path.write_text(json.dumps(json.loads(path.read_text()) | {'network': '0' * 16}))
    assert set(run_evaluate('--tasks', 'road')) == {'folder_street-test-road'}
    assert [file.name for file in (path.parent / 'image_scores').iterdir()] == [
        'folder_street-test-road.json'
    ]
    assert 'folder_farm-test-crop.json' in capsys.readouterr().out


@pytest.mark.parametrize('change', [{'data': {'directory': 'a', 'digest': '0' * 16}}, None])
def test_scores_on_other_data_are_not_replaced(run_evaluate, tmp_path, change):
    run_evaluate('--tasks', 'crop')
    path = tmp_path / 'net' / 'results' / '00000007' / 'folder_farm-test-crop.json'
    earlier = json.loads(path.read_text())
    path.write_text(json.dumps(earlier | change if change else {'miou': 1}))
    with pytest.raises(UserError, match=r'folder_farm-test-crop\.json.*--out'):
        run_evaluate('--tasks', 'crop')


def test_training_images_in_another_data_directory_are_refused(run_evaluate, prepared, capsys):
    data = c.DataConfig(directory=str(prepared), train=[STREET])
    with pytest.raises(UserError, match='2 of folder/street:test are in folder/street:test'):
        run_evaluate('--data-directory', str(prepared), data=data)
    run_evaluate('--data-directory', str(prepared), data=dataclasses.replace(data, directory='no'))
    assert 'not checked' in capsys.readouterr().out


def test_a_task_is_scored_once_on_a_benchmark(trained):
    benchmarks = [STREET, FARM, FARM]
    config = dataclasses.replace(
        trained.config, evaluation=c.EvaluationConfig(benchmarks=benchmarks)
    )
    with pytest.raises(UserError, match=r'\[1\].*\[2\].*crop.*folder/farm:test'):
        plan_benchmarks(config, config.tasks)


@pytest.mark.parametrize(
    ('changes', 'parts'),
    [
        (
            {'labels': {'road': 'plants'}},
            ['road', "'plants'", 'folder/farm', '(3): other, road, kerb', '(2): soil, weed'],
        ),
        ({'labels': {'cars': 'plants'}}, ['cars', "'plants'", 'folder/farm:test']),
        ({'labels': {'crop': 'weeds'}}, ['folder/farm:test', "'weeds'", 'plants']),
        ({'name': 'folder/none'}, ['folder/none']),
    ],
)
def test_an_invalid_benchmark_is_an_error_before_anything_is_computed(trained, changes, parts):
    benchmarks = [STREET, dataclasses.replace(FARM, **changes)]
    config = dataclasses.replace(
        trained.config, evaluation=c.EvaluationConfig(benchmarks=benchmarks)
    )
    with pytest.raises(UserError) as error:
        plan_benchmarks(config, config.tasks)
    for part in parts:
        assert part in str(error.value)


def test_preview_pictures_during_training_show_the_mapped_labels(trained, tmp_path, monkeypatch):
    config, _, params, batch_stats = trained
    predictor = Predictor(make_network(config), config.input_size, params, batch_stats)
    drawn = []

    def draw(panels: list[Panel | None], **layout: int) -> np.ndarray:
        drawn.extend(panel and panel.caption for panel in panels)
        return contact_sheet(panels, **layout)

    monkeypatch.setattr(preview, 'contact_sheet', draw)
    preview.Preview(config, tmp_path / 'pictures').draw(7, predictor)
    assert drawn == [
        'a', 'road', 'crop', 'cars', None, 'road (label)', None, 'cars (label)',
        'a', 'road', 'crop', 'cars', None, None, 'crop (label)', None,
    ]  # fmt: skip
    with Image.open(tmp_path / 'pictures' / '00000007.png') as sheet:
        assert sheet.width > 4 * 200


def test_benchmarks_without_labels_for_the_tasks_are_an_error(run_evaluate):
    unmapped = [dataclasses.replace(benchmark, labels={}) for benchmark in (STREET, FARM)]
    message = 'folder/street:test, folder/farm:test.*road, crop, cars.*evaluation.benchmarks'
    with pytest.raises(UserError, match=message):
        run_evaluate(evaluation=c.EvaluationConfig(benchmarks=unmapped))


def test_a_configuration_without_benchmarks_is_an_error(run_evaluate):
    with pytest.raises(UserError, match=r'net\.safetensors.*evaluation\.benchmarks'):
        run_evaluate(evaluation=c.EvaluationConfig())

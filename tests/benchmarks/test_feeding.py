"""A short run of the benchmark of what an image costs before the device has it."""

import json

from benchmarks import feeding


def test_time_and_bytes_of_every_case_are_reported(tmp_path, monkeypatch):
    report = tmp_path / 'feeding.json'
    words = ['--size', '33x65', '--photograph', '40x60', '--rounds', '1', '--json', str(report)]
    monkeypatch.setattr('sys.argv', ['feeding', *words])
    feeding.main()
    costs = json.loads(report.read_text())
    assert set(costs) == set(feeding.make_cases())
    assert all(cost['milliseconds'] > 0 for cost in costs.values())
    scalars = 2 * 4 + 2 * 4  # size and scale
    assert costs['no label']['megabytes'] == (3 * 33 * 65 + scalars) / 1e6
    assert costs['depth']['megabytes'] == (5 * 33 * 65 + scalars + 2) / 1e6

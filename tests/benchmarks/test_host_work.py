"""A short run of the benchmark of the host's work."""

import json

from benchmarks import host_work
from ubernet_jax.inference import predictor
from ubernet_jax.tasks import strips


def test_the_work_of_host_and_device_and_the_bytes_are_reported(tmp_path, monkeypatch):
    report = tmp_path / 'host.json'
    words = ['host_work', '--size', '20x30', '--rounds', '1', '--json', str(report)]
    monkeypatch.setattr('sys.argv', words)
    monkeypatch.setattr(predictor, 'apply', None)  # restored after the test, like the next
    monkeypatch.setattr(strips, 'strip_program', strips.strip_program)
    monkeypatch.setattr(host_work, 'DENSE', ('saliency', 'parts'))
    host_work.main()
    content = json.loads(report.read_text())
    assert content['photograph'] == [20, 30]
    assert content['milliseconds']['host'] > 0 and content['milliseconds']['device'] > 0
    assert content['megabytes'] == strips.ROWS * 64 * (2 + 1) / 1e6  # float16 and bytes

"""A long run: memory does not grow, and nothing is compiled after the first epochs."""

import os
import pathlib
import re
import statistics

import pytest

from helpers.moments import last_step, wait_until
from helpers.training import finish

STEPS = int(os.environ.get('SOAK_STEPS', '20000'))
EVERY = 500  # steps between checkpoints, pictures and scores: every program is used until then
SAMPLES = 50
GROWTH = 1.02


def resident(pid: int) -> int:
    """Resident bytes of a process, without mapped files."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return 1024 * int(re.search(r'RssAnon:\s+(\d+) kB', status)[1])


@pytest.mark.soak
def test_memory_does_not_grow_and_nothing_is_compiled_again(start, tmp_path, monkeypatch):
    monkeypatch.setenv('JAX_LOG_COMPILES', '1')
    process = start(
        tmp_path, f'--config.steps={STEPS}', '--config.log_every=20',
        f'--config.checkpoint_every={EVERY}', f'--config.pictures_every={EVERY}',
        f'--config.evaluate_every={EVERY}', '--config.data.workers=1',
    )  # fmt: skip
    samples = []
    for sample in range(1, SAMPLES):
        goal = STEPS * sample // SAMPLES
        wait_until(lambda goal=goal: last_step(tmp_path) >= goal, process)
        samples.append(resident(process.pid))
    (output,) = finish(process)
    print(f'MB resident, every {STEPS // SAMPLES} steps:', [s // 2**20 for s in samples])
    early, late = (statistics.median(part) for part in (samples[5:15], samples[-10:]))
    assert late <= GROWTH * early
    lines = output.splitlines()
    warm = next(i for i, line in enumerate(lines) if line.startswith(f'step {EVERY + 20}/'))
    assert any('Compiling' in line for line in lines[:warm])
    assert [line for line in lines[warm:] if 'Compiling' in line] == []

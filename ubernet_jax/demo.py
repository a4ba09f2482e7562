"""Serves a trained network as a web page.

    python -m ubernet_jax.demo --checkpoint runs/quickstart

Needs the extra `demo` (Gradio). The page can be opened on this machine only, unless --host is
0.0.0.0. Uploaded files are stored in a temporary folder and deleted after an hour, and when the
server stops.
"""

import argparse
import importlib.util
import os
import pathlib
import signal
import tempfile

from PIL import Image

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.weights.trained import CHECKPOINT_HELP

GRADIO = 'gradio'  # of the extra `demo`
MAX_FILE = '20mb'
MAX_WAITING = 32  # visitors in the queue; further visitors are asked to come back
MAX_SESSIONS = 32  # visitors whose last result is kept
SCENES = (1, 2, 3)  # seeds of the samples


def draw_samples(folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes synthetic scenes as PNG files to `folder`; returns their paths."""
    paths = [folder / f'scene{seed}.png' for seed in SCENES]
    for path, seed in zip(paths, SCENES, strict=True):
        Image.fromarray(draw_scene(seed, 384, 512).image).save(path)
    return paths


def main() -> None:
    arguments = _parse_arguments()
    if importlib.util.find_spec(GRADIO) is None:
        raise UserError(
            'the web page needs Gradio, which is not installed: pip install "ubernet_jax[demo]"'
        )
    enable_compilation_cache()
    net = UberNet.load(arguments.checkpoint)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as for Ctrl-C
    with tempfile.TemporaryDirectory(prefix='ubernet_jax-') as folder:
        # Set before Gradio is imported: it and matplotlib, which it imports, read these only once.
        os.environ |= {
            'GRADIO_TEMP_DIR': folder,
            'GRADIO_ANALYTICS_ENABLED': 'False',
            'MPLCONFIGDIR': folder,
        }
        tempfile.tempdir = folder
        from ubernet_jax.inference.page.layout import STYLE, build_page

        samples = draw_samples(pathlib.Path(folder))
        net.predict(samples[0])  # so that the first visitor does not wait for the compilation
        page = build_page(net, samples).queue(max_size=MAX_WAITING, default_concurrency_limit=1)
        page.launch(
            server_name=arguments.host,
            server_port=arguments.port,
            share=False,
            ssr_mode=False,
            run_history=False,
            footer_links=[],
            max_file_size=MAX_FILE,
            css=STYLE,
            state_session_capacity=MAX_SESSIONS,
        )


def _parse_arguments() -> argparse.Namespace:
    parser = cli.make_parser('demo', __doc__)
    parser.add_argument('--checkpoint', type=pathlib.Path, required=True, help=CHECKPOINT_HELP)
    parser.add_argument('--host', default='127.0.0.1', help='address to listen on')
    parser.add_argument('--port', type=cli.positive_integer, default=7860)
    return parser.parse_args()


if __name__ == '__main__':
    cli.run(main)

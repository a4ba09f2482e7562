"""Serves a trained network as a web page.

    ubernet demo
    ubernet demo --checkpoint runs/quickstart

Needs the extra `demo` (Gradio). The page can be opened on this machine only, unless --host is
0.0.0.0; then also under the addresses of this machine, and under names that are given with --name.
Files of visitors are stored in a temporary folder and deleted after an hour, earlier if they take
more than 1 GB, and when the server stops. If the server is killed, the next server deletes them.
"""

import argparse
import importlib.util
import os
import pathlib
import signal
import tempfile
from collections.abc import Sequence

from ubernet_jax import cli
from ubernet_jax.compilation import enable_compilation_cache
from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.page.files import server_folder
from ubernet_jax.process_limits import share_heaps
from ubernet_jax.weights.reference import REFERENCE
from ubernet_jax.weights.trained import CHECKPOINT_HELP

GRADIO = 'gradio'  # of the extra `demo`


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    if importlib.util.find_spec(GRADIO) is None:
        raise UserError(
            'the web page needs Gradio, which is not installed: pip install "ubernet_jax[demo]"'
        )
    share_heaps()
    enable_compilation_cache()
    net = UberNet.load(options.checkpoint)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as for Ctrl-C
    with server_folder() as folder:
        # Set before Gradio is imported: it and matplotlib, which it imports, read these only once.
        os.environ |= {
            'GRADIO_TEMP_DIR': str(folder),
            'GRADIO_ANALYTICS_ENABLED': 'False',
            'MPLCONFIGDIR': str(folder),
        }
        tempfile.tempdir = str(folder)
        from ubernet_jax.inference.page.launch import launch
        from ubernet_jax.inference.page.layout import build_page
        from ubernet_jax.inference.page.samples import write_samples

        samples = write_samples(folder, net.datasets)
        print('The network is being compiled for the first sample', flush=True)
        net.predict(samples[0].path)  # so that the first visitor does not wait for it
        page = build_page(net, samples)
        launch(page, folder, options.host, options.port, options.name)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('demo')
    parser.add_argument(
        '--checkpoint',
        type=pathlib.Path,
        default=pathlib.Path(REFERENCE),
        metavar='RUN',
        help=f'{CHECKPOINT_HELP} (default: %(default)s)',
    )
    parser.add_argument('--host', default='127.0.0.1',
                        help='address to listen on; 0.0.0.0: also for other machines '
                        '(default: %(default)s)')  # fmt: skip
    parser.add_argument(
        '--name',
        action='append',
        default=[],
        help='name of this machine under which the page is opened; may be given several times',
    )
    parser.add_argument('--port', type=cli.positive_integer, default=7860, metavar='N',
                        help='port to listen on (default: %(default)s)')  # fmt: skip
    return parser.parse_args(arguments)


if __name__ == '__main__':
    cli.run(main)

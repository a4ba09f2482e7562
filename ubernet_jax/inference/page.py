"""The web page: a photograph goes in, every task's picture comes out beside the others."""

import base64
import functools
import html
import io
import os
import pathlib
import shutil
import tempfile
from collections.abc import Sequence

import gradio as gr
import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.predictions import Predictions
from ubernet_jax.photographs import read_photograph
from ubernet_jax.visualize import Panel, Style

SIDE = 1024  # pixels; photographs with a longer side are made smaller before they are predicted
KEPT = 3600  # seconds that a visitor's files and results stay on the server

_TITLE = """# UberNet
One network, one pass, many tasks. Drop a photograph or take a sample; point into a picture for what
the network says there."""
# Gradio tells where a picture is clicked, but not where the pointer is: this clicks at its place.
_HOVER = """() => {
    let last = 0;
    document.addEventListener('mousemove', event => {
        if (!event.target.matches('.result img') || event.timeStamp < last + 200) return;
        last = event.timeStamp;
        const {clientX, clientY} = event;
        event.target.dispatchEvent(new MouseEvent('click', {clientX, clientY, bubbles: true}));
    });
}"""

STYLE = """
#results { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(250px, 100%), 1fr)); }
.legend span { display: inline-block; margin-right: .8em; white-space: nowrap; }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .3em; }
#values table { width: 100%; margin: 0; font-size: .9em; }
#values td { padding: 2px 6px; }
@media (max-width: 640px) {
    #left { display: contents; }
    #settings { order: 1; }
    #values:has(table) { position: fixed; bottom: 0; left: 0; z-index: 100; padding: 6px; }
    #values { background: var(--body-background-fill); }
}"""


def build_page(net: UberNet, samples: Sequence[pathlib.Path]) -> gr.Blocks:
    """Lays the page out.

    Args:
      net: the trained network.
      samples: pictures ready to try, in Gradio's temporary folder.
    """
    default = Style()
    with gr.Blocks(title='UberNet', analytics_enabled=False, delete_cache=(KEPT, KEPT)) as page:
        gr.Markdown(_TITLE)
        kept = gr.State(time_to_live=KEPT)
        with gr.Row():
            with gr.Column(scale=1, min_width=280, elem_id='left'):
                with gr.Column():
                    upload = _add_upload()
                    gr.Examples([[str(path)] for path in samples], upload, label='Samples')
                with gr.Column(elem_id='settings'):
                    opacity = gr.Slider(0, 1, default.opacity, step=0.05, elem_id='opacity',
                                        label='Overlay of class colours')  # fmt: skip
                    score = gr.Slider(0, 1, default.score, step=0.05, elem_id='score',
                                      label='Least score of a box')  # fmt: skip
                    thickness = gr.Slider(0, 9, default.thickness, step=1, elem_id='thickness',
                                          label='Boundary thickness (0: soft)')  # fmt: skip
                    download = gr.DownloadButton(
                        'Download everything', interactive=False, elem_id='download'
                    )
                    values = gr.HTML(elem_id='values')
            with gr.Column(scale=3), gr.Row(elem_id='results'):
                pictures, legends = zip(*map(_add_place, net.tasks), strict=True)

        sliders = [opacity, score, thickness]
        shown = [*pictures, *legends, values]
        redraw = {
            'fn': functools.partial(_draw, tuple(net.tasks)), 'inputs': [kept, *sliders],
            'outputs': shown, 'show_progress': 'hidden', 'api_visibility': 'private',
        }  # fmt: skip
        upload.change(
            functools.partial(_predict, net), upload, [kept, download],
            show_progress_on=[*pictures], api_name='predict',
        ).then(**redraw)  # fmt: skip
        for slider in sliders:
            slider.change(**redraw)
        for picture in pictures:
            picture.select(
                _describe, [kept, score], values, show_progress='hidden', queue=False,
                trigger_mode='always_last', api_visibility='private',
            )  # fmt: skip
        page.load(None, js=_HOVER)
    return page


def _add_upload() -> gr.Image:
    """An image input that hands on the file itself, whatever it holds, and fetches no address.

    Its methods are set one by one: of a derived class Gradio would write a file beside this one.
    """
    upload = gr.Image(label='Photograph', sources=['upload', 'clipboard'], elem_id='photograph')
    move = upload.async_move_resource_to_block_cache

    async def move_file(path: str | None) -> str | None:
        if path is not None and not os.path.isfile(path):
            raise gr.Error('only uploaded files are read')
        return await move(path)

    upload.async_move_resource_to_block_cache = move_file
    # What is wrong with a file, `read_photograph` says better than Gradio.
    upload.preprocess = lambda payload: payload and payload.path
    return upload


def _add_place(task: str) -> tuple[gr.Image, gr.HTML]:
    """Where one task's picture and its legend are shown."""
    with gr.Column(min_width=260):
        picture = gr.Image(
            label=task.replace('_', ' '), elem_id=f'picture-{task}', elem_classes='result',
            format='png', interactive=False, buttons=['download', 'fullscreen'],
        )  # fmt: skip
        return picture, gr.HTML(elem_id=f'legend-{task}', elem_classes='legend')


def _predict(net: UberNet, path: str | None) -> tuple[Predictions | None, dict]:
    """The result, and all of it as a file to download; of a bad file a message on the page."""
    nothing = None, gr.DownloadButton(value=None, interactive=False)
    if path is None:
        return nothing
    try:
        photograph = Image.fromarray(read_photograph(path))
    except UserError as error:
        # Where the file lies on the server is nobody's business.
        message = str(error).replace(path, pathlib.Path(path).name)
        gr.Warning(html.escape(message), duration=None, title='This file cannot be used')
        return nothing
    photograph.thumbnail((SIDE, SIDE))
    result = net.predict(photograph)
    return result, gr.DownloadButton(value=_pack(result), interactive=True)


def _pack(result: Predictions) -> str:
    """Saves a result as one zip file, which Gradio deletes in time."""
    with tempfile.TemporaryDirectory() as folder:
        result.save(folder)
        return shutil.make_archive(f'{tempfile.mkdtemp()}/ubernet', 'zip', folder)


def _draw(
    tasks: Sequence[str], result: Predictions | None, opacity: float, score: float, thickness: int
) -> list[np.ndarray | str | None]:
    """The pictures, then the legends, then no values yet."""
    if result is None:
        return [None] * len(tasks) + [''] * len(tasks) + ['']
    panels = result.panels(Style(opacity=opacity, score=score, thickness=thickness))[1:]
    return [*(panel.picture for panel in panels), *map(_write_legend, panels), '']


def _write_legend(panel: Panel) -> str:
    if (key := panel.key(64)) is not None:
        file = io.BytesIO()
        Image.fromarray(key).save(file, 'png')
        code = base64.b64encode(file.getvalue()).decode()
        return f'<img alt="what the colours mean" src="data:image/png;base64,{code}">'
    return ' '.join(
        f'<span><i style="background: rgb{colour}"></i>{html.escape(name)}</span>'
        for name, colour in panel.legend.items()
    )


def _describe(result: Predictions | None, least: float, event: gr.SelectData) -> str:
    """What the network says of the point under the pointer, as a table."""
    if result is None:
        return ''
    x, y = event.index
    said = {
        name: task.describe_point(result[name], x, y, least) for name, task in result.tasks.items()
    }
    cells = ''.join(
        f'<tr><td>{name.replace("_", " ")}</td><td>{html.escape(value)}</td></tr>'
        for name, value in said.items()
    )
    return f'<table><caption>at column {x}, row {y}</caption>{cells}</table>'

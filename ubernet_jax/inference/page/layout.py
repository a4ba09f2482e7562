"""The web page: takes a photograph and shows the pictures of all tasks side by side."""

import base64
import functools
import html
import io
import os
import pathlib
import threading
from collections.abc import Sequence

import gradio as gr  # pyright: ignore[reportMissingImports]  (of the extra `demo`)
import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.page import results
from ubernet_jax.inference.page.files import KEPT
from ubernet_jax.inference.page.photograph import read_visitors_photograph
from ubernet_jax.visualize import Panel, Style

READERS = 2  # photographs that are read at a time

_TITLE = """# UberNet
One network, one pass, many tasks. Drop a photograph or choose a sample. Point at a pixel of a
picture to see what the network predicts there."""
# Gradio reports clicks on a picture, but not the pointer's position: this clicks where it moves.
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
    """Builds the page.

    Args:
      net: the trained network.
      samples: sample pictures, in Gradio's temporary folder.
    """
    default = Style()
    with gr.Blocks(title='UberNet', analytics_enabled=False) as page:
        gr.Markdown(_TITLE)
        kept = gr.State(time_to_live=KEPT)
        with gr.Row():
            with gr.Column(scale=1, min_width=280, elem_id='left'):
                with gr.Column():
                    upload = _add_upload()
                    chosen = gr.Dataset(
                        components=[upload], samples=[[str(path)] for path in samples],
                        label='Samples', type='values',
                    )  # fmt: skip
                with gr.Column(elem_id='settings'):
                    opacity = gr.Slider(0, 1, default.opacity, step=0.05, elem_id='opacity',
                                        label='Overlay of class colours')  # fmt: skip
                    score = gr.Slider(0, 1, default.score, step=0.05, elem_id='score',
                                      label='Minimum score of a box')  # fmt: skip
                    thickness = gr.Slider(0, 9, default.thickness, step=1, elem_id='thickness',
                                          label='Boundary thickness (0: soft)')  # fmt: skip
                    download = gr.DownloadButton(
                        'Download everything', interactive=False, elem_id='download'
                    )
                    values = gr.HTML(elem_id='values')
            with gr.Column(scale=3), gr.Row(elem_id='results'):
                pictures, legends = zip(*map(_add_result, net.tasks), strict=True)

        sliders = [opacity, score, thickness]
        shown = [*pictures, *legends, values]
        redraw = {
            'fn': functools.partial(_draw, tuple(net.tasks)), 'inputs': [kept, *sliders],
            'outputs': shown, 'show_progress': 'hidden', 'api_visibility': 'private',
        }  # fmt: skip
        upload.change(
            functools.partial(_predict, net, threading.Lock()), upload, [kept, download],
            show_progress_on=[*pictures], concurrency_limit=READERS, api_visibility='private',
        ).then(**redraw)  # fmt: skip
        # Not `gr.Examples`: it replaces the image input, and the changed methods of `_add_upload`.
        chosen.click(
            lambda sample: sample[0], chosen, upload, show_progress='hidden',
            api_visibility='private',
        )  # fmt: skip
        for slider in sliders:
            slider.change(**redraw)
        for picture in pictures:
            picture.select(
                _describe, [kept, score], values, show_progress='hidden',
                trigger_mode='always_last', api_visibility='private',
            )  # fmt: skip
        page.load(None, js=_HOVER)
    return page


def _add_upload() -> gr.Image:
    """Adds an image input that passes on the uploaded file unchanged and downloads no URL.

    Its methods are replaced on the instance: for a subclass Gradio would write a .pyi file to the
    folder of this module.
    """
    upload = gr.Image(label='Photograph', sources=['upload', 'clipboard'], elem_id='photograph')
    move = upload.async_move_resource_to_block_cache

    async def move_file(path: str | None) -> str | None:
        if path is not None and not os.path.isfile(path):
            raise gr.Error('only uploaded files are read')
        return await move(path)

    upload.async_move_resource_to_block_cache = move_file
    # The file is read in another process, and errors are reported better than by Gradio.
    upload.preprocess = lambda payload: payload and payload.path
    return upload


def _add_result(task: str) -> tuple[gr.Image, gr.HTML]:
    """Adds the components for a task's picture and its legend."""
    with gr.Column(min_width=260):
        picture = gr.Image(
            label=task.replace('_', ' '), elem_id=f'picture-{task}', elem_classes='result',
            format='png', interactive=False, buttons=['download', 'fullscreen'],
        )  # fmt: skip
        return picture, gr.HTML(elem_id=f'legend-{task}', elem_classes='legend')


def _predict(net: UberNet, predicting: threading.Lock, path: str | None) -> tuple[str | None, dict]:
    """Returns the stored result and the file to download; shows a message for an unreadable file.

    While a file takes long to be read, files of other visitors are read and predicted.
    """
    nothing = None, gr.DownloadButton(value=None, interactive=False)
    if path is None:
        return nothing
    try:
        photograph = read_visitors_photograph(path)
    except UserError as error:
        gr.Warning(html.escape(str(error)), duration=None, title='This file cannot be used')
        return nothing
    with predicting:
        result = net.predict(photograph)
    return results.store(result), gr.DownloadButton(value=results.pack(result), interactive=True)


def _draw(
    tasks: Sequence[str], kept: str | None, opacity: float, score: float, thickness: int
) -> list[np.ndarray | str | None]:
    """Returns the pictures, then the legends, then the empty table of values."""
    result = kept and results.load(kept)
    if kept and result is None:
        gr.Warning('The result was deleted. Upload the photograph again.')
    if not result:
        return [*([None] * len(tasks)), *([''] * len(tasks)), '']
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


def _describe(kept: str | None, score: float, event: gr.SelectData) -> str:
    """Returns a table of the predictions at the pixel under the pointer."""
    result = kept and results.load(kept)
    if not result:
        return ''
    x, y = event.index
    values = {
        name: task.describe_point(result[name], x, y, score) for name, task in result.tasks.items()
    }
    cells = ''.join(
        f'<tr><td>{name.replace("_", " ")}</td><td>{html.escape(value)}</td></tr>'
        for name, value in values.items()
    )
    return f'<table><caption>at column {x}, row {y}</caption>{cells}</table>'

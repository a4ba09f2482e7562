"""The web page: takes a photograph and shows the pictures of all tasks side by side."""

import base64
import functools
import html
import io
import os
import threading
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import gradio as gr  # pyright: ignore[reportMissingImports]  (of the extra `demo`)
import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.inference.api import UberNet
from ubernet_jax.inference.page import results
from ubernet_jax.inference.page.files import KEPT
from ubernet_jax.inference.page.photograph import read_visitors_photograph
from ubernet_jax.inference.page.samples import Sample
from ubernet_jax.inference.page.style import HOVER, REMOVE, WAITING, describe_samples
from ubernet_jax.tasks import Task
from ubernet_jax.visualize import Panel, Style

READERS = 2  # photographs that are read at a time

_TITLE = """# UberNet
One network, one pass, many tasks. Drop a photograph or choose a sample. Point at a pixel of a
picture to see what the network predicts there."""
_HINT = 'Point at a picture: the predictions for that pixel appear here.'


def build_page(net: UberNet, samples: Sequence[Sample]) -> gr.Blocks:
    """Builds the page.

    Args:
      net: the trained network.
      samples: sample pictures, in Gradio's temporary folder.
    """
    with gr.Blocks(title='UberNet', analytics_enabled=False) as page:
        gr.Markdown(_TITLE)
        kept = gr.State(time_to_live=KEPT)
        with gr.Row():
            with gr.Column(scale=1, min_width=260, elem_id='left'):
                with gr.Column(elem_id='input'):
                    upload = _add_upload()
                    status = gr.HTML(elem_id='status')
                    refused = gr.Textbox(visible=False)
                with gr.Column(elem_id='samples'):
                    chosen = _add_samples(upload, samples)
                with gr.Column(elem_id='settings'):
                    controls = _add_controls(net.tasks.values())
                    download = gr.DownloadButton(
                        'Download everything', interactive=False, elem_id='download'
                    )
            with gr.Column(scale=3), gr.Row(elem_id='results'):
                pictures, legends = zip(*map(_add_result, net.tasks), strict=True)
            with gr.Column(scale=1, min_width=200, elem_id='side'):
                values = gr.HTML(_HINT, elem_id='values')

        redraw = {
            'fn': functools.partial(_draw, tuple(net.tasks), tuple(controls)),
            'inputs': [kept, *controls.values()], 'outputs': [*pictures, *legends, values],
            'show_progress': 'hidden', 'api_visibility': 'private',
        }  # fmt: skip
        upload.change(None, upload, status, js=WAITING, api_visibility='private')
        # Not with `upload` as an output: Gradio would replace it by one without the changed methods
        # of `_add_upload`, and decode files of visitors in this process.
        predicted = upload.change(
            functools.partial(_predict, net, threading.Lock()), upload,
            [kept, download, status, refused],
            show_progress_on=[*pictures], concurrency_limit=READERS, api_visibility='private',
        )  # fmt: skip
        predicted.then(**redraw)
        predicted.then(None, [upload, refused], js=REMOVE, api_visibility='private')
        # Not `gr.Examples`: it replaces the image input, and the changed methods of `_add_upload`.
        chosen.click(
            lambda sample: sample[0], chosen, upload, show_progress='hidden',
            api_visibility='private',
        )  # fmt: skip
        for control in controls.values():
            control.change(**redraw)
        for picture in pictures:
            picture.select(
                _describe, [kept, *filter(None, [controls.get('score')])],
                values, show_progress='hidden', trigger_mode='always_last',
                api_visibility='private',
            )  # fmt: skip
        page.load(None, js=HOVER)
        page.load(None, js=describe_samples([sample.name for sample in samples]))
    return page


def _add_controls(tasks: Collection[Task]) -> dict[str, gr.Slider | gr.Checkbox]:
    """Adds a control for each field of `Style` that a task's pictures depend on, by its name."""
    default = Style()
    makers = {
        'opacity': lambda: gr.Slider(0, 1, default.opacity, step=0.05, elem_id='opacity',
                                     label='Overlay of class colours'),
        'score': lambda: gr.Slider(0, 1, default.score, step=0.05, elem_id='score',
                                   label='Minimum score of a box'),
        'thickness': lambda: gr.Slider(0, 9, default.thickness, step=1, elem_id='thickness',
                                       label='Boundary thickness (0: soft)'),
        'safe_colours': lambda: gr.Checkbox(default.safe_colours, elem_id='safe_colours',
                                            label='Colours for colour-blind viewers'),
    }  # fmt: skip
    used = {field for task in tasks for field in task.label.style_fields}
    return {field: make() for field, make in makers.items() if field in used}


def _add_samples(upload: gr.Image, samples: Sequence[Sample]) -> gr.Dataset:
    """Adds the samples, and below them who made them."""
    chosen = gr.Dataset(
        components=[upload], samples=[[str(sample.path)] for sample in samples],
        label='Samples', type='values',
    )  # fmt: skip
    credits = '; '.join(f'{sample.name}: {sample.credit}' for sample in samples if sample.credit)
    if credits:
        gr.HTML(f'{credits} (from scikit-image)', elem_classes='credits')
    return chosen


def _add_upload() -> gr.Image:
    """Adds an image input that passes on the uploaded file unchanged and downloads no URL.

    Its methods are replaced on the instance: for a subclass Gradio would write a .pyi file to the
    folder of this module.
    """
    upload = gr.Image(label='Photograph', sources=['upload', 'clipboard'], elem_id='photograph',
                      alt_text='the photograph')  # fmt: skip
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
            alt_text=f'predicted {task.replace("_", " ")}',
        )  # fmt: skip
        return picture, gr.HTML(elem_id=f'legend-{task}', elem_classes='legend')


def _predict(
    net: UberNet, predicting: threading.Lock, path: str | None
) -> Iterator[tuple[str | None, gr.DownloadButton, str, str]]:
    """Yields the stored result, the file to download and the status, while it works and at the end.

    The fourth is the path of an unreadable file, for which a message is shown, otherwise empty.
    While a file takes long to be read, files of other visitors are read and predicted.
    """
    nothing = None, gr.DownloadButton(value=None, interactive=False)
    if path is None:
        yield *nothing, '', ''
        return
    yield *nothing, _busy('The photograph is being read.'), ''
    try:
        photograph = read_visitors_photograph(path)
    except UserError as error:
        gr.Warning(html.escape(str(error)), duration=None, title='This file cannot be used')
        yield *nothing, '', path
        return
    if net.is_compiled_for(photograph):
        yield *nothing, _busy('The network predicts.'), ''
    else:
        yield (
            *nothing,
            _busy(
                'The network is being compiled for photographs of this shape, which takes longer '
                'than a prediction, and is done only once.'
            ),
            '',
        )
    with predicting:
        result = net.predict(photograph)
    packed = gr.DownloadButton(value=results.pack(result), interactive=True)
    yield results.store(result), packed, '', ''


def _busy(text: str) -> str:
    return f'<span role="status"><i class="busy"></i> {text}</span>'


def _draw(
    tasks: Sequence[str], fields: Sequence[str], kept: str | None, *settings: Any
) -> list[np.ndarray | str | None]:
    """Returns the pictures, then the legends, then the empty table of values.

    Args:
      tasks: names of the tasks.
      fields: names of the fields of `Style` that have a control.
      kept: where the result is stored.
      *settings: values of the fields.
    """
    result = kept and results.load(kept)
    if kept and result is None:
        gr.Warning('The result was deleted. Upload the photograph again.')
    if not result:
        return [*([None] * len(tasks)), *([''] * len(tasks)), _HINT]
    panels = result.panels(Style(**dict(zip(fields, settings, strict=True))))[1:]
    return [*(panel.picture for panel in panels), *map(_write_legend, panels), _HINT]


def _write_legend(panel: Panel) -> str:
    if (key := panel.key(64)) is not None:
        file = io.BytesIO()
        Image.fromarray(key).save(file, 'png')
        code = base64.b64encode(file.getvalue()).decode()
        return f'<img alt="key: what the colours mean" src="data:image/png;base64,{code}">'
    return ' '.join(
        f'<span><i style="background: rgb{colour}"></i>{html.escape(name)}</span>'
        for name, colour in panel.legend.items()
    )


def _describe(kept: str | None, event: gr.SelectData, score: float = Style().score) -> str:
    """Returns a table of the predictions at the pixel under the pointer."""
    result = kept and results.load(kept)
    if not result:
        return _HINT
    x, y = event.index
    values = {
        name: task.describe_point(result[name], x, y, score) for name, task in result.tasks.items()
    }
    cells = ''.join(
        f'<tr><td>{name.replace("_", " ")}</td><td>{html.escape(value)}</td></tr>'
        for name, value in values.items()
    )
    return f'<table><caption>at column {x}, row {y}</caption>{cells}</table>'

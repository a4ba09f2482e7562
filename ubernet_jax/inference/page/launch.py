"""Serves the page with Gradio, without the parts of Gradio that it does not need."""

import pathlib
from collections.abc import Collection

import gradio as gr  # pyright: ignore[reportMissingImports]  (of the extra `demo`)
from starlette.middleware import Middleware  # pyright: ignore[reportMissingImports]

from ubernet_jax.inference.page.files import deleting
from ubernet_jax.inference.page.requests import MAX_FILE, Gate
from ubernet_jax.inference.page.style import STYLE

MAX_WAITING = 32  # visitors in the queue; further visitors are asked to come back
MAX_SESSIONS = 256  # visitors whose last result is remembered


def launch(
    page: gr.Blocks, folder: pathlib.Path, host: str, port: int, names: Collection[str]
) -> None:
    """Serves the page until Ctrl-C.

    Args:
      page: the page.
      folder: Gradio's temporary folder, whose new files are deleted after a while.
      host: address to listen on.
      port: port to listen on.
      names: further names under which the page is opened.
    """
    page.queue(max_size=MAX_WAITING, default_concurrency_limit=1)
    with deleting(folder):
        _, address, _ = page.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,  # it would advertise a public link
            share=False,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            mcp_server=False,
            pwa=False,
            footer_links=[],
            max_file_size=MAX_FILE,
            css=STYLE,
            state_session_capacity=MAX_SESSIONS,
            app_kwargs={
                'middleware': [Middleware(Gate, folder, [host, *names])],
                'openapi_url': None,
            },
        )
        print(f'The page is at {address}, until Ctrl-C', flush=True)
        page.block_thread()

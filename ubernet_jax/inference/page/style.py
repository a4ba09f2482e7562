"""The style sheet and the scripts of the page."""

import json
from collections.abc import Sequence

# Gradio reports clicks on a picture, but not the pointer's position: this clicks where it moves.
HOVER = """() => {
    let last = 0;
    document.addEventListener('mousemove', event => {
        if (!event.target.matches('.result img') || event.timeStamp < last + 200) return;
        last = event.timeStamp;
        const {clientX, clientY} = event;
        event.target.dispatchEvent(new MouseEvent('click', {clientX, clientY, bubbles: true}));
    });
}"""
# Says at once that something happens, before the server answers.
WAITING = """photograph => photograph ? '<i class="busy"></i> The photograph is being sent.' : ''"""
# Clears an unreadable upload as the visitor would, not as an output of an event: see `build_page`.
# Meanwhile the visitor may have chosen another photograph, which stays.
REMOVE = """(photograph, refused) => {
    if (refused && photograph?.path === refused)
        document.querySelector('#photograph button[aria-label="Remove Image"]')?.click();
}"""

# The name of a task is above its picture, not on it, where Gradio would cover the name of a box.
# On a phone, samples, photograph, status and results follow each other, and the values of a pixel
# are at the lower edge of the screen.
STYLE = """
#results { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(230px, 100%), 1fr)); }
.result label[data-testid="block-label"] { position: static; width: fit-content; }
.legend span { display: inline-block; margin-right: .8em; white-space: nowrap; }
.legend span i { display: inline-block; width: .9em; height: .9em; margin-right: .3em;
    border: 1px solid gray; }
.credits { font-size: .8em; opacity: .8; }
#values { position: sticky; top: 1em; }
#values table { width: 100%; margin: 0; font-size: .9em; }
#values td { padding: 2px 6px; }
.busy { display: inline-block; width: 1em; height: 1em; vertical-align: -.15em; border-radius: 50%;
    border: .15em solid; border-top-color: transparent; animation: turn 1s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }
@media (max-width: 640px) {
    #left { display: contents; }
    #samples { order: -1; }
    #side { order: 1; }
    #settings { order: 2; }
    #values:has(table) { position: fixed; top: auto; bottom: 0; left: 0; right: 0; z-index: 100;
        padding: 6px; background: var(--body-background-fill); }
}"""


def describe_samples(names: Sequence[str]) -> str:
    """The script that gives the thumbnails of the samples a text, which Gradio leaves empty.

    Gradio draws them after the page is loaded, and again when it is changed.
    """
    return f"""() => {{
    const names = {json.dumps(list(names))};
    const describe = () => document.querySelectorAll('#samples img').forEach((image, number) => {{
        if (!image.alt) image.alt = `sample: ${{names[number]}}`;
    }});
    new MutationObserver(describe).observe(document.body, {{childList: true, subtree: true}});
    describe();
}}"""

"""User modules that define kinds of labels and of tasks.

They are imported only if the command line names them, never because a file does: a checkpoint or a
dataset only states which module it needs.
"""

import importlib

from ubernet_jax.errors import UserError

HELP = 'a Python module that registers kinds of labels or tasks; may be given several times'


def load_plugin(name: str) -> str:
    """Imports a module, which registers its kinds; an argparse type.

    Raises:
      UserError: there is no such module, or it cannot be imported.
    """
    try:
        importlib.import_module(name)
    except UserError:
        raise
    except Exception as error:  # user code may raise anything
        raise UserError(
            f'--plugin {name}: the module cannot be imported ({type(error).__name__}: {error}); '
            'give its name as in an import statement, and run the command where Python finds it: '
            'in its folder, or with that folder in PYTHONPATH'
        ) from error
    return name

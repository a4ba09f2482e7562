"""Compares the weights of the balancing methods with those of TorchJD, on random matrices.

Needs TorchJD: `pip install torchjd quadprog qpsolvers`.

python -m benchmarks.torchjd_weights --matrices 20
"""

import argparse
import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np

from ubernet_jax import cli
from ubernet_jax.training.balancing import aligned_mtl, imtl_g
from ubernet_jax.training.dual_cone import mgda, upgrad
from ubernet_jax.training.fairness import fairgrad, nash_mtl

OURS = {
    'mgda': mgda,
    'imtl_g': imtl_g,
    'nash_mtl': nash_mtl,
    'aligned_mtl': aligned_mtl,
    'fairgrad': functools.partial(fairgrad, alpha=2.0),
    'upgrad': upgrad,
}
FRANK_WOLFE_STEPS = 60_000  # of TorchJD's solver of MGDA, which converges slowly


def peer_weights() -> dict[str, Callable]:
    """TorchJD's weights, functions of the Gram matrix; Nash-MTL by the equation that it solves."""
    from torchjd import aggregation  # pyright: ignore[reportMissingImports]
    from torchjd.linalg import QuadprogProjector  # pyright: ignore[reportMissingImports]

    return {
        'mgda': aggregation.MGDAWeighting(epsilon=1e-9, max_iters=FRANK_WOLFE_STEPS),
        'imtl_g': aggregation.IMTLGWeighting(),
        'nash_mtl': aggregation.FairGradWeighting(alpha=1.0),
        'aligned_mtl': aggregation.AlignedMTLWeighting(),
        'fairgrad': aggregation.FairGradWeighting(alpha=2.0),
        'upgrad': aggregation.UPGradWeighting(
            projector=QuadprogProjector(norm_eps=1e-12, reg_eps=1e-13)
        ),
    }


def violation(gram: np.ndarray, weights: np.ndarray) -> float:
    """How far MGDA's weights are from its optimality condition, which is necessary and sufficient.

    No gradient may have a smaller inner product with the combination than the combination has with
    itself. The excess is divided by the mean squared length of the gradients.

    Args:
      gram: (K, K), inner products of the gradients.
      weights: (K,), at least 0.
    """
    shares = weights / weights.sum()
    products = gram @ shares
    return float(max(shares @ products - products.min(), 0) / np.diagonal(gram).mean())


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the largest difference for each method, of weights that are divided by their sum.

    For MGDA, also how far both solvers are from its optimality condition.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--matrices', type=int, default=20, metavar='N')
    count = parser.parse_args(arguments).matrices
    import torch  # pyright: ignore[reportMissingImports]

    jax.config.update('jax_enable_x64', True)
    rng = np.random.default_rng(0)
    peers = peer_weights()
    largest = {name: {'float64': 0.0, 'float32': 0.0} for name in OURS}
    violations = {'ours, float64': 0.0, 'ours, float32': 0.0, 'TorchJD': 0.0}
    for number in range(count):
        tasks = 2 + number % 7
        gradients = rng.normal(size=(tasks, 4 * tasks)) * rng.uniform(0.2, 3, (tasks, 1))
        gram = gradients @ gradients.T
        for name, ours in OURS.items():
            theirs = peers[name](torch.tensor(gram)).numpy()
            for dtype, errors in largest[name].items():
                weights = np.asarray(jax.jit(ours)(gram.astype(dtype)))
                error = np.abs(weights / weights.sum() - theirs / theirs.sum()).max()
                largest[name][dtype] = max(errors, float(error))
                if name == 'mgda':
                    by_solver = {f'ours, {dtype}': weights, 'TorchJD': theirs}
                    for solver, found in by_solver.items():
                        violations[solver] = max(violations[solver], violation(gram, found))
    for name, errors in largest.items():
        print(f'{name:<12}', *(f'{dtype} {error:.0e}' for dtype, error in errors.items()))
    print('mgda, violation:', '; '.join(f'{name} {v:.0e}' for name, v in violations.items()))


if __name__ == '__main__':
    cli.run(main)

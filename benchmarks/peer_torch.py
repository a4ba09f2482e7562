"""The same network and losses in idiomatic PyTorch, for the comparison of speed.

Six skips of VGG-16 at three scales give linear scores, which are interpolated to the task's
resolution, concatenated and fused by a 1x1 layer; the sum of all losses is differentiated at once.
It is a separate program, so that the threads of the two frameworks do not interfere. For every line
on its standard input it runs a step and prints its seconds.

    python -m benchmarks.peer_torch --size 321x321 --tasks segmentation normals --train
"""

import argparse
import sys
import time

import torch  # pyright: ignore[reportMissingImports]
import torch.nn.functional as F  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.workload import DENSE
from ubernet_jax.config import PAPER
from ubernet_jax.models.vgg import BLOCKS, FC_CHANNELS, TAP_STRIDES
from ubernet_jax.tasks import DenseTask, Normals, Segmentation, SoftMask


class Block(nn.Module):
    """Convolutions, their skip, and the pooling after them."""

    def __init__(self, inputs: int, row):
        super().__init__()
        channels = [inputs] + [row.channels] * row.convolutions
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=row.dilation, dilation=row.dilation)
            for a, b in zip(channels, channels[1:], strict=False)
        )
        self.normalise = nn.BatchNorm2d(row.channels, affine=False, eps=1.0)
        self.stride = row.pool_stride

    def forward(self, x):
        for convolution in self.convolutions:
            x = F.relu(convolution(x), inplace=True)
        return F.max_pool2d(x, 3, self.stride, padding=1), 10 * self.normalise(x)


class Trunk(nn.Module):
    """Maps an image to its six skips."""

    def __init__(self):
        super().__init__()
        inputs = [3, *(row.channels for row in BLOCKS)]
        self.blocks = nn.ModuleList(Block(n, row) for n, row in zip(inputs, BLOCKS, strict=False))
        self.fc6 = nn.Conv2d(inputs[-1], FC_CHANNELS, 3, padding=12, dilation=12)
        self.fc7 = nn.Conv2d(FC_CHANNELS, FC_CHANNELS, 1)

    def forward(self, x):
        skips = []
        for block in self.blocks:
            x, skip = block(x)
            skips.append(skip)
        x = F.avg_pool2d(x, 3, 1, padding=1)
        for layer in (self.fc6, self.fc7):
            x = F.dropout(F.relu(layer(x)), training=self.training)
        return [*skips, x]


class Head(nn.Module):
    """Scores of every skip at the task's resolution, fused within and across scales."""

    def __init__(self, task: DenseTask):
        super().__init__()
        widths = [*(row.channels for row in BLOCKS), FC_CHANNELS]
        self.task = task
        self.scores = nn.ModuleList(nn.Conv2d(width, task.channels, 1) for width in widths)
        self.fuse_skips = nn.Conv2d(len(widths) * task.channels, task.channels, 1)
        self.fuse_scales = nn.Conv2d(3 * task.channels, task.channels, 1)

    def forward(self, levels, size):
        size = [(side - 1) // self.task.stride + 1 for side in size]
        maps = []
        for skips in levels:
            scores = [
                F.interpolate(score(skip), size, mode='bilinear', align_corners=True)
                for score, skip in zip(self.scores, skips, strict=True)
            ]
            maps.append(self.fuse_skips(torch.cat(scores, 1)))
        return [*maps, self.fuse_scales(torch.cat(maps, 1))]


class Network(nn.Module):
    """The trunk at three scales, and a head for each task."""

    def __init__(self, tasks):
        super().__init__()
        assert len(TAP_STRIDES) == len(BLOCKS) + 1
        self.trunk = Trunk()
        self.heads = nn.ModuleDict({name: Head(task) for name, task in tasks.items()})

    def forward(self, image):
        levels = [self.trunk(F.avg_pool2d(image, 3, n, padding=1)) for n in (2, 4)]
        levels.insert(0, self.trunk(image))
        return {name: head(levels, image.shape[2:]) for name, head in self.heads.items()}


def loss_of(task: DenseTask, scores, target):
    """Returns a task's loss for a score map: NCHW scores, N(C)HW target."""
    scores = scores.float()
    match task:
        case Normals():
            return F.smooth_l1_loss(F.normalize(scores, dim=1, eps=1e-3), target)
        case SoftMask() | Segmentation():
            return F.cross_entropy(scores, target, ignore_index=255)
    # Boundaries, with or without classes: multiple-instance learning.
    log_probability = F.log_softmax(scores, 1)
    best = F.max_pool2d(log_probability[:, 1:], 5, 1, padding=2)
    positive = target > 0
    of_class = best.gather(1, (target - 1).clamp(min=0)[:, None])[:, 0]
    near = F.max_pool2d(positive[:, None].float(), 5, 1, padding=2)[:, 0] > 0
    loss = torch.where(positive, -0.95 * of_class, -0.05 * log_probability[:, 0])
    counted = positive | ~near
    return torch.where(counted, loss, 0).sum() / counted.sum()


def random_target(task: DenseTask, size, device):
    """Returns a target of the right shape; its values do not affect the time."""
    size = [(side - 1) // task.stride + 1 for side in size]
    if isinstance(task, Normals):
        return F.normalize(torch.randn(1, 3, *size, device=device), dim=1)
    share = torch.rand(1, *size, device=device)
    classes = torch.randint(1, task.channels, (1, *size), device=device)
    return torch.where(share < 0.1, classes, torch.zeros_like(classes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', required=True, help='HEIGHTxWIDTH')
    parser.add_argument('--tasks', nargs='+', choices=DENSE, required=True)
    parser.add_argument(
        '--train', action='store_true', help='run training steps instead of predictions'
    )
    parser.add_argument('--precision', choices=('float32', 'bfloat16'), default='float32')
    arguments = parser.parse_args()
    size = [int(side) for side in arguments.size.split('x')]
    tasks = {name: PAPER[name]() for name in arguments.tasks}
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    low = arguments.precision == 'bfloat16'

    network = Network(tasks).to(device, memory_format=torch.channels_last)
    network.train(arguments.train)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-6, momentum=0.9, weight_decay=5e-4)
    image = torch.randn(1, 3, *size, device=device).to(memory_format=torch.channels_last)
    targets = {name: random_target(task, size, device) for name, task in tasks.items()}

    def step() -> None:
        with (
            torch.set_grad_enabled(arguments.train),
            torch.autocast(device, torch.bfloat16, enabled=low),
        ):
            outputs = network(image)
        if arguments.train:
            losses = [
                loss_of(tasks[name], scores, targets[name])
                for name, maps in outputs.items()
                for scores in maps
            ]
            optimizer.zero_grad()
            sum(losses).backward()
            optimizer.step()
        if device == 'cuda':
            torch.cuda.synchronize()

    for _ in sys.stdin:
        start = time.perf_counter()
        step()
        print(time.perf_counter() - start, flush=True)


if __name__ == '__main__':
    main()

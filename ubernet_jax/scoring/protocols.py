"""The evaluation protocols of other code bases, as settings of the evaluators.

Each row says in which files of the source it was read, and which scores the source reports.
`docs/protocols.md` has the rows as tables. The evaluators know nothing of these names.
"""

import dataclasses

import numpy as np

from ubernet_jax.metrics.nms import Nms
from ubernet_jax.metrics.saliency import FIFTEEN, FDefinition
from ubernet_jax.metrics.segmentation import Absent
from ubernet_jax.scoring.protocol import Protocol, Row

MT_IMAGES = {'pascal_mt': 5105, 'nyud_mt': 654}
MT_CLASSES = {'pascal_mt': 21, 'nyud_mt': 40}
ORIGINAL = 'of the ground truth; predictions of another size must be resized first'

# seism: parameters/HED.txt, src/io/read_one_cont_png.m and src/scripts/general_ods.m of
# jponttuset/seism; maxDist of NYUD: README.md of brdav/atrc, seism/src/scripts/eval_method.m of
# prismformore/Boundary-Detection-Evaluation-Tools.
HUNDREDTHS = tuple(k / 100 for k in range(1, 100))
SEISM_TRUTH = (
    'ground truth: lines of seg2bmap, thinned (src/piotr_edges/edgesEvalImg.m of jponttuset/seism)'
)
SEISM = Row(
    source='parameters/HED.txt, src/io/read_one_cont_png.m of jponttuset/seism; README.md of '
    'brdav/atrc',
    scores=('ods', 'ois'),
    settings={
        'thresholds': (0.001, *HUNDREDTHS, 0.999),
        'nms': Nms.UNSMOOTHED,
        'strict': True,
        'interpolate': False,
    },
    by_benchmark={'pascal_mt': {'max_distance': 0.0075}, 'nyud_mt': {'max_distance': 0.011}},
    note=SEISM_TRUTH,
)
# As ASTMT, MTL-PyTorch and MTLoRA define it.
MEANS_OF_IMAGES = FDefinition(beta_squared=1.0, thresholds=FIFTEEN, inclusive=False)
# As ATRC defines it; InvPT and others apply the logistic function once more.
TWENTIETHS = tuple(k / 20 for k in range(1, 20))
POOLED = FDefinition(thresholds=TWENTIETHS, pool_pixels=True)
POOLED_SIGMOID = FDefinition(thresholds=TWENTIETHS, pool_pixels=True, sigmoid=True)
ZERO = {'absent': Absent.ZERO}
PARTS = {'absent': Absent.ZERO, 'skip_background_only': True}
POSITIVE = (1e-9, float('inf'))  # metres
ANGLES = ('mean', 'median', 'rmse', 'below_11_25', 'below_22_5', 'below_30')
EIGEN_RANGE = (0.001, 10.0)  # metres

PROTOCOLS = {
    'astmt': Protocol(
        repository='facebookresearch/astmt',
        images=MT_IMAGES,
        size=ORIGINAL,
        rows={
            'boundaries': dataclasses.replace(
                SEISM,
                source='fblib/evaluation/eval_edges.py; parameters/HED.txt, '
                'src/io/read_one_cont_png.m of jponttuset/seism',
                note=f'maxDist of NYUD as in README.md of brdav/atrc; {SEISM_TRUTH}',
            ),
            'segmentation': Row(
                source='fblib/evaluation/eval_semseg.py, fblib/dataloaders/nyud.py',
                scores=('miou',),
                settings=ZERO,
                classes={'pascal_mt': 21, 'nyud_mt': 41},
                note='NYUD with the background as a class',
            ),
            'parts': Row(
                source='fblib/evaluation/eval_human_parts.py', scores=('miou',), settings=PARTS
            ),
            'saliency': Row(
                source='fblib/evaluation/eval_sal.py',
                scores=('max_f', 'miou_15'),
                settings={'definition': MEANS_OF_IMAGES},
            ),
            'normals': Row(source='fblib/evaluation/eval_normals.py', scores=ANGLES),
            'depth': Row(
                source='fblib/evaluation/eval_depth.py',
                scores=('rmse',),
                settings={
                    'valid': POSITIVE,
                    'unknown': 1e-9,
                    'clip': POSITIVE,
                    'images_per_mean': 1,
                },
                note='its log_rmse is a median over images, and not computed here',
            ),
        },
    ),
    'mtl_pytorch': Protocol(
        repository='SimonVandenhende/Multi-Task-Learning-PyTorch',
        images=MT_IMAGES,
        size=ORIGINAL,
        rows={
            'boundaries': Row(
                source='evaluation/eval_edge.py, evaluation/seism/read_one_png.m',
                scores=('ods', 'ois'),
                settings={'thresholds': HUNDREDTHS, 'interpolate': False},
                by_benchmark={'pascal_mt': {'max_distance': 0.0075}},
                note=f'without non-maximum suppression; PASCAL only; {SEISM_TRUTH}',
            ),
            'segmentation': Row(
                source='evaluation/eval_semseg.py',
                scores=('miou',),
                settings=ZERO,
                classes=MT_CLASSES,
            ),
            'parts': Row(source='evaluation/eval_human_parts.py', scores=('miou',), settings=PARTS),
            'saliency': Row(
                source='evaluation/eval_sal.py',
                scores=('max_f', 'miou_15'),
                settings={'definition': MEANS_OF_IMAGES},
            ),
            'normals': Row(
                source='evaluation/eval_normals.py',
                scores=ANGLES,
                note='of saved files; its meter while training returns the mean as rmse',
            ),
            'depth': Row(
                source='evaluation/eval_depth.py',
                scores=('rmse', 'rmse_log'),
                settings={'valid': POSITIVE, 'clip': POSITIVE},
            ),
        },
    ),
    'atrc': Protocol(
        repository='brdav/atrc',
        images=MT_IMAGES,
        size='of the image; the padding of the input is void',
        rows={
            'boundaries': SEISM,
            'segmentation': Row(
                source='src/data/metrics.py, src/data/nyud.py',
                scores=('miou',),
                settings=ZERO,
                classes=MT_CLASSES,
            ),
            'parts': Row(
                source='src/data/metrics.py, src/data/transforms.py',
                scores=('miou',),
                settings=PARTS,
            ),
            'saliency': Row(
                source='src/data/metrics.py, src/data/pl_data.py',
                scores=('max_f',),
                settings={'definition': POOLED},
            ),
            'normals': Row(source='src/data/metrics.py', scores=('mean',)),
            'depth': Row(
                source='src/data/metrics.py, src/model/pl_model.py',
                scores=('rmse',),
                settings={'valid': POSITIVE, 'unknown': 255.0, 'clip': (0.0, float('inf'))},
                note='src/data/transforms.py replaces unknown depths by 255 m, which count',
            ),
        },
    ),
    'invpt': Protocol(
        repository='prismformore/Multi-Task-Transformer',
        images=MT_IMAGES,
        size='of the image; the padding of the input is void',
        rows={
            'boundaries': dataclasses.replace(
                SEISM,
                source='README.md, seism/src/scripts/eval_method.m of '
                'prismformore/Boundary-Detection-Evaluation-Tools',
            ),
            'segmentation': Row(
                source='InvPT/evaluation/eval_semseg.py',
                scores=('miou',),
                settings=ZERO,
                classes=MT_CLASSES,
            ),
            'parts': Row(
                source='code/evaluation/eval_human_parts.py, InvPT/data/transforms.py',
                scores=('miou',),
                settings=PARTS,
            ),
            'saliency': Row(
                source='InvPT/evaluation/eval_sal.py, code/evaluation/evaluate_utils.py',
                scores=('max_f',),
                settings={'definition': POOLED_SIGMOID},
            ),
            'normals': Row(source='code/evaluation/eval_normals.py', scores=('mean',)),
            'depth': Row(
                source='code/evaluation/eval_depth.py',
                scores=('rmse', 'rmse_log', 'abs_rel', 'sq_rel'),
                settings={'valid': POSITIVE, 'clip': POSITIVE},
            ),
        },
    ),
    'mtlora': Protocol(
        repository='scale-lab/MTLoRA',
        images=MT_IMAGES,
        size='448x448, to which labels are resized too',
        rows={
            'segmentation': Row(
                source='evaluation/eval_semseg.py',
                scores=('miou',),
                settings=ZERO,
                classes=MT_CLASSES,
            ),
            'parts': Row(
                source='evaluation/eval_human_parts.py, data/custom_transforms.py',
                scores=('miou',),
                settings=PARTS,
            ),
            'saliency': Row(
                source='evaluation/eval_sal_no_beta.py',
                scores=('max_f', 'miou_15'),
                settings={'definition': MEANS_OF_IMAGES},
                note='its "Beta maxF" (evaluation/eval_sal_beta.py) is max_f of invpt',
            ),
            'normals': Row(
                source='evaluation/eval_normals_v1.py',
                scores=('mean',),
                settings={'normalise': False},
                note='its rmse is the mean; its mean_v2 is mean of invpt',
            ),
            'depth': Row(
                source='evaluation/eval_depth.py',
                scores=('rmse', 'rmse_log'),
                settings={'valid': POSITIVE, 'clip': POSITIVE},
            ),
        },
    ),
    'mtan': Protocol(
        repository='lorenmt/mtan',
        images={'nyuv2_mtan': 654},
        size='288x384',
        rows={
            'segmentation': Row(
                source='im2im_pred/utils.py (ConfMatrix)',
                scores=('miou', 'pixel_accuracy'),
                settings={'absent': Absent.UNDEFINED},
                classes={'nyuv2_mtan': 13},
                note='papers before that class average mIoU over images',
            ),
            'normals': Row(
                source='im2im_pred/utils.py (normal_error), im2im_pred/model_segnet_single.py',
                scores=('mean', 'median', 'below_11_25', 'below_22_5', 'below_30'),
                settings={'normalise': False, 'images_per_mean': 2},
                note='also leaves out pixels whose three components add up to 0',
            ),
            'depth': Row(
                source='im2im_pred/utils.py (depth_error), im2im_pred/model_segnet_single.py',
                scores=('mae', 'abs_rel'),
                settings={
                    'valid': POSITIVE,
                    'clip': (float('-inf'), float('inf')),
                    'images_per_mean': 2,
                },
            ),
        },
    ),
    'eigen': Protocol(
        repository='cleinc/bts',
        images={'nyudv2': 654},
        size='480x640',
        rows={
            'depth': Row(
                source='utils/eval_with_pngs.py; the crop of Eigen et al., arXiv 1406.2283',
                scores=(
                    *('rmse', 'rmse_log', 'abs_rel', 'sq_rel', 'log10', 'si_log'),
                    *('delta_1', 'delta_2', 'delta_3'),
                ),
                settings={
                    # The range of the source is open: depths of exactly 0.001 and 10 do not count.
                    'valid': tuple(float(np.nextafter(end, 1.0)) for end in EIGEN_RANGE),
                    'clip': EIGEN_RANGE,
                    'crop': (45, 471, 41, 601),
                    'images_per_mean': 1,
                },
            ),
        },
    ),
}

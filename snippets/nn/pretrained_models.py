"""
Choosing and building pretrained models
=======================================

Find a model in torchvision, read what is known about its weights, build it
by name, and give it your classes. The cards download no weights.
"""
import inspect
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import models
from torchvision.models import detection, segmentation
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor

# %%
# Which models are there? ``models.list_models``
# ----------------------------------------------
#
# ``models.list_models`` returns the names of all models that torchvision
# can build. ``include`` and ``exclude`` take a pattern or a list of
# patterns, in which ``*`` stands for any text. ``module`` selects a task:
# ``models.segmentation``, ``models.detection`` or ``models`` itself for
# classifiers.
names = models.list_models(include="vgg1*", exclude="*_bn")
names  # ['vgg11', 'vgg13', 'vgg16', 'vgg19']
found = models.list_models(module=segmentation, include="*resnet50")
found  # ['deeplabv3_resnet50', 'fcn_resnet50']
"swin_t" in models.list_models(module=models)  # True
"swin_t" in models.list_models(module=detection)  # False

# %%
# Build a model by its name: ``models.get_model``
# -----------------------------------------------
#
# Use ``models.get_model`` if the name comes from a configuration file. The
# other arguments go to the function of that name, which
# ``models.get_model_builder`` returns. A name that torchvision does not
# know raises an error.
models.get_model_builder("resnet18") is models.resnet18  # True
config = {"name": "resnet18", "weights": None, "num_classes": 5}
net = models.get_model(**config)
type(net).__name__, net.fc.out_features  # ('ResNet', 5)
with suppress(ValueError):
    models.get_model("resnet51")  # ValueError: Unknown model resnet51

# %%
# What is known about weights: ``models.get_model_weights``
# ---------------------------------------------------------
#
# Many models have several weights. ``models.get_model_weights`` lists them
# for a model, and ``models.get_weight`` finds them by their full name. The
# dictionary ``meta`` holds the classes, the number of parameters and the
# accuracy in percent. Nothing is downloaded before you pass the weights to
# a model.
choices = models.get_model_weights("resnet50")
choices is models.ResNet50_Weights  # True
[weights.name for weights in choices]  # ['IMAGENET1K_V1', 'IMAGENET1K_V2']
old = models.get_weight("ResNet50_Weights.IMAGENET1K_V1")
new = choices.DEFAULT
old.meta["_metrics"]["ImageNet-1K"]["acc@1"]  # 76.13
new.meta["_metrics"]["ImageNet-1K"]["acc@1"]  # 80.858
new.meta["categories"][281]  # 'tabby'
new.meta["num_params"]  # 25557032
with suppress(ValueError):
    models.get_weight("resnet50")  # ValueError: Invalid weight name

# %%
# Accuracy and size of the classifiers of torchvision
# ---------------------------------------------------
#
# Each point of the picture is a classifier with its best weights. To the
# right is the number of parameters in millions, and upwards the accuracy on
# ImageNet in percent. Start with a small model, and take a larger one if
# the accuracy on your own images demands it.
points = {}
for name in models.list_models(module=models):
    meta = models.get_model_weights(name).DEFAULT.meta
    accuracy = meta["_metrics"]["ImageNet-1K"]["acc@1"]
    points[name] = meta["num_params"] / 1e6, accuracy
points["convnext_tiny"]  # (28.589128, 82.52)
points["vgg16"]  # (138.357544, 71.592)
figure, ax = plt.subplots(figsize=(6.4, 4))
ax.scatter(*zip(*points.values()), s=14, color="C0", alpha=0.3)
ax.set_xscale("log")
for name in ("mobilenet_v3_large", "efficientnet_b0", "resnet18",
             "resnet50", "convnext_tiny", "vgg16", "vit_b_16"):
    ax.scatter(*points[name], s=30, color="C1")
    ax.annotate(name, points[name], (6, -10), textcoords="offset points")
figure.tight_layout()

# %%
# Prepare images for the weights: ``weights.transforms``
# ------------------------------------------------------
#
# ``weights.transforms()`` resizes and crops an image as in the test of
# these weights, and normalizes it. Two weights of one model can differ
# here: the newer ones of ResNet-50 resize to 232 pixels and the older ones
# to 256. The input is a PIL image or a uint8 tensor, and a tensor may be a
# batch.
weights = models.ResNet50_Weights.IMAGENET1K_V2
preprocess = weights.transforms()
preprocess.resize_size, preprocess.crop_size  # ([232], [224])
models.ResNet50_Weights.IMAGENET1K_V1.transforms().resize_size  # [256]
grey = torch.full((2, 3, 300, 400), 128, dtype=torch.uint8)
x = preprocess(grey)
x.shape  # torch.Size([2, 3, 224, 224])
mean = torch.tensor([0.485, 0.456, 0.406])
std = torch.tensor([0.229, 0.224, 0.225])
(128 / 255 - mean) / std  # tensor([0.0741, 0.2052, 0.4265])
x[0, :, 100, 100]  # tensor([0.0741, 0.2052, 0.4265])

# %%
# Where the last layer is, from ``resnet50`` to ``swin_t``
# --------------------------------------------------------
#
# Replace the last layer with ``nn.Linear(in_features, classes)`` to use
# your own classes. Its name depends on the family of the model. The models
# of this card are built on the ``meta`` device, which stores no values, so
# it takes little time and memory.
with torch.device("meta"):
    resnet = models.resnet50()
    vgg = models.vgg16()
    efficient = models.efficientnet_b0()
    mobile = models.mobilenet_v3_large()
    convnext = models.convnext_tiny()
    swin = models.swin_t()
resnet.fc.in_features  # 2048
vgg.classifier[6].in_features  # 4096
efficient.classifier[1].in_features  # 1280
mobile.classifier[3].in_features  # 1280
convnext.classifier[2].in_features  # 768
swin.head.in_features  # 768
sum(p.numel() for p in swin.parameters())  # 28288354
vgg.classifier[6] = nn.Linear(4096, 5, device="meta")
x = torch.rand(2, 3, 224, 224, device="meta")
vgg(x).shape  # torch.Size([2, 5])

# %%
# Error: The parameter 'num_classes' expected value 1000 but got 5
# ----------------------------------------------------------------
#
# Weights for ImageNet have 1000 classes, so they do not fit a model that is
# built for 5. Build the model with its weights and without ``num_classes``,
# and replace the last layer. Weights of another model raise an error as
# well, and so does a name that is not in the list.
weights = models.ResNet50_Weights.DEFAULT
with suppress(ValueError):
    models.resnet50(
        weights=weights, num_classes=5
    )  # ValueError: The parameter 'num_classes' expected value 1000
with suppress(TypeError):
    models.resnet18(
        weights=weights
    )  # TypeError: Invalid Weight class provided; expected ResNet18_Weights
with suppress(KeyError):
    models.resnet50(weights="IMAGENET1K_V3")  # KeyError: 'IMAGENET1K_V3'

# %%
# What segmentation models return: ``fcn_resnet50`` and others
# ------------------------------------------------------------
#
# The result is a dictionary, and ``"out"`` holds the logits of each pixel.
# FCN and DeepLabV3 compute logits for blocks of 8 by 8 pixels and enlarge
# them to the size of the image. With ``aux_loss=True``, an entry ``"aux"``
# holds the logits of a second, smaller head. Add its loss to the loss of
# ``"out"`` with a small factor, such as 0.5.
options = {"weights_backbone": None, "num_classes": 4}
fcn = segmentation.fcn_resnet50(**options, aux_loss=True).eval()
deeplab = segmentation.deeplabv3_resnet50(**options).eval()
lraspp = segmentation.lraspp_mobilenet_v3_large(**options).eval()
x = torch.rand(1, 3, 64, 64)
list(fcn(x)), list(deeplab(x))  # (['out', 'aux'], ['out'])
list(lraspp(x))  # ['out']
for net in (fcn, deeplab):
    blocks = net.classifier(net.backbone(x)["out"])
    blocks.shape  # torch.Size([1, 4, 8, 8])
    large = F.interpolate(blocks, (64, 64), mode="bilinear")
    torch.allclose(net(x)["out"], large, atol=1e-5)  # True

# %%
# Own classes in a segmentation model: replace ``classifier[-1]``
# ---------------------------------------------------------------
#
# The last layer of a segmentation model is a 1x1 convolution.
# ``deeplabv3_resnet50`` and ``fcn_resnet50`` have it in ``classifier`` and,
# with an auxiliary head, in ``aux_classifier``. ``lraspp`` has two such
# convolutions, and it adds their results.
with torch.device("meta"):
    deeplab = segmentation.deeplabv3_resnet50(weights_backbone=None,
                                              aux_loss=True)
    lraspp = segmentation.lraspp_mobilenet_v3_large(weights_backbone=None)
    deeplab.classifier[-1].out_channels  # 21
    deeplab.classifier[-1] = nn.Conv2d(256, 4, kernel_size=1)
    deeplab.aux_classifier[-1] = nn.Conv2d(256, 4, kernel_size=1)
    low, high = (lraspp.classifier.low_classifier,
                 lraspp.classifier.high_classifier)
    low.in_channels, high.in_channels  # (40, 128)
    lraspp.classifier.low_classifier = nn.Conv2d(40, 4, kernel_size=1)
    lraspp.classifier.high_classifier = nn.Conv2d(128, 4, kernel_size=1)
    x = torch.rand(2, 3, 64, 64)
    lraspp(x)["out"].shape[1]  # 4
    {k: v.shape[1] for k, v in deeplab(x).items()}  # {'out': 4, 'aux': 4}

# %%
# Boxes, masks or key points: ``maskrcnn_resnet50_fpn`` and its relatives
# -----------------------------------------------------------------------
#
# In training mode, the three detectors take targets and return a loss for
# each part. After ``eval()`` they return a dictionary for each image. Mask
# R-CNN adds a mask of probabilities for each box, and Keypoint R-CNN adds
# x, y and visibility of each of 17 key points. A new class needs a new
# ``mask_predictor`` beside the ``box_predictor``.
small = {"min_size": 64, "max_size": 64, "box_detections_per_img": 3,
         "box_batch_size_per_image": 16, "rpn_post_nms_top_n_test": 50}
options = {"weights_backbone": None, "num_classes": 2, **small}
faster = detection.fasterrcnn_resnet50_fpn(**options)
masks = detection.maskrcnn_resnet50_fpn(**options)
points = detection.keypointrcnn_resnet50_fpn(**options)
masks.roi_heads.mask_predictor = MaskRCNNPredictor(256, 256, num_classes=2)
x = [torch.rand(3, 64, 64)]
target = {"boxes": torch.tensor([[5.0, 5.0, 40.0, 40.0]]),
          "labels": torch.tensor([1]), "masks": torch.ones(1, 64, 64),
          "keypoints": torch.tensor([[[9.0, 9.0, 1.0]] * 17])}
losses = faster(x, [target])
more = set(masks(x, [target])) - set(losses)  # {'loss_mask'}
more = set(points(x, [target])) - set(losses)  # {'loss_keypoint'}
(found,) = masks.eval()(x)
found["masks"].shape  # torch.Size([3, 1, 64, 64])
0 <= found["masks"].min() <= found["masks"].max() <= 1  # tensor(True)
(found,) = points.eval()(x)
found["keypoints"].shape  # torch.Size([3, 17, 3])

# %%
# Detectors without a second stage: ``retinanet_resnet50_fpn`` and others
# -----------------------------------------------------------------------
#
# RetinaNet, FCOS and SSD predict the boxes in one step. The losses of
# RetinaNet and FCOS have other names than those of Faster R-CNN. In SSD,
# class 0 is the background, but RetinaNet can return the label 0. A new
# FCOS returns no boxes, because its scores are low; ``score_thresh`` sets
# the lowest score.
options = {"weights_backbone": None, "num_classes": 3}
size = {"min_size": 64, "max_size": 64}
retina = detection.retinanet_resnet50_fpn(
    **options, **size, score_thresh=0.0
)
fcos = detection.fcos_resnet50_fpn(**options, **size)
ssd = detection.ssd300_vgg16(**options)
x = [torch.rand(3, 64, 64)]
target = {"boxes": torch.tensor([[5.0, 5.0, 40.0, 40.0]]),
          "labels": torch.tensor([1])}
sorted(retina(x, [target]))  # ['bbox_regression', 'classification']
sorted(fcos(x, [target]))[0]  # 'bbox_ctrness'
retina.eval()(x)[0]["labels"].unique()  # tensor([0, 1, 2])
ssd.eval()(x)[0]["labels"].unique()  # tensor([1, 2])
len(fcos.eval()(x)[0]["boxes"])  # 0

# %%
# A download in spite of ``weights=None``: ``weights_backbone``
# -------------------------------------------------------------
#
# Detectors and segmentation models are built on a classifier, the backbone.
# Its weights are a second argument, and by default they are downloaded,
# also if ``weights`` is None. Pass ``weights_backbone=None`` if you load
# your own weights or have no network.
for build in (segmentation.fcn_resnet50, detection.fcos_resnet50_fpn):
    defaults = inspect.signature(build).parameters
    defaults["weights"].default is None  # True
    backbone = defaults["weights_backbone"].default
    backbone is models.ResNet50_Weights.IMAGENET1K_V1  # True
    backbone.url.split("/")[-1]  # 'resnet50-0676ba61.pth'
parameters = inspect.signature(detection.ssd300_vgg16).parameters
parameters["weights_backbone"].default.name  # 'IMAGENET1K_FEATURES'

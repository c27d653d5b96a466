"""
Models of torchvision
=====================

See what the classifiers, detectors and segmentation models of torchvision
take and return, and what their error messages mean. The cards download no
weights.
"""
import warnings
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models
from torchvision.models.detection import (
    FasterRCNN_ResNet50_FPN_Weights,
    fasterrcnn_mobilenet_v3_large_320_fpn,
)
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.inception import InceptionOutputs
from torchvision.models.segmentation import lraspp_mobilenet_v3_large
from torchvision.models.vision_transformer import interpolate_embeddings
from torchvision.ops import box_convert
from torchvision.transforms import v2

# %%
# Grey images in a pretrained network: replace ``conv1``
# ------------------------------------------------------
#
# The first convolution expects 3 channels. Repeat the grey image three
# times, or replace the convolution with one that has a single input
# channel. If the new weight is the sum of the old weight over its channels,
# both ways give the same output.
net = models.resnet18().eval()
grey = torch.rand(2, 1, 32, 32)
with suppress(RuntimeError):
    net(grey)  # RuntimeError: to have 3 channels, but got 1 channels
expected = net(grey.expand(-1, 3, -1, -1))
old = net.conv1
net.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
with torch.no_grad():
    net.conv1.weight.copy_(old.weight.sum(dim=1, keepdim=True))
torch.allclose(net(grey), expected, atol=1e-4)  # True

# %%
# Other classes: replace ``fc``, ``classifier[-1]`` or ``heads.head``
# -------------------------------------------------------------------
#
# The last layer gives a score for each of the 1000 classes of ImageNet.
# Replace it with a layer that has the same input size and your number of
# classes. The name of this layer depends on the model, so print the model
# to find it.
resnet = models.resnet18()
resnet.fc = nn.Linear(resnet.fc.in_features, 5)
mobile = models.mobilenet_v3_small()
last = mobile.classifier[-1]
mobile.classifier[-1] = nn.Linear(last.in_features, 5)
vit = models.VisionTransformer(32, 16, 1, 2, hidden_dim=8, mlp_dim=8)
vit.heads.head.out_features  # 1000
vit.heads.head = nn.Linear(vit.heads.head.in_features, 5)
x = torch.rand(2, 3, 32, 32)
[tuple(net.eval()(x).shape) for net in (resnet, mobile)]  # [(2, 5), (2, 5)]
vit(x).shape  # torch.Size([2, 5])

# %%
# Error: must be Tensor, not InceptionOutputs (GoogLeNet, Inception)
# ------------------------------------------------------------------
#
# In training mode these models return a named tuple with the logits of the
# main classifier and of the auxiliary classifiers, which sit in the middle
# of the network. Add their losses with a small factor. After ``eval()`` the
# models return a tensor.
target = torch.tensor([0, 2])
net = models.googlenet(num_classes=3, init_weights=False)
output = net(torch.rand(2, 3, 64, 64))
output._fields  # ('logits', 'aux_logits2', 'aux_logits1')
pair = InceptionOutputs(output.logits, output.aux_logits1)
with suppress(TypeError):
    F.cross_entropy(
        pair, target
    )  # TypeError: must be Tensor, not InceptionOutputs
with suppress(AttributeError):
    pair.log_softmax(
        dim=1
    )  # AttributeError: 'InceptionOutputs' object has no attribute
loss = F.cross_entropy(pair.logits, target)
loss = loss + 0.4 * F.cross_entropy(pair.aux_logits, target)
loss.shape  # torch.Size([])
net.eval()(torch.rand(2, 3, 64, 64))  # type Tensor, shape (2, 3)

# %%
# Error: must be Tensor, not OrderedDict (segmentation models)
# ------------------------------------------------------------
#
# The segmentation models return a dictionary. Its entry ``"out"`` holds the
# logits, with the classes in dimension 1 and the height and width of the
# image. Some models also return ``"aux"``, the logits of an auxiliary
# classifier.
net = lraspp_mobilenet_v3_large(weights_backbone=None, num_classes=4)
output = net(torch.rand(2, 3, 32, 32))
target = torch.zeros(2, 32, 32, dtype=torch.int64)
with suppress(TypeError):
    F.cross_entropy(
        output, target
    )  # TypeError: must be Tensor, not collections.OrderedDict
with suppress(AttributeError):
    output.shape  # AttributeError: object has no attribute 'shape'
list(output)  # ['out']
output["out"].shape  # torch.Size([2, 4, 32, 32])
F.cross_entropy(output["out"], target).shape  # torch.Size([])
output["out"].argmax(dim=1).shape  # torch.Size([2, 32, 32])

# %%
# Error: Wrong image height! Expected 224 but got 384 (``vit_b_16``)
# ------------------------------------------------------------------
#
# A vision transformer has position embeddings for one image size. Resize
# the images, or build the model for the new size and load the weights that
# ``interpolate_embeddings`` returns. Here the sizes are 32 and 64.
def make(size):
    return models.VisionTransformer(
        size, 16, 1, 2, hidden_dim=8, mlp_dim=8, num_classes=3
    )


small, large = make(32), make(64)
image = torch.rand(1, 3, 64, 64)
with suppress(AssertionError):
    small(image)  # AssertionError: Wrong image height! Expected 32
small.encoder.pos_embedding.shape  # torch.Size([1, 5, 8])
weights = interpolate_embeddings(64, 16, small.state_dict())
large.load_state_dict(weights)
large.encoder.pos_embedding.shape  # torch.Size([1, 17, 8])
large(image).shape  # torch.Size([1, 3])

# %%
# Detection: error "targets should not be none when in training mode"
# -------------------------------------------------------------------
#
# A new model is in training mode, where it needs targets and returns
# losses. Call ``eval()`` to get boxes, labels and scores. The images and
# the targets are lists with one entry for each image.
net = fasterrcnn_mobilenet_v3_large_320_fpn(
    weights_backbone=None, num_classes=2, min_size=64
)
images = [torch.rand(3, 64, 64)]
with suppress(AssertionError):
    net(images)  # AssertionError: targets should not be none
box = torch.tensor([[5.0, 5.0, 40.0, 40.0]])
targets = [{"boxes": box, "labels": torch.tensor([1])}]
losses = net(images, targets)
sorted(losses)[:2]  # ['loss_box_reg', 'loss_classifier']
sorted(losses)[2:]  # ['loss_objectness', 'loss_rpn_box_reg']
sum(losses.values()).shape  # torch.Size([])
sorted(net.eval()(images)[0])  # ['boxes', 'labels', 'scores']

# %%
# Detection: the loss on validation images, ``train()`` and ``no_grad``
# ---------------------------------------------------------------------
#
# After ``eval()`` the detectors of torchvision return predictions and no
# loss. For a validation loss, leave the model in training mode and use
# ``no_grad``. Switch the batch normalization layers to ``eval()``, so that
# their statistics do not change.
net = fasterrcnn_mobilenet_v3_large_320_fpn(
    weights_backbone=None, num_classes=2, min_size=64
)
before = [b.clone() for n, b in net.named_buffers() if "running" in n]
images = [torch.rand(3, 64, 64)]
box = torch.tensor([[5.0, 5.0, 40.0, 40.0]])
targets = [{"boxes": box, "labels": torch.tensor([1])}]
net.train()
for module in net.modules():
    if isinstance(module, nn.BatchNorm2d):
        module.eval()
with torch.no_grad():
    loss = sum(net(images, targets).values())
loss.requires_grad, net.training  # (False, True)
after = [b for n, b in net.named_buffers() if "running" in n]
all(map(torch.equal, before, after))  # True

# %%
# Error: All bounding boxes should have positive height and width
# ---------------------------------------------------------------
#
# The boxes must have the form (x1, y1, x2, y2) with x1 < x2 and y1 < y2. If
# your boxes have a width and a height, convert them with ``box_convert``. A
# crop can leave boxes without area. Remove such boxes and their labels, for
# example with ``v2.SanitizeBoundingBoxes``.
net = fasterrcnn_mobilenet_v3_large_320_fpn(
    weights_backbone=None, num_classes=2, min_size=64
)
images, labels = [torch.rand(3, 80, 80)], torch.tensor([1])
boxes = torch.tensor([[50.0, 60.0, 20.0, 10.0]])
with suppress(AssertionError):
    net(
        images, [{"boxes": boxes, "labels": labels}]
    )  # AssertionError: All bounding boxes should have positive height
corners = box_convert(boxes, "xywh", "xyxy")
corners  # tensor([[50., 60., 70., 70.]])
losses = net(images, [{"boxes": corners, "labels": labels}])
len(losses)  # 4
boxes = torch.tensor([[5.0, 5.0, 9.0, 9.0], [0.0, 3.0, 7.0, 3.0]])
keep = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
keep  # tensor([True, False])

# %%
# The detector finds nothing: label 0 is the background
# -----------------------------------------------------
#
# Number your classes from 1, and set ``num_classes`` to the number of
# classes plus 1. Faster R-CNN treats label 0 as the background and returns
# no boxes for it. The new predictor of a pretrained model also needs the
# extra class.
names = FasterRCNN_ResNet50_FPN_Weights.DEFAULT.meta["categories"]
names[:3]  # ['__background__', 'person', 'bicycle']
net = fasterrcnn_mobilenet_v3_large_320_fpn(
    weights_backbone=None, min_size=64, box_score_thresh=0.0
)
width = net.roi_heads.box_predictor.cls_score.in_features
net.roi_heads.box_predictor = FastRCNNPredictor(width, num_classes=1 + 1)
(found,) = net.eval()([torch.rand(3, 64, 64)])
found["labels"].unique()  # tensor([1])

# %%
# Error: Expected input images to be of floating type (detection)
# ---------------------------------------------------------------
#
# The detectors expect floats from 0 to 1 and normalize the images with the
# mean of ImageNet themselves. Convert uint8 images with
# ``v2.ToDtype(torch.float32, scale=True)``, and do not add
# ``v2.Normalize``.
net = fasterrcnn_mobilenet_v3_large_320_fpn(
    weights_backbone=None, num_classes=2, min_size=64
).eval()
image = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
with suppress(TypeError):
    net([image])  # TypeError: Expected input images to be of floating type
scaled = v2.ToDtype(torch.float32, scale=True)(image)
scaled.max() <= 1  # tensor(True)
sorted(net([scaled])[0])  # ['boxes', 'labels', 'scores']
net.transform.image_mean  # [0.485, 0.456, 0.406]

# %%
# Count the FLOPs of a model: ``torch.utils.flop_counter``
# --------------------------------------------------------
#
# ``FlopCounterMode`` counts the operations of one call, so report the input
# size with the number. It counts a multiplication and an addition as 2
# FLOPs. Tools that count multiply-adds (MACs), such as ``thop``, give half
# of that. On the ``meta`` device the count needs no actual computation.
with torch.device("meta"):
    net = models.resnet18().eval()
flops = {}
for size in (224, 112):
    x = torch.rand(1, 3, size, size, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(x)
    flops[size] = counter.get_total_flops()
flops  # {224: 3628146688, 112: 970719232}
sum(p.numel() for p in net.parameters())  # 11689512

# %%
# Warning: The parameter 'pretrained' is deprecated since 0.13
# ------------------------------------------------------------
#
# Pass ``weights="DEFAULT"`` for the best weights, a name such as
# ``"IMAGENET1K_V1"`` for other weights, or ``weights=None`` for random
# weights. ``pretrained=True`` means ``IMAGENET1K_V1``.
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    models.resnet18(pretrained=False)
message = str(caught[0].message)
message[:40]  # "The parameter 'pretrained' is deprecated"
names = [weight.name for weight in models.ResNet50_Weights]
names  # ['IMAGENET1K_V1', 'IMAGENET1K_V2']
models.ResNet50_Weights.DEFAULT.name  # 'IMAGENET1K_V2'
models.resnet18(weights=None, num_classes=3).fc.out_features  # 3

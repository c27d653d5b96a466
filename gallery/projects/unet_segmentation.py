"""
U-Net from scratch: semantic segmentation with cross-entropy, Dice and IoU
==========================================================================

A U-Net predicts a class for each pixel of an image. Its encoder halves the
image three times, its decoder doubles it three times, and skip connections
pass feature maps, the outputs of the convolutions, from the encoder to the
decoder. Here it finds handwritten digits on photographs. On a test set of
other photographs and digits, the mean intersection over union (mIoU) is
above 0.7, and without skip connections it is lower by more than 0.1.
"""
from contextlib import suppress
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from skimage import color, data
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score, jaccard_score
from torch import nn
from torch.nn import functional as F
from torchvision import tv_tensors
from torchvision.transforms import v2
from tqdm import tqdm

# %%
# Compose an image and its mask
# -----------------------------
#
# Each image is a patch of a photograph with two handwritten digits on it.
# The mask has one integer for each pixel, which is the class: 0 for the
# background, and 1, 2 or 3 for the pixels of that digit. The mask has no
# channel dimension.
torch.manual_seed(0)
device = torch.get_default_device()
rng = torch.Generator("cpu").manual_seed(0)


def draw(low, high):
    return torch.randint(low, high, (), generator=rng, device="cpu").item()


def compose(photos, digits, labels):
    photo = photos[draw(0, len(photos))]
    top, left = (draw(0, side - 39) for side in photo.shape)
    image = photo[top : top + 40, left : left + 40].clone()
    mask = torch.zeros(40, 40, dtype=torch.int64, device="cpu")
    for half in (0, 20):
        row, size = draw(0, len(digits)), draw(16, 21)
        digit = F.interpolate(
            digits[row][None, None], size=(size, size), mode="bilinear"
        )[0, 0]
        y, x = draw(0, 41 - size), half + draw(0, 21 - size)
        place = slice(y, y + size), slice(x, x + size)
        image[place] = image[place].lerp(torch.ones_like(digit), digit)
        mask[place][digit > 0.5] = labels[row]
    return image[None], mask


# %%
# Split the photographs and the digits before you compose
# -------------------------------------------------------
#
# Two patches of the same photograph can look alike, so the test set uses
# other photographs and other digits than the training set. The photographs
# come with scikit-image. They are converted to grey and made darker than
# the digits.
def load(*names):
    photos = [getattr(data, name)() for name in names]
    photos = [color.rgb2gray(p) if p.ndim == 3 else p / 255 for p in photos]
    photos = [torch.tensor(p, device="cpu").float() for p in photos]
    return [0.7 * F.avg_pool2d(p[None], 2)[0] for p in photos]


table = load_digits(n_class=4)
digits = torch.tensor(table.images, dtype=torch.float32, device="cpu") / 16
labels = torch.tensor(table.target, device="cpu")
digits, labels = digits[labels > 0], labels[labels > 0]
order = torch.randperm(len(digits), generator=rng, device="cpu")


def make(count, photos, rows):
    chosen = photos, digits[rows], labels[rows]
    pairs = [compose(*chosen) for _ in range(count)]
    images, masks = zip(*pairs, strict=True)
    return torch.stack(images).to(device), torch.stack(masks).to(device)


photos = load("astronaut", "coffee", "brick", "cell", "gravel")
images, masks = make(400, photos, order[:400])
photos = load("chelsea", "camera", "grass")
test_images, test_masks = make(100, photos, order[400:])
images  # shape (400, 1, 40, 40), dtype float32
masks  # shape (400, 40, 40), dtype int64
masks.unique()  # tensor([0, 1, 2, 3])


# %%
# The network: encoder, decoder and skip connections
# --------------------------------------------------
#
# ``torch.cat`` joins the upsampled feature maps with the encoder's feature
# maps of the same size. The last layer is a 1 by 1 convolution with one
# output channel for each class. With ``skips=False`` the feature maps of
# the encoder are replaced by zeros, for a comparison at the end.
def convs(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, inputs, classes, widths=(8, 16, 32, 64), skips=True):
        super().__init__()
        self.skips = skips
        self.encoder, self.up = nn.ModuleList(), nn.ModuleList()
        self.decoder, self.pool = nn.ModuleList(), nn.MaxPool2d(2)
        for one, two in pairwise([inputs, *widths]):
            self.encoder.append(convs(one, two))
        for one, two in pairwise(widths[::-1]):
            self.up.append(nn.ConvTranspose2d(one, two, 2, stride=2))
            self.decoder.append(convs(2 * two, two))
        self.head = nn.Conv2d(widths[0], classes, kernel_size=1)

    def forward(self, x):
        kept = []
        for level in self.encoder:
            x = level(x if not kept else self.pool(x))
            kept.append(x if self.skips else torch.zeros_like(x))
        levels = zip(self.up, self.decoder, kept[-2::-1], strict=True)
        for up, level, skip in levels:
            x = level(torch.cat([up(x), skip], dim=1))
        return self.head(x)


# %%
# The shape at each step
# ----------------------
#
# Each step down halves height and width and doubles the channels, and each
# step up does the reverse. Concatenation doubles the channels, and the
# convolutions after it halve them. The logits have shape (N, C, H, W) with
# one channel for each class.
model = UNet(inputs=1, classes=4)
x, encoded = images[:2], []
for level in model.encoder:
    x = level(model.pool(x) if encoded else x)
    encoded.append(x)
encoded[0].shape  # torch.Size([2, 8, 40, 40])
encoded[1].shape  # torch.Size([2, 16, 20, 20])
encoded[2].shape  # torch.Size([2, 32, 10, 10])
encoded[3].shape  # torch.Size([2, 64, 5, 5])
raised = model.up[0](encoded[3])
raised.shape  # torch.Size([2, 32, 10, 10])
joined = torch.cat([raised, encoded[2]], dim=1)
joined.shape  # torch.Size([2, 64, 10, 10])
model.decoder[0](joined).shape  # torch.Size([2, 32, 10, 10])
model(images[:2]).shape  # torch.Size([2, 4, 40, 40])

# %%
# Sizes that do not fit: pad, then crop the logits
# ------------------------------------------------
#
# Pooling rounds an odd size down, so doubling it later gives another size.
# With three poolings, height and width must therefore be multiples of 8.
# ``F.pad`` brings an image to such a size, and the logits are then cropped
# to the size of the image.
x = torch.rand(1, 1, 42, 48)
with suppress(RuntimeError):
    model(x)  # RuntimeError: Expected size 20 but got size 21


def segment(model, x, multiple=8):
    height, width = x.shape[-2:]
    right, below = -width % multiple, -height % multiple
    padded = F.pad(x, (0, right, 0, below), mode="reflect")
    return model(padded)[..., :height, :width]


segment(model, x).shape  # torch.Size([1, 4, 42, 48])
model.eval()
torch.equal(segment(model, images[:1]), model(images[:1]))  # True

# %%
# Cross-entropy over all pixels, and its formula
# ----------------------------------------------
#
# ``F.cross_entropy`` takes logits of shape (N, C, H, W) and targets of
# shape (N, H, W) and dtype ``torch.int64``. It is the mean of
# ``-log_softmax`` at the target class over all pixels. One-hot targets must
# be floats, with the classes in dimension 1.
logits, targets = model(images[:8]), masks[:8]
loss = F.cross_entropy(logits, targets)
picked = logits.log_softmax(dim=1).gather(1, targets.unsqueeze(1))
torch.allclose(loss, -picked.mean())  # True
one_hot = F.one_hot(targets, 4)
one_hot.shape  # torch.Size([8, 40, 40, 4])
moved = one_hot.movedim(-1, 1).float()
torch.allclose(F.cross_entropy(logits, moved), loss)  # True

# %%
# Errors: targets with a channel, one-hot, wrong dtype or size
# ------------------------------------------------------------
#
# A mask that was read as an image often has a channel dimension, so its
# shape is (N, 1, H, W), and its dtype is uint8. Remove the channel with
# ``squeeze(1)`` and convert the mask with ``long()``. "Expected target
# size" appears if logits of shape (N, C, L) meet targets of another length.
# The errors are shown on the CPU, because their text may differ on a GPU.
logits, targets = logits.detach().cpu(), targets.cpu()
with suppress(RuntimeError):
    F.cross_entropy(
        logits, targets.unsqueeze(1)
    )  # RuntimeError: only batches of spatial targets supported
with suppress(RuntimeError):
    F.cross_entropy(
        logits, one_hot.cpu()
    )  # RuntimeError: only batches of spatial targets supported
with suppress(RuntimeError):
    F.cross_entropy(logits, targets.byte())  # RuntimeError: but found Byte
with suppress(RuntimeError):
    F.cross_entropy(logits, targets[:, 1:])  # RuntimeError: size mismatch
with suppress(RuntimeError):
    F.cross_entropy(
        logits.flatten(2), targets.flatten()[None].expand(8, -1)
    )  # RuntimeError: Expected target size [8, 1600], got [8, 12800]

# %%
# Target 255 is out of bounds: ``ignore_index=255``
# -------------------------------------------------
#
# Datasets such as Cityscapes mark pixels without a label with 255.
# ``ignore_index`` leaves these pixels out of the sum and out of the number
# that the sum is divided by. In a mask with two classes, 255 often means
# foreground. Compare such a mask with 0 to get the classes.
ignored = targets.clone()
ignored[:, :, :10] = 255
with suppress(IndexError):
    F.cross_entropy(logits, ignored)  # IndexError: Target 255 is out of
loss = F.cross_entropy(logits, ignored, ignore_index=255)
rest = F.cross_entropy(logits[..., 10:], targets[..., 10:])
torch.allclose(loss, rest)  # True
two_classes = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8)
(two_classes > 0).long()  # tensor([[0, 1], [1, 0]])


# %%
# Dice loss, and its formula
# --------------------------
#
# For one class, Dice is :math:`2 \sum p\,t / (\sum p + \sum t)`, with the
# probabilities :math:`p` and the targets :math:`t` of all pixels. The loss
# is 1 minus the mean over the classes, so a rare class counts as much as
# the background. With predictions of 0 and 1, Dice is the F1 score.
def dice_loss(logits, targets, ignore_index=255):
    valid = (targets != ignore_index).unsqueeze(1)
    classes = torch.arange(logits.shape[1]).view(1, -1, 1, 1)
    t = (targets.unsqueeze(1) == classes) * valid
    p = logits.softmax(dim=1) * valid
    both = (p * t).sum(dim=(0, 2, 3))
    total = p.sum(dim=(0, 2, 3)) + t.sum(dim=(0, 2, 3))
    return 1 - (2 * both / total.clamp_min(1e-6)).mean()


logits, targets = model(images[:8]).detach(), masks[:8]
p, dice = logits.softmax(dim=1), []
for k in range(4):
    t = (targets == k).float()
    dice.append(2 * (p[:, k] * t).sum() / (p[:, k].sum() + t.sum()))
torch.allclose(dice_loss(logits, targets), 1 - sum(dice) / 4)  # True
loss = dice_loss(logits, ignored.to(device))
rest = dice_loss(logits[..., 10:], targets[..., 10:])
torch.allclose(loss, rest)  # True

predicted = targets.roll(1, dims=2)
sure = 100.0 * F.one_hot(predicted, 4).movedim(-1, 1)
flat = [one.flatten().cpu().numpy() for one in (targets, predicted)]
f1 = f1_score(*flat, average="macro")
abs(dice_loss(sure, targets).item() - (1 - f1)) < 1e-5  # True


# %%
# IoU of each class, from one confusion matrix
# --------------------------------------------
#
# The intersection over union (IoU) of a class is a ratio. It divides the
# number of pixels that have the class in both mask and prediction by the
# number of pixels that have it in at least one of them. A class that occurs
# in neither gives nan. Add up the confusion matrices of all batches before
# you compute the IoU.
def confusion(predicted, targets, classes=4, ignore_index=255):
    valid = targets != ignore_index
    pairs = targets[valid] * classes + predicted[valid]
    return pairs.bincount(minlength=classes**2).view(classes, classes)


def iou(counts):
    both = counts.diagonal()
    return both / (counts.sum(dim=0) + counts.sum(dim=1) - both)


found = iou(confusion(predicted, targets)).tolist()
wanted = jaccard_score(*flat, average=None).tolist()
max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 1e-5  # True
alone = torch.zeros(1, 4, 4, dtype=torch.int64)
iou(confusion(alone, alone, classes=2))  # tensor([1., nan])


# %%
# Augment image and mask together: ``tv_tensors.Mask``
# ----------------------------------------------------
#
# One call uses the same random numbers for image and mask, while two calls
# draw different ones. A rotation uncovers corners, which ``fill`` sets to
# 255 in the mask. ``ColorJitter`` changes the image but not the mask. A
# mask that is a plain tensor is resized like an image if you pass it alone,
# and interpolation creates classes that were not there. If you pass it
# after its image, it stays unchanged.
fill = {tv_tensors.Image: 0.0, tv_tensors.Mask: 255}
turn = v2.RandomAffine(10, (0.1, 0.1), (0.9, 1.1), fill=fill)
jitter = v2.ColorJitter(brightness=0.2, contrast=0.2)
augment = v2.Compose([turn, jitter])
mask = tv_tensors.Mask(masks[:8])
x, y = augment(tv_tensors.Image(images[:8]), mask)
y.unique()  # tensor([0, 1, 2, 3, 255])

same = tv_tensors.Image(masks[:8].unsqueeze(1).float())
a, b = turn(same, mask)
shown = b != 255
torch.equal(a[:, 0][shown], b[shown].float())  # True
a, b = turn(same), turn(mask)
shown = b != 255
torch.equal(a[:, 0][shown], b[shown].float())  # False

mask = torch.tensor([[[0, 3], [3, 3]]])
v2.Resize((8, 8))(tv_tensors.Mask(mask)).unique()  # tensor([0, 3])
v2.Resize((8, 8))(mask).unique()  # tensor([0, 1, 2, 3])


# %%
# Train with weighted cross-entropy plus Dice
# -------------------------------------------
#
# Each step draws 16 images and augments the whole batch with the same
# random numbers. With these weights, a pixel of a digit counts five times
# as much as a pixel of the background. Both losses ignore the pixels marked
# 255.
weight = torch.tensor([1.0, 5.0, 5.0, 5.0])


def fit(model, steps=140):
    generator = torch.Generator(device=device).manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1e-2, total_steps=steps
    )
    model.train()
    for _ in tqdm(range(steps), disable=None):
        rows = torch.randint(400, (16,), generator=generator, device=device)
        inputs, targets = augment(
            tv_tensors.Image(images[rows]), tv_tensors.Mask(masks[rows])
        )
        optimizer.zero_grad()
        logits = model(inputs)
        loss = dice_loss(logits, targets) + F.cross_entropy(
            logits, targets, weight=weight, ignore_index=255
        )
        loss.backward()
        optimizer.step()
        scheduler.step()
    return model


networks = {}
for name, skips in {"U-Net": True, "without skips": False}.items():
    torch.manual_seed(0)
    networks[name] = fit(UNet(inputs=1, classes=4, skips=skips))


# %%
# The result: the IoU of each class on the test set
# -------------------------------------------------
#
# Predicting background everywhere is right for more than 85 % of the
# pixels, but its mIoU is below 0.25. The pixel accuracy therefore says
# little here. From left to right: the image, the mask, the prediction of
# the U-Net, and the prediction of the network without skip connections,
# whose outlines are coarser.
@torch.inference_mode()
def predict(model, images):
    model.eval()
    return torch.cat([model(x).argmax(dim=1) for x in images.split(50)])


outputs = {name: predict(m, test_images) for name, m in networks.items()}
outputs["background"] = torch.zeros_like(test_masks)
accuracy, miou = {}, {}
for name, output in outputs.items():
    values = iou(confusion(output, test_masks))
    accuracy[name] = (output == test_masks).float().mean().item()
    miou[name] = values.mean().item()
    ious = [f"{value:.2f}" for value in values.tolist()]
    print(f"{name:14} accuracy={accuracy[name]:.3f}", *ious)
assert accuracy["background"] > 0.85 and miou["background"] < 0.25, miou
assert 0.7 < miou["U-Net"] < 1.0, miou
assert miou["U-Net"] > miou["without skips"] + 0.1, miou

figure, axes = plt.subplots(4, 4, figsize=(7, 7))
kinds = [test_masks, outputs["U-Net"], outputs["without skips"]]
for k, row in enumerate(axes):
    row[0].imshow(test_images[k, 0].cpu().numpy(), cmap="gray")
    for axis, kind in zip(row[1:], kinds, strict=True):
        picture = kind[k].cpu().numpy()
        axis.imshow(picture, cmap="viridis", vmin=0, vmax=3)
    for axis in row:
        axis.set_axis_off()
for axis, name in zip(axes[0], ["image", "mask", *networks], strict=True):
    axis.set_title(name)
figure.tight_layout()

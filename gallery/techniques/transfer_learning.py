"""
Transfer learning: freeze the body, replace the head, fine-tune
===============================================================

A CNN that was trained on the digits 0 to 6 gets a new head and learns the
digits 7, 8 and 9 from a few labelled images. With ten images of each class,
a frozen body and a fine-tuned body are both more than 15 percentage points
better than the same network trained from scratch.
"""
import warnings
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torchvision.models import ResNet18_Weights, resnet18
from tqdm import tqdm

# %%
# Two tasks: many labels for the first, few for the second
# --------------------------------------------------------
#
# The first task has seven classes and uses all of their images. The second
# task has three other classes, numbered from zero again. The images are in
# random order.
torch.manual_seed(0)
device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
order = torch.randperm(len(labels), generator=generator, device=device)
images, labels = images[order] / 16, labels[order]

is_source = labels < 7
source_images, source_labels = images[is_source], labels[is_source]
target_images, target_labels = images[~is_source], labels[~is_source] - 7
source_images.shape  # torch.Size([1264, 8, 8])
target_labels.bincount()  # tensor([179, 174, 180])


# %%
# Harder images: the digit is at a random position
# ------------------------------------------------
#
# Each digit is put at a random position on a canvas of 16 by 16 pixels, so
# a few images do not show all positions. Top: digits of the first task.
# Bottom: digits of the second task.
def place(digits):
    count = len(digits)
    options = {"generator": generator, "device": device}
    shift = torch.randint(0, 9, (2, count), **options)
    span = torch.arange(8, device=device)
    rows = (shift[0, :, None] + span)[:, :, None]
    columns = (shift[1, :, None] + span)[:, None, :]
    batch = torch.arange(count, device=device)[:, None, None]
    canvases = torch.zeros(count, 1, 16, 16, device=device)
    canvases[batch, 0, rows, columns] = digits
    return canvases


target_canvases = place(target_images)
figure, axes = plt.subplots(2, 8, figsize=(9, 2.6))
shown = torch.cat([place(source_images[:8]), target_canvases[:8]])
for ax, canvas in zip(axes.flat, shown[:, 0].cpu().numpy(), strict=True):
    ax.imshow(canvas, cmap="gray")
    ax.set_axis_off()
figure.tight_layout()


# %%
# A network in two parts: ``body`` and ``head``
# ---------------------------------------------
#
# The body turns an image into 64 features, and the head turns these into
# one logit for each class. Only the head depends on the number of classes.
def block(inputs, outputs, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Classifier(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(
            block(1, 16, 1),
            block(16, 32, 2),
            block(32, 64, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(64, classes)

    def forward(self, images):
        return self.head(self.body(images))


# %%
# Pretrain on the first task
# --------------------------
#
# This step replaces the pretrained weights that you would usually download.
# The digits are at new positions in every epoch.
epochs = 15
pretrained = Classifier(7)
optimizer = torch.optim.AdamW(pretrained.parameters())
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=1e-2, total_steps=epochs * 20
)
pretrained.train()
for epoch in tqdm(range(1, epochs + 1), disable=None):
    order = torch.randperm(1264, generator=generator, device=device)
    canvases, loss_sum = place(source_images), 0.0
    for batch in order.split(64):
        optimizer.zero_grad()
        logits = pretrained(canvases[batch])
        loss = F.cross_entropy(logits, source_labels[batch])
        loss.backward()
        optimizer.step()
        scheduler.step()
        loss_sum += loss.detach() * len(batch)
    if epoch % 5 == 0:
        print(f"{epoch=:2} loss={(loss_sum / 1264).item():.3f}")


# %%
# A new head, and a loop that can keep the body in ``eval()``
# -----------------------------------------------------------
#
# A new layer replaces ``head``. The ``running_mean`` and ``running_var`` of
# batch normalization are buffers and not parameters. In training mode they
# change with every batch, even if the parameters are frozen. ``fit``
# therefore sets the mode of the body separately.
def with_new_head(model, classes):
    model = deepcopy(model)
    model.head = nn.Linear(model.head.in_features, classes)
    return model


def fit(model, optimizer, inputs, targets, train_body, steps=60):
    model.train()
    model.body.train(train_body)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return model


def same_body(model):
    ours, theirs = model.body.state_dict(), pretrained.body.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


# %%
# Frozen body: train only the head
# --------------------------------
#
# ``requires_grad_(False)`` freezes the parameters, and ``train_body=False``
# freezes the running statistics. After training, the body is exactly the
# same. If the body is in training mode, it changes.
def frozen_body(inputs, targets, train_body=False):
    model = with_new_head(pretrained, 3)
    model.body.requires_grad_(False)
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=2e-2)
    return fit(model, optimizer, inputs, targets, train_body)


few = target_canvases[:30], target_labels[:30]
model = frozen_body(*few)
sum(p.numel() for p in model.parameters())  # 23603
sum(p.numel() for p in model.parameters() if p.requires_grad)  # 195
same_body(model)  # True
same_body(frozen_body(*few, train_body=True))  # False


# %%
# Fine-tuning: discriminative learning rates
# ------------------------------------------
#
# Here the body is trained, too. Two parameter groups give the body a tenth
# of the learning rate of the head, because the head starts from random
# weights.
def fine_tuned(inputs, targets):
    model = with_new_head(pretrained, 3)
    groups = [{"params": model.body.parameters(), "lr": 1e-3}]
    groups += [{"params": model.head.parameters(), "lr": 1e-2}]
    optimizer = torch.optim.AdamW(groups)
    return fit(model, optimizer, inputs, targets, train_body=True)


same_body(fine_tuned(*few))  # False


# %%
# Five, ten and twenty labelled images of each class
# --------------------------------------------------
#
# Both kinds of transfer and training from scratch use the same images and
# 60 steps. The labelled images are among the first 150 images of the second
# task, and the other 383 images are the test set.
def from_scratch(inputs, targets):
    model = Classifier(3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    return fit(model, optimizer, inputs, targets, train_body=True)


@torch.inference_mode()
def accuracy(model):
    predicted = model.eval()(target_canvases[150:]).argmax(dim=1)
    return (predicted == target_labels[150:]).float().mean().item()


counts = [5, 10, 20]
reached = {frozen_body: [], fine_tuned: [], from_scratch: []}
for count in counts:
    of_class = [target_labels[:150] == k for k in range(3)]
    chosen = torch.cat([one.nonzero()[:count, 0] for one in of_class])
    for way, values in reached.items():
        model = way(target_canvases[chosen], target_labels[chosen])
        values.append(accuracy(model))

# %%
# The same with torchvision: ``weights=`` and ``fc``
# --------------------------------------------------
#
# The head of a ResNet is called ``fc``. With ``weights=None`` the model has
# random weights and downloads nothing; with internet access, write
# ``weights=weights`` instead. The preprocessing and the class names belong
# to the weights. Keep the frozen part in evaluation mode while you train
# ``fc``.
weights = ResNet18_Weights.DEFAULT
weights.meta["categories"][281]  # 'tabby'
len(weights.meta["categories"])  # 1000
preprocess = weights.transforms()
photo = torch.zeros(3, 300, 400, dtype=torch.uint8, device=device)
preprocess(photo).shape  # torch.Size([3, 224, 224])

resnet = resnet18(weights=None)
resnet.requires_grad_(False)
resnet.fc = nn.Linear(resnet.fc.in_features, 3)
resnet.eval()(preprocess(photo)[None]).shape  # torch.Size([1, 3])
names = [n for n, p in resnet.named_parameters() if p.requires_grad]
names  # ['fc.weight', 'fc.bias']

# %%
# ``pretrained=True`` is deprecated
# ---------------------------------
#
# Old code uses ``pretrained=True``. The argument gives a warning, even with
# ``False``. The code below turns the warning into an error, so that nothing
# is downloaded.
with warnings.catch_warnings(record=True) as caught:
    resnet18(pretrained=False)
[w.category.__name__ for w in caught]  # ['UserWarning', 'UserWarning']
try:
    with warnings.catch_warnings(action="error"):
        resnet18(pretrained=True)
except UserWarning as error:
    message, advice = str(error).split(", ")
    message[:51]  # "The parameter 'pretrained' is deprecated since 0.13"
    advice  # "please use 'weights' instead."

# %%
# What was reached
# ----------------
#
# With five and with ten images of each class, both kinds of transfer are
# more than 15 percentage points better than training from scratch. With
# twenty images, the fine-tuned network reaches more than 70 % accuracy on
# the test set. A guess would be right in one of three cases, which the
# horizontal line shows.
reached = {way.__name__: values for way, values in reached.items()}
for name, values in reached.items():
    print(name, [f"{value:.3f}" for value in values])
for i in (0, 1):
    scratch = reached["from_scratch"][i]
    assert reached["frozen_body"][i] > scratch + 0.15, reached
    assert reached["fine_tuned"][i] > scratch + 0.15, reached
assert reached["fine_tuned"][2] > 0.7, reached

figure, ax = plt.subplots(figsize=(9, 3.6))
for (name, values), style in zip(
    reached.items(), ("o-", "s--", "^:"), strict=True
):
    ax.plot(counts, values, style, label=name)
ax.axhline(1 / 3, linestyle="-.", color="C4", label="1/3")
ax.set(xlabel="labelled images per class", ylabel="test accuracy")
ax.set(xticks=counts, ylim=(0, 1))
ax.legend(ncols=2)
figure.tight_layout()

"""
Hooks on modules: activations and gradients, captured and removed
=================================================================

``register_forward_hook`` shows the output of a layer, and
``register_full_backward_hook`` shows the gradient that comes back to it.
Both functions return a handle with a ``remove`` method, and a context
manager makes sure that ``remove`` is called. This page uses hooks to
measure how well each layer tells handwritten digits apart. The output of
the trained network does this better than the pixels, and the output of an
untrained network does it worse.
"""
from contextlib import contextmanager, suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# %%
# Handwritten digits: three quarters for training
# -----------------------------------------------
#
# Every fourth image belongs to the test set.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
images = images.unsqueeze(1) / 16
labels = torch.tensor(digits.target, device=device)
kept = torch.arange(len(labels), device=device) % 4 == 0
train_set = TensorDataset(images[~kept], labels[~kept])


# %%
# The network, and its training
# -----------------------------
#
# The layers have names, and the captured values will be stored under these
# names.
class Net(nn.Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.relu = nn.ReLU(inplace=inplace)
        self.conv2 = nn.Conv2d(16, 16, kernel_size=3, stride=2)
        self.head = nn.Linear(16 * 3 * 3, 10)

    def forward(self, images):
        features = self.relu(self.conv1(images))
        features = self.conv2(features).relu()
        return self.head(features.flatten(1))


def train(model, epochs=12):
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(train_set, 64, shuffle=True, generator=generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            logits = model(inputs)
            nn.functional.cross_entropy(logits, targets).backward()
            optimizer.step()
    return model.eval()


model = train(Net())

# %%
# One forward hook: register it, use it, remove it
# ------------------------------------------------
#
# A forward hook is called with the module, its positional inputs and its
# output. ``detach`` keeps the values without the graph. The hook runs when
# you call the module, but not when you call ``forward`` directly.
captured = {}


def keep(module, inputs, output):
    captured["conv1"] = output.detach()


handle = model.conv1.register_forward_hook(keep)
model(images[:5])
captured.pop("conv1").shape  # torch.Size([5, 16, 8, 8])
model.conv1.forward(images[:5])
captured  # {}
handle.remove()
model(images[:5])
captured  # {}

# %%
# Capture several layers: a context manager that removes the hooks
# ----------------------------------------------------------------
#
# ``finally`` removes the hooks after an error as well. A full backward hook
# gets the gradients with respect to the inputs and the outputs of the
# module, as two tuples.
@contextmanager
def capture(model, *names):
    activations, gradients, handles = {}, {}, []

    def hook(name):
        def forward(module, inputs, output):
            activations[name] = output.detach().clone()

        def backward(module, grad_input, grad_output):
            gradients[name] = grad_output[0].detach().clone()

        layer = model.get_submodule(name)
        handles.append(layer.register_forward_hook(forward))
        handles.append(layer.register_full_backward_hook(backward))

    try:
        for name in names:
            hook(name)
        yield activations, gradients
    finally:
        for handle in handles:
            handle.remove()


# %%
# Check the captured values
# -------------------------
#
# The gradient of the cross-entropy with respect to the logits is softmax
# minus the one-hot target, divided by the batch size. The hook captured the
# same values. The pictures require a gradient, because otherwise the
# backward hook of the first layer warns that no input requires one. After
# the ``with`` block no hook is left, even if the block raised an error.
pictures = images[:5].clone().requires_grad_()
with capture(model, "conv1", "head") as (activations, gradients):
    logits = model(pictures)
    nn.functional.cross_entropy(logits, labels[:5]).backward()
torch.equal(activations["head"], logits)  # True
gradients["conv1"].shape  # torch.Size([5, 16, 8, 8])
one_hot = nn.functional.one_hot(labels[:5], 10)
known = (logits.softmax(dim=1) - one_hot) / 5
torch.allclose(gradients["head"], known, atol=1e-6)  # True
with suppress(RuntimeError), capture(model, "conv1"):
    model(pictures.flatten(1))  # RuntimeError: Expected 3D
len(model.conv1._forward_hooks)  # 0

# %%
# What goes wrong when hooks stay
# -------------------------------
#
# If you run a notebook cell again, it registers its hook again. The loop
# below does this three times, and the list gets one, two and three new
# entries. Each entry keeps its graph in memory, because it was not
# detached. A hook that returns a value replaces the output, so a hook that
# doubles the output and is registered twice multiplies it by 4.
leaked, handles = [], []
for _ in range(3):
    hook = model.head.register_forward_hook(
        lambda module, inputs, output: leaked.append(output)
    )
    handles.append(hook)
    model(images[:5])
len(leaked)  # 6
all(output.grad_fn is not None for output in leaked)  # True
for handle in handles:
    handle.remove()

doubler = nn.Identity()
for _ in range(2):
    doubler.register_forward_hook(lambda module, inputs, output: 2 * output)
doubler(torch.tensor(1.0))  # tensor(4.)

# %%
# An in-place ReLU changes what was captured
# ------------------------------------------
#
# The result of ``detach`` shares memory with the output, and
# ``nn.ReLU(inplace=True)`` overwrites this memory. The captured output of
# ``conv1`` then has no negative values any more. ``clone`` keeps the
# original values at the cost of a copy.
inplace = Net(inplace=True).eval()
inplace.load_state_dict(model.state_dict())
records = []


def record(module, inputs, output):
    records.extend([output.detach(), output.detach().clone()])


handle = inplace.conv1.register_forward_hook(record)
inplace(images[:5])
handle.remove()
shared, copied = records
(shared < 0).any()  # tensor(False)
(copied < 0).any()  # tensor(True)

# %%
# Full backward hooks and in-place operations do not mix
# ------------------------------------------------------
#
# A full backward hook turns the output into a view that must not be changed
# in place. Turn ``inplace`` off while you use the hook. The network still
# computes the same values.
with suppress(RuntimeError), capture(inplace, "conv1"):
    inplace(pictures)  # RuntimeError: is a view and is being modified
for module in inplace.modules():
    if isinstance(module, nn.ReLU):
        module.inplace = False
with capture(inplace, "conv1") as (_, gradients):
    logits = inplace(pictures)
    logits.sum().backward()
torch.allclose(logits, model(pictures))  # True
list(gradients)  # ['conv1']

# %%
# A use: how well does each layer tell the digits apart?
# ------------------------------------------------------
#
# For each class, the output of a layer is averaged over the training
# images. A test image gets the class whose mean is nearest. This compares
# the layers and needs no training.
@torch.no_grad()
def probe(model, names):
    with capture(model, *names) as (activations, _):
        model(images)
    scores = [nearest_mean(activations[name].flatten(1)) for name in names]
    return [nearest_mean(images.flatten(1)), *scores]


def nearest_mean(features):
    means = [features[~kept & (labels == n)].mean(dim=0) for n in range(10)]
    distances = torch.cdist(features[kept], torch.stack(means))
    right = distances.argmin(dim=1) == labels[kept]
    return right.float().mean().item()


names = ["conv1", "conv2", "head"]
torch.manual_seed(0)
untrained = probe(Net().eval(), names)
trained = probe(model, names)

# %%
# One digit: its feature maps, and the gradient that comes back to them
# ---------------------------------------------------------------------
#
# A feature map is one channel of the output of a convolution. The figure
# below shows the two feature maps of ``conv1`` with the largest sums. For
# each position, it also shows the norm of the gradient over all sixteen
# maps.
picture = images[:1].clone().requires_grad_()
with capture(model, "conv1") as (activations, gradients):
    logits = model(picture)
    nn.functional.cross_entropy(logits, labels[:1]).backward()
maps = activations["conv1"][0].relu()
first, second = maps.sum(dim=(1, 2)).topk(2).indices.tolist()
shown = {
    "input": images[0, 0],
    f"conv1[{first}]": maps[first],
    f"conv1[{second}]": maps[second],
    "|grad|": gradients["conv1"][0].norm(dim=0),
}

# %%
# The result, layer by layer
# --------------------------
#
# Left: a digit, two of its feature maps in ``conv1``, and the size of the
# gradient that comes back to this layer. Right: the accuracy on the test
# set with the pixels and with the output of each layer. In the trained
# network the last layer does better than the pixels, and in the untrained
# network it does worse.
print([f"{value:.3f}" for value in untrained])
print([f"{value:.3f}" for value in trained])
assert 0.9 < trained[-1] <= 1.0, trained
assert trained[-1] > trained[0] > untrained[-1], (trained, untrained)

figure = plt.figure(figsize=(9, 3.8))
for place, name in zip((1, 2, 5, 6), shown, strict=True):
    axes = figure.add_subplot(2, 4, place)
    axes.imshow(shown[name].cpu().numpy())
    axes.set_title(name, fontsize="small")
    axes.axis("off")
right = figure.add_subplot(1, 2, 2)
right.plot(["pixels", *names], trained, "-o", label="trained")
right.plot(["pixels", *names], untrained, "--s", label="untrained")
right.set(ylabel="accuracy")
right.legend(loc="lower left")
figure.tight_layout()

"""
Debugging a network: shapes, gradient flow, overfitting one batch
=================================================================

Look at the shapes with forward hooks and ``torchinfo``, at the first loss,
at one batch learned by heart, and at the gradients of each layer. Twelve
layers with sigmoid read hardly more digits than a guess, because almost no
gradient reaches the first of them. With ReLU they reach more than 85 %
accuracy on the test set.
"""
import math
from contextlib import contextmanager, suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchinfo import summary

# %%
# Digits, and a network that is right
# -----------------------------------
#
# Every fourth digit is kept for the test. The network is one of
# convolutions, as in :doc:`training_loop`.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
images = images.unsqueeze(1) / 16
labels = torch.tensor(digits.target, device=device)
kept = torch.arange(len(labels), device=device) % 4 == 0
train_set = TensorDataset(images[~kept], labels[~kept])
criterion = nn.CrossEntropyLoss()


def make_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 10),
    )


cnn = make_cnn()

# %%
# Shapes through the network, by forward hooks
# --------------------------------------------
#
# A hook sees each layer's output. Where shapes do not fit, the error names
# two matrices and no layer: here one got 256 numbers and expects 512. The
# last line before it tells that this is the layer after ``Flatten``.
@contextmanager
def shapes(model):
    seen = []

    def note(module, inputs, output):
        seen.append((type(module).__name__, tuple(output.shape)))

    layers = [module for module in model.modules() if module is not model]
    handles = [layer.register_forward_hook(note) for layer in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


with shapes(cnn) as seen:
    cnn(images[:5])
print(*seen, sep="\n")
seen[2]  # ('MaxPool2d', (5, 16, 4, 4))

wrong = nn.Sequential(*list(make_cnn())[:-1], nn.Linear(512, 10))
with shapes(wrong) as seen, suppress(RuntimeError):
    wrong(images[:5])  # RuntimeError: (5x256 and 512x10)
seen[-1]  # ('Flatten', (5, 256))

# %%
# A summary, layer by layer: ``torchinfo``
# ----------------------------------------
#
# It runs the network once on an input of ``input_size``, batch included.
# Much more memory or many more parameters than expected show here.
report = summary(cnn, input_size=(64, 1, 8, 8), device=device, verbose=0)
print(report)
report.total_params  # 2730
report.trainable_params  # 2730
sum(parameter.numel() for parameter in cnn.parameters())  # 2730

# %%
# The first loss is known
# -----------------------
#
# Before training a network should know nothing: ten classes, each with a
# tenth, are a loss of log 10. Much more hints at inputs or weights of a
# wrong scale. With a softmax before it, the loss cannot go below the last
# number, not even with all digits right.
expected = math.log(10)
expected  # 2.3026
with torch.inference_mode():
    first = criterion(cnn(images[:256]), labels[:256]).item()
print(f"{first=:.2f}")
assert abs(first - expected) < 0.3, first
criterion(torch.eye(10), torch.arange(10))  # tensor(1.46115)

# %%
# The first test of a training: learn one batch by heart
# ------------------------------------------------------
#
# Sixteen samples, no shuffling, no dropout. A loss that does not come near
# 0 here is an error in the code, the learning rate or the architecture, and
# more data will not mend it. The network with a softmax too many stays
# above 1.46.
def learn_one_batch(model, steps=100):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    inputs, targets = images[:16], labels[:16]
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    return loss.item()


by_heart = learn_one_batch(make_cnn())
never = learn_one_batch(nn.Sequential(make_cnn(), nn.Softmax(dim=1)))
print(f"{by_heart=:.4f} {never=:.4f}")
assert by_heart < 0.05, by_heart
assert never > 1.46, never

# %%
# Which parameters get no gradient, and which do not move?
# --------------------------------------------------------
#
# ``grad`` is ``None`` where the loss was reached without the parameter: it
# is frozen, not used, or cut off by ``detach``. A layer may also have a
# gradient and no optimizer, such as a head replaced after the optimizer was
# made: so compare weights before and after one step, too.
def check(model, optimizer):
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    model.zero_grad()
    criterion(model(images[:64]), labels[:64]).backward()
    optimizer.step()
    after = dict(model.named_parameters())
    no_grad = [n for n in after if after[n].grad is None]
    still = [n for n in after if torch.equal(before[n], after[n])]
    return no_grad, still


model = make_cnn()
check(model, torch.optim.Adam(model.parameters()))  # ([], [])
model[0].requires_grad_(False)
no_grad, _ = check(model, torch.optim.Adam(model.parameters()))
no_grad  # ['0.weight', '0.bias']
model = make_cnn()
optimizer = torch.optim.Adam(model.parameters())
model[4] = nn.Linear(16 * 4 * 4, 10)
check(model, optimizer)  # ([], ['4.weight', '4.bias'])

# %%
# Gradient flow: the mean of ``|grad|``, layer by layer
# -----------------------------------------------------
#
# Two deep networks with the same weights and another activation. The slope
# of a sigmoid is at most 1/4, and eleven of them are multiplied on the way
# back. ``nn.init.kaiming_normal_`` keeps the size through ReLU.
def make_deep(activation, width=64, depth=12):
    torch.manual_seed(0)
    layers, features = [nn.Flatten()], 64
    for _ in range(depth - 1):
        layers += [nn.Linear(features, width), activation()]
        features = width
    layers.append(nn.Linear(features, 10))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    return nn.Sequential(*layers)


def gradient_flow(model):
    model.zero_grad()
    criterion(model(images[:256]), labels[:256]).backward()
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    means = [layer.weight.grad.abs().mean() for layer in layers]
    return torch.stack(means).tolist()


x = torch.zeros((), requires_grad=True)
torch.autograd.grad(x.sigmoid(), x)  # (tensor(0.2500),)
models = {"Sigmoid": make_deep(nn.Sigmoid), "ReLU": make_deep(nn.ReLU)}
flows = {name: gradient_flow(model) for name, model in models.items()}
for name, flow in flows.items():
    print(f"{name:8} first {flow[0]:.1e} last {flow[-1]:.1e}")
assert flows["Sigmoid"][0] < 1e-2 * flows["Sigmoid"][-1]
assert flows["ReLU"][0] > 1e-1 * flows["ReLU"][-1]

# %%
# Train both
# ----------
#
# The loop is the same for both networks, and so are data, seed and
# optimizer.
def train(model, epochs=25):
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(train_set, 64, shuffle=True, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9)
    losses = []
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return torch.stack(losses).tolist()


@torch.inference_mode()
def accuracy(model):
    predictions = model.eval()(images[kept]).argmax(dim=1)
    return (predictions == labels[kept]).float().mean().item()


losses = {name: train(model) for name, model in models.items()}

# %%
# What was reached: gradients that arrive, and a network that learns
# ------------------------------------------------------------------
#
# On the left the gradients before training, on the right the losses; the
# sigmoid's stays at log 10. For a loss of ``nan`` and anomaly detection see
# :doc:`/gallery/help/loss_is_nan`.
reached = {name: accuracy(model) for name, model in models.items()}
print({name: f"{value:.3f}" for name, value in reached.items()})
assert reached["ReLU"] > 0.85, reached
assert reached["Sigmoid"] < 0.3, reached
assert sum(losses["Sigmoid"][-20:]) / 20 > 2.1

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for (name, flow), style in zip(flows.items(), ("--o", "-s"), strict=True):
    left.semilogy(range(1, len(flow) + 1), flow, style, label=name)
    right.plot(losses[name], style[:-1], label=name)
right.axhline(expected, linestyle=":", color="C2", label="log 10")
left.set(xlabel="layer", ylabel="mean |grad|", xticks=range(1, 13))
right.set(xlabel="step", ylabel="loss")
left.legend()
right.legend()
figure.tight_layout()

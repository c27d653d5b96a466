"""
Debugging a network: shapes, gradient flow, overfitting one batch
=================================================================

When a network does not learn, check four things: the shape of each layer's
output, the first loss, whether the network can overfit one batch, and the
gradients of each layer. The example on this page is a network of twelve
layers. With sigmoid it hardly does better than guessing, because almost no
gradient reaches its first layers. With ReLU it reaches more than 85 %
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
# Every fourth image belongs to the test set. The network is a small
# convolutional network, as in :doc:`training_loop`.
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
# A forward hook is called with the output of its layer, and here it notes
# the shape. When shapes do not fit, the error message gives the sizes of
# two matrices but not the name of the layer. The network ``wrong`` fails
# after the output of ``Flatten`` was noted, so its next layer does not fit:
# it expects 512 features and gets 256.
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
# ``summary`` runs the network once on an input of size ``input_size``,
# which includes the batch dimension. The report lists the output shape and
# the number of parameters of each layer. Look there first if a model is
# larger than you expect.
report = summary(cnn, input_size=(64, 1, 8, 8), device=device, verbose=0)
print(report)
report.total_params  # 2730
report.trainable_params  # 2730
sum(parameter.numel() for parameter in cnn.parameters())  # 2730

# %%
# Check the first loss: it should be near ``math.log(10)``
# --------------------------------------------------------
#
# An untrained network should give each of the ten classes a probability of
# about one tenth, and the cross-entropy is then log 10. If the first loss
# is much larger, check the scale of the inputs and of the initial weights.
# The last line shows what a softmax before ``nn.CrossEntropyLoss`` does:
# even perfect probabilities have a loss of 1.46.
expected = math.log(10)
expected  # 2.3026
with torch.inference_mode():
    first = criterion(cnn(images[:256]), labels[:256]).item()
print(f"{first=:.2f}")
assert abs(first - expected) < 0.3, first
criterion(torch.eye(10), torch.arange(10))  # tensor(1.46115)

# %%
# The first test of a training loop: overfit one batch
# ----------------------------------------------------
#
# Train on the same sixteen samples, without shuffling and without dropout.
# The loss should come close to 0. If it does not, look for a mistake in the
# code, the learning rate or the architecture before you collect more data.
# The network with an extra softmax stays above 1.46.
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
# Find parameters without a gradient, and parameters that do not change
# ---------------------------------------------------------------------
#
# ``grad`` stays ``None`` if the parameter is frozen, if the forward pass
# does not use it, or if ``detach`` cuts it off from the loss. A parameter
# can also have a gradient and still not change, because the optimizer does
# not know it. This happens when a layer is replaced after the optimizer was
# created, so compare the weights before and after one step, too.
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
# The two deep networks start from the same weights and differ in their
# activation. The backward pass multiplies the derivatives of eleven
# activations. The derivative of a sigmoid is at most 1/4, so the gradients
# shrink from layer to layer. ``nn.init.kaiming_normal_`` chooses weights
# with which the gradients keep their size through ReLU.
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
# Train both networks
# -------------------
#
# Both networks are trained with the same loop, data, seed and optimizer.
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
# The result: with ReLU, gradients reach every layer and the network learns
# -------------------------------------------------------------------------
#
# Left: the mean gradient of each layer before training. Right: the loss
# during training, which stays near log 10 with sigmoid. If your loss is
# ``nan``, anomaly detection finds the operation: see
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

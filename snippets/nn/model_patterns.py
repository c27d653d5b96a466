"""
Patterns of models
==================

Common ways to build a network, each in a few lines: several inputs, shared
layers, residual blocks, learnable activations, autoencoders and experts.
"""
import torch
import torch.nn.functional as F
from torch import nn

# %%
# See the weights of one layer: its name, ``weight``, ``named_parameters``
# ------------------------------------------------------------------------
#
# You can reach a layer with the names and numbers that ``print(net)``
# shows. The layer's ``weight`` and ``bias`` are tensors, and ``detach()``
# gives their values without the graph. ``named_parameters`` yields the name
# and the tensor of each parameter.
net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
net[0].weight.shape  # torch.Size([3, 2])
net[2].bias.detach().numel()  # 1
shapes = {name: tuple(p.shape) for name, p in net.named_parameters()}
list(shapes)  # ['0.weight', '0.bias', '2.weight', '2.bias']
shapes["2.weight"]  # (1, 3)
sum(isinstance(m, nn.Linear) for m in net.modules())  # 2

# %%
# One layer for each time step: ``nn.Linear`` on three dimensions
# ---------------------------------------------------------------
#
# ``nn.Linear`` transforms the last dimension and keeps the dimensions
# before it. An input of shape (batch, time, features) therefore needs
# neither a loop nor a wrapper such as ``TimeDistributed`` in Keras. The
# same weights are applied to each time step.
layer = nn.Linear(4, 2)
x = torch.randn(3, 5, 4)
y = layer(x)
y.shape  # torch.Size([3, 5, 2])
torch.allclose(y[:, 2], layer(x[:, 2]), atol=1e-6)  # True

# %%
# Two inputs, image and table: ``torch.cat`` of the features
# ----------------------------------------------------------
#
# Give ``forward`` two arguments, turn each into a feature vector and join
# the vectors along dimension 1. The next layer takes the joined vector, so
# its input size is the sum of both sizes. Standardize the numbers of the
# table before you use them.
class ImageAndTable(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.table = nn.Sequential(nn.Linear(5, 4), nn.ReLU())
        self.both = nn.Linear(8 + 4, 2)

    def forward(self, image, table):
        features = [self.image(image), self.table(table)]
        return self.both(torch.cat(features, dim=1))


net = ImageAndTable()
net(torch.rand(6, 3, 16, 16), torch.randn(6, 5)).shape  # torch.Size([6, 2])

# %%
# Siamese network: call the same layers twice
# -------------------------------------------
#
# Both inputs go through the same module, so they share its weights. The
# gradient of the weights is the sum over both calls. Two separate modules,
# or a ``copy.deepcopy``, would each have weights of their own.
encoder = nn.Linear(3, 2)
a, b = torch.randn(2, 4, 3)
distance = F.pairwise_distance(encoder(a), encoder(b))
distance.shape  # torch.Size([4])
encoder.zero_grad()
(encoder(a).sum() + encoder(b).sum()).backward()
total = (a + b).sum(dim=0)
torch.allclose(encoder.weight.grad[0], total, atol=1e-5)  # True
len(list(encoder.parameters()))  # 2

# %%
# Residual block: a 1x1 convolution where the shapes differ
# ---------------------------------------------------------
#
# A residual block adds its input to its output, so both need the same
# shape. If the block changes the number of channels or has a stride greater
# than 1, a 1x1 convolution in the shortcut makes the same change. Otherwise
# the shortcut is ``nn.Identity()``.
class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return F.relu(self.conv(x) + self.shortcut(x))


x = torch.randn(1, 8, 9, 9)
Block(8, 8)(x).shape  # torch.Size([1, 8, 9, 9])
Block(8, 16, stride=2)(x).shape  # torch.Size([1, 16, 5, 5])

# %%
# Activation with a learnable parameter: ``nn.Parameter``
# -------------------------------------------------------
#
# A parameter that ``forward`` uses is trained like any weight, and autograd
# takes care of the backward pass. This layer has a factor beta inside the
# sigmoid and stores its logarithm, so beta stays positive. Beta starts at
# 1, where the layer is the same as ``F.silu``.
class Swish(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_beta = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x * torch.sigmoid(self.log_beta.exp() * x)


net, x = Swish(), torch.tensor([-1.0, 2.0])
torch.allclose(net(x), F.silu(x))  # True
net(x).sum().backward()
net.log_beta.grad.shape  # torch.Size([])

# %%
# Learned mix of two branches: a gate between 0 and 1
# ---------------------------------------------------
#
# ``torch.sigmoid`` turns a parameter into a weight between 0 and 1,
# whatever value training gives the parameter. For more than two branches,
# use ``softmax`` over a vector of parameters. These weights add up to 1.
gate = nn.Parameter(torch.zeros(()))
a, b = torch.ones(3), torch.full((3,), 3.0)
share = torch.sigmoid(gate)
mixed = share * a + (1 - share) * b
mixed.detach()  # tensor([2., 2., 2.])
mixed.sum().backward()
gate.grad  # tensor(-1.5000)
three = nn.Parameter(torch.zeros(3))
three.softmax(dim=0).detach().sum()  # tensor(1.0000)

# %%
# Numbers and categories of a table: embeddings beside features
# -------------------------------------------------------------
#
# Give each categorical column an ``nn.Embedding`` with one row for each
# category. Join the embedding vectors with the standardized numbers. Common
# sizes for the vectors are half the number of categories, or its square
# root.
class Table(nn.Module):
    def __init__(self, counts, numbers):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(n, 4) for n in counts)
        self.out = nn.Linear(4 * len(counts) + numbers, 1)

    def forward(self, categories, numbers):
        columns = zip(self.tables, categories.unbind(dim=1), strict=True)
        vectors = [table(column) for table, column in columns]
        return self.out(torch.cat([*vectors, numbers], dim=1))


net = Table(counts=[7, 3], numbers=5)
categories = torch.tensor([[6, 0], [2, 2]])
net(categories, torch.randn(2, 5)).shape  # torch.Size([2, 1])

# %%
# Perceptual loss: compare features of a frozen network
# -----------------------------------------------------
#
# Pass the output and the target through the first layers of a pretrained
# network and compare the features. Freeze the parameters of this network
# and call ``eval()``. Do not use ``no_grad`` for the output, because the
# gradient has to flow through the network to the image. Normalize both
# images in the way the network expects.
features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
features.requires_grad_(False).eval()
output = torch.rand(1, 3, 8, 8, requires_grad=True)
target = torch.rand(1, 3, 8, 8)
loss = F.l1_loss(features(output), features(target))
loss.backward()
output.grad.shape  # torch.Size([1, 3, 8, 8])
features[0].weight.grad is None  # True

# %%
# Autoencoder: a narrow middle layer, with the input as the target
# ----------------------------------------------------------------
#
# The encoder reduces the input to fewer numbers, and the decoder maps them
# back to the original size. The loss compares the result with the input.
# After training you can use the encoder alone to get features for other
# tasks.
torch.manual_seed(0)
encoder, decoder = nn.Linear(6, 2), nn.Linear(2, 6)
net = nn.Sequential(encoder, decoder)
x = torch.randn(64, 2) @ torch.randn(2, 6)
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
losses = []
for _ in range(300):
    optimizer.zero_grad()
    loss = F.mse_loss(net(x), x)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
losses[-1] < 0.1 * losses[0]  # True
encoder(x).shape  # torch.Size([64, 2])

# %%
# Mixture of experts: a router weighs several layers
# --------------------------------------------------
#
# The experts are layers of the same shape. The router is a small layer that
# scores each expert for each sample. The two experts with the highest
# scores get weights, and ``scatter`` leaves the weight of the others at 0.
# This simple version computes all experts, also those whose weight is 0.
experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
router = nn.Linear(4, 3)
x = torch.randn(5, 4)
best, index = router(x).topk(2, dim=1)
weights = torch.zeros(5, 3).scatter(1, index, best.softmax(dim=1))
(weights > 0).sum(dim=1)  # tensor([2, 2, 2, 2, 2])
outputs = torch.stack([expert(x) for expert in experts], dim=1)
y = (weights.unsqueeze(2) * outputs).sum(dim=1)
y.shape  # torch.Size([5, 4])

# %%
# Downsampling: a stride of 2 or ``nn.MaxPool2d(2)``
# --------------------------------------------------
#
# Both ways halve the height and the width. A convolution with stride 2
# computes only a quarter of the values that the convolution before the max
# pooling computes. Max pooling has no weights and keeps the largest value
# of each window.
x = torch.randn(1, 8, 16, 16)
strided = nn.Conv2d(8, 8, 3, stride=2, padding=1)
pooled = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.MaxPool2d(2))
strided(x).shape == pooled(x).shape  # True
strided(x).shape  # torch.Size([1, 8, 8, 8])
sum(p.numel() for p in nn.MaxPool2d(2).parameters())  # 0

"""
Change a model that exists
==========================

Replace, add and remove layers of a model, change how many inputs, tokens or
classes it takes, and keep the weights that are still right.
"""
import torch
from torch import nn
from torchvision import models

# %%
# Replace all layers of one kind: ``named_children``, ``setattr``
# ---------------------------------------------------------------
#
# ``modules()`` finds the layers, but cannot put others in their place. Walk
# through the children of each module and set the attribute. This function
# turns ReLU into GELU, and batch norm into group norm, at any depth.
def replace(parent, kind, make):
    for name, child in parent.named_children():
        if isinstance(child, kind):
            setattr(parent, name, make(child))
        else:
            replace(child, kind, make)


net = models.resnet18(num_classes=3)
replace(net, nn.ReLU, lambda old: nn.GELU())
replace(net, nn.BatchNorm2d, lambda old: nn.GroupNorm(8, old.num_features))
kinds = [type(module).__name__ for module in net.modules()]
kinds.count("ReLU"), kinds.count("GELU")  # (0, 9)
kinds.count("BatchNorm2d"), kinds.count("GroupNorm")  # (0, 20)
net(torch.rand(1, 3, 32, 32)).shape  # torch.Size([1, 3])

# %%
# Change dropout, ``inplace`` or ``momentum`` of all layers
# ---------------------------------------------------------
#
# These settings are attributes of the layers and are read in each forward
# pass. Loop over ``modules()`` and assign; no layer has to be replaced.
net = nn.Sequential(
    nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Sequential(nn.Dropout(0.1))
)
for module in net.modules():
    if isinstance(module, nn.Dropout):
        module.p = 0.5
    if hasattr(module, "inplace"):
        module.inplace = False
net[1]  # type ReLU
net[1].inplace, net[2][0].p  # (False, 0.5)
net[2](torch.ones(1000)).max()  # tensor(2.)

# %%
# Insert a layer into a pretrained model: ``nn.Sequential(old, new)``
# -------------------------------------------------------------------
#
# Put a pair of layers where one layer was, here dropout before the last
# layer. The names of the old weights change, so load the weights before
# you insert, not after.
net = models.resnet18(num_classes=3)
old = net.fc
net.fc = nn.Sequential(nn.Dropout(0.5), old)
net.eval()(torch.rand(2, 3, 32, 32)).shape  # torch.Size([2, 3])
net.fc[1] is old  # True
list(net.state_dict())[-2:]  # ['fc.1.weight', 'fc.1.bias']

# %%
# The new layer is not trained: the optimizer has the old parameters
# ------------------------------------------------------------------
#
# An optimizer keeps the parameters that it was given. If a layer is
# replaced afterwards, its new parameters get gradients and stay as they
# are. Change the model first and make the optimizer from the result.
net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
early = torch.optim.SGD(net.parameters(), lr=0.1)
net[1] = nn.Linear(2, 3)
before = net[1].weight.detach().clone()
net(torch.ones(1, 2)).sum().backward()
early.step()
net[1].weight.grad is None  # False
torch.equal(net[1].weight, before)  # True
torch.optim.SGD(net.parameters(), lr=0.1).step()
torch.equal(net[1].weight, before)  # False

# %%
# More classes: keep the old rows of the last layer
# -------------------------------------------------
#
# Each row of the weight belongs to one class. Make a wider layer and copy
# the rows that are there, and the scores of the old classes stay the same.
# The new classes start at random and need training.
old = nn.Linear(8, 3)
new = nn.Linear(8, 5)
with torch.no_grad():
    new.weight[:3] = old.weight
    new.bias[:3] = old.bias
x = torch.randn(4, 8)
new(x).shape  # torch.Size([4, 5])
torch.allclose(new(x)[:, :3], old(x), atol=1e-6)  # True

# %%
# New tokens: make ``nn.Embedding`` larger and keep its rows
# ----------------------------------------------------------
#
# Added tokens have ids beyond the table, which raises "index out of range
# in self". Copy the old rows into a larger table and start the new ones
# from their mean. An output layer that shared the old weight must share the
# new one.
old = nn.Embedding(100, 8)
new = nn.Embedding(102, 8)
with torch.no_grad():
    new.weight[:100] = old.weight
    new.weight[100:] = old.weight.mean(dim=0)
ids = torch.tensor([3, 99])
torch.equal(new(ids), old(ids))  # True
new(torch.tensor([101])).shape  # torch.Size([1, 8])
output_layer = nn.Linear(8, 102, bias=False)
output_layer.weight = new.weight
output_layer.weight is new.weight  # True

# %%
# Four channels in a pretrained network: add a channel to ``conv1``
# -----------------------------------------------------------------
#
# For RGB with depth or infrared, make a first convolution with more input
# channels. Copy the weights of the three colours. If the new channel starts
# at 0, the outputs are those of the old network; its mean over the colours
# is another usual start.
net = models.resnet18(num_classes=3).eval()
x = torch.rand(2, 4, 32, 32)
expected = net(x[:, :3])
old = net.conv1
net.conv1 = nn.Conv2d(4, 64, 7, stride=2, padding=3, bias=False)
with torch.no_grad():
    net.conv1.weight.zero_()
    net.conv1.weight[:, :3] = old.weight
torch.allclose(net(x), expected, atol=1e-4)  # True
mean = old.weight.mean(dim=1, keepdim=True)  # shape (64, 1, 7, 7)

# %%
# Small images in a ResNet: a 3x3 ``conv1`` and no ``maxpool``
# ------------------------------------------------------------
#
# A ResNet for ImageNet halves an image five times, so 32 by 32 pixels
# become one. For CIFAR or MNIST use a 3x3 convolution with stride 1 first
# and leave out the max pooling. Then 4 by 4 positions reach the last
# pooling.
def last_map(net, x):
    shapes = []
    hook = net.layer4.register_forward_hook(
        lambda module, args, output: shapes.append(output.shape[2:])
    )
    net(x)
    hook.remove()
    return tuple(shapes[0])


net, x = models.resnet18(num_classes=10).eval(), torch.rand(2, 3, 32, 32)
last_map(net, x)  # (1, 1)
net.conv1 = nn.Conv2d(3, 64, 3, stride=1, padding=1, bias=False)
net.maxpool = nn.Identity()
last_map(net, x)  # (4, 4)

# %%
# Copy weights from one layer or model to another: ``load_state_dict``
# --------------------------------------------------------------------
#
# Modules with the same shapes need no file. An assignment such as
# ``a.weight = b.weight`` shares the parameter: training one then changes
# both. ``load_state_dict`` copies the values.
source, copy, shared = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)
copy.load_state_dict(source.state_dict())
torch.equal(copy.weight, source.weight)  # True
copy.weight is source.weight  # False
shared.weight = source.weight
with torch.no_grad():
    source.weight.zero_()
shared.weight.count_nonzero()  # tensor(0)
copy.weight.count_nonzero()  # tensor(4)

# %%
# Load only the encoder: keys that begin with ``encoder.``
# --------------------------------------------------------
#
# A file of the whole model has a prefix before the names of each part. Pick
# the keys with the prefix and remove it; ``load_state_dict`` then checks
# that the part is complete.
class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 3)
        self.decoder = nn.Linear(3, 4)


whole, encoder = Whole(), nn.Linear(4, 3)
state = whole.state_dict()
list(state)[:2]  # ['encoder.weight', 'encoder.bias']
prefix = "encoder."
part = {
    name.removeprefix(prefix): value
    for name, value in state.items()
    if name.startswith(prefix)
}
encoder.load_state_dict(part)
torch.equal(encoder.weight, whole.encoder.weight)  # True

# %%
# Two outputs from one backbone: one layer for each task
# ------------------------------------------------------
#
# For several tasks compute the features once and give them to each head.
# Add the losses before ``backward``: the backbone then gets the gradient of
# their sum.
class TwoTasks(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.kind, self.age = nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x):
        features = self.backbone(x)
        return self.kind(features), self.age(features).squeeze(1)


net = TwoTasks()
kind, age = net(torch.randn(5, 4))
kind.shape, age.shape  # (torch.Size([5, 3]), torch.Size([5]))
loss = nn.functional.cross_entropy(kind, torch.arange(5) % 3)
(loss + nn.functional.mse_loss(age, torch.zeros(5))).backward()
net.backbone[0].weight.grad.shape  # torch.Size([8, 4])

# %%
# Run only a part of a network: a slice of ``nn.Sequential``
# ----------------------------------------------------------
#
# A slice is a new ``nn.Sequential`` with the same layers, so both parts
# share their weights with the whole. ``len`` and negative indices work as
# in a list.
net = nn.Sequential(
    nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)
)
first, rest = net[:-1], net[-1:]
len(first), len(rest)  # (4, 1)
x = torch.randn(3, 4)
torch.equal(rest(first(x)), net(x))  # True
first[0].weight is net[0].weight  # True

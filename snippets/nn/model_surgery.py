"""
Change a model that exists
==========================

Replace, insert and remove layers of a model, or change its number of input
channels, tokens or classes. The weights that still fit are kept.
"""
import torch
from torch import nn
from torchvision import models

# %%
# Replace all layers of one kind: ``named_children``, ``setattr``
# ---------------------------------------------------------------
#
# A layer is replaced by setting an attribute of its parent, and
# ``modules()`` does not tell you the parent. Go through the children of
# each module instead, and call the function again for the children that
# stay. Here each ReLU becomes a GELU, and each batch normalization becomes
# a group normalization.
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
# The dropout probability, ``inplace`` and ``momentum`` are attributes of
# the layers, which read them in each forward pass. Loop over ``modules()``
# and assign new values. You do not have to replace a layer.
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
# Replace one layer with a pair that contains it. Here dropout goes in front
# of the last layer. The insertion changes the names of the old weights, so
# load the weights first and insert the layer afterwards.
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
# An optimizer keeps the parameters that it was created with. If you replace
# a layer afterwards, the new parameters get gradients, but the optimizer
# does not update them. Change the model first and create the optimizer
# afterwards.
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
# Each row of the weight belongs to one class. Create a layer with more
# outputs and copy the existing rows into it. The scores of the old classes
# stay the same. The rows of the new classes start with random values and
# need training.
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
# The ids of new tokens lie beyond the end of the old table, and the lookup
# raises "index out of range in self". Copy the old rows into a larger table
# and set the new rows to their mean. If an output layer shared the old
# weight, assign the new weight to it.
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
# For RGBA images, or for RGB images with an extra channel such as depth or
# infrared, replace the first convolution and keep the weights of the 3
# colour channels. If the weights of the new channel are 0, the network
# gives the same outputs as before. The mean over the three colours is
# another common initial value.
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
# A ResNet for ImageNet halves the height and width of an image five times,
# so an image of 32 by 32 pixels ends as a single position. For small images
# such as CIFAR or MNIST, use a 3x3 convolution with stride 1 as the first
# layer and leave out the max pooling. Then 4 by 4 positions are left at the
# end.
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
# ``load_state_dict`` copies the values from one module to another with the
# same names and shapes. No file is needed. An assignment such as ``a.weight
# = b.weight`` shares the parameter instead, so a change to one layer
# changes both.
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
# In the state dict of a whole model, the names of each part begin with a
# prefix. Select the keys with this prefix and remove it from them.
# ``load_state_dict`` then checks that the part is complete.
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
# For several tasks, compute the features once and pass them to the output
# layer of each task. Add the losses before you call ``backward``. The
# backbone then gets the gradient of the sum.
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
# A slice is a new ``nn.Sequential`` that contains the same layers, so the
# parts share their weights with the whole network. ``len`` and negative
# indices work as they do for a list.
net = nn.Sequential(
    nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)
)
first, rest = net[:-1], net[-1:]
len(first), len(rest)  # (4, 1)
x = torch.randn(3, 4)
torch.equal(rest(first(x)), net(x))  # True
first[0].weight is net[0].weight  # True

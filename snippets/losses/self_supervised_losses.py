"""
Self-supervised losses
======================

Learn from inputs without labels, or with labels for a few of them, and
check that the embeddings do not collapse.
"""
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Two views without negatives: SimSiam and BYOL, ``detach`` one side
# ------------------------------------------------------------------
#
# The network computes a vector, the projection, for each of two augmented
# views of an image. A small predictor should turn the projection of one
# view into that of the other. ``detach`` stops the gradient of the
# projection; without ``detach``, the network can make all vectors equal.
# The loss is between -1 and 1, and -1 is perfect.
def half(prediction, projection):
    return -F.cosine_similarity(prediction, projection.detach()).mean()


z1 = torch.tensor([[1.0, 0.0], [0.0, 2.0]], requires_grad=True)
z2 = torch.tensor([[3.0, 0.0], [0.0, 4.0]], requires_grad=True)
predictor = nn.Identity()
loss = half(predictor(z1), z2)
loss.item()  # -1.0
loss.backward()
z1.grad is None, z2.grad is None  # (False, True)

# %%
# Collapse: the standard deviation of normalized embeddings
# ---------------------------------------------------------
#
# A perfect loss can mean that all inputs get the same vector. Normalize the
# embeddings and compute the standard deviation of each dimension over the
# batch. A value near 0 means collapse. A value near ``1 /
# sqrt(dimensions)`` means that the embeddings are well spread.
def spread(z):
    return F.normalize(z, dim=1).std(dim=0).mean()


different = torch.randn(2000, 64)
collapsed = torch.randn(64) + 0.001 * torch.randn(2000, 64)
(abs(spread(different) - 1 / 8) < 0.01).item()  # True
(spread(collapsed) < 0.01).item()  # True

# %%
# Momentum encoder: the teacher follows the student
# -------------------------------------------------
#
# After each step, the weights of the teacher move a small part of the way
# towards the student. The teacher gets no gradient, so leave it out of the
# optimizer. Copy the buffers, too, because otherwise the teacher's batch
# normalization keeps the initial statistics.
student = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
teacher = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
teacher.requires_grad_(False)


@torch.no_grad()
def follow(teacher, student, part=0.01):
    for old, new in zip(teacher.parameters(), student.parameters()):
        old.lerp_(new, part)
    for old, new in zip(teacher.buffers(), student.buffers()):
        old.copy_(new)


before = teacher[0].weight.clone()
moved = 0.99 * before + 0.01 * student[0].weight.detach()
student(torch.randn(8, 2) + 5).shape  # torch.Size([8, 2])
follow(teacher, student)
torch.allclose(teacher[0].weight, moved)  # True
teacher[1].running_mean.equal(student[1].running_mean)  # True

# %%
# Many negatives from a queue: MoCo
# ---------------------------------
#
# The query and the key are the vectors of two views of the same image. The
# queue holds the keys of earlier batches as negatives, so the number of
# negatives does not depend on the batch size. The positive is in column 0,
# so the target of each row is 0. After the step, replace the oldest keys by
# the new ones.
query = F.normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), dim=1)
key = query.clone()
queue = F.normalize(torch.tensor([[-1.0, 0.0], [0.0, -1.0], [1.0, 1.0]]))
positive = (query * key).sum(dim=1, keepdim=True)
logits = torch.cat([positive, query @ queue.T], dim=1) / 0.1
logits.shape  # torch.Size([2, 4])
target = torch.zeros(2, dtype=torch.int64)
(F.cross_entropy(logits, target) < 0.06).item()  # True
queue = torch.cat([queue, key])[-3:]
queue[-2:].equal(key)  # True

# %%
# Cross-correlation of two views: Barlow Twins
# --------------------------------------------
#
# Standardize each dimension over the batch and compute the correlations
# between the two views. The correlation of a dimension with the same
# dimension of the other view should be 1. The correlation with each other
# dimension should be 0.
def barlow_twins(z1, z2, weight=0.005):
    z1 = (z1 - z1.mean(dim=0)) / z1.std(dim=0, correction=0)
    z2 = (z2 - z2.mean(dim=0)) / z2.std(dim=0, correction=0)
    c = z1.T @ z2 / len(z1)
    same = (c.diagonal() - 1).square().sum()
    others = c.square().sum() - c.diagonal().square().sum()
    return same + weight * others


z = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
barlow_twins(z, z)  # tensor(0.)
barlow_twins(z, -z)  # tensor(8.)
twice = z[:, :1].expand(4, 2)
barlow_twins(twice, twice, weight=1.0)  # tensor(2.)

# %%
# Masked language model: labels of -100 where nothing is hidden
# -------------------------------------------------------------
#
# Hide some of the tokens and let the model predict them. By default
# ``F.cross_entropy`` ignores labels of -100, so just the hidden tokens
# count. The last lines draw about 15 % of the positions at random. Do not
# hide padding or special tokens.
tokens = torch.tensor([[5, 6, 7, 8, 0, 0]])
hidden = torch.tensor([[False, True, False, True, False, False]])
inputs = tokens.masked_fill(hidden, 99)
labels = tokens.masked_fill(~hidden, -100)
inputs  # tensor([[5, 99, 7, 99, 0, 0]])
labels  # tensor([[-100, 6, -100, 8, -100, -100]])
logits = torch.randn(1, 6, 10)
loss = F.cross_entropy(logits.transpose(1, 2), labels)
by_hand = F.cross_entropy(logits[hidden], tokens[hidden])
torch.allclose(loss, by_hand)  # True
drawn = torch.rand(1000, 100) < 0.15
0.14 < drawn.float().mean().item() < 0.16  # True

# %%
# Masked image patches: the loss of a masked autoencoder
# ------------------------------------------------------
#
# Cut the image into patches, hide most of them, and compare the hidden
# patches with their reconstruction. After ``transpose``, ``F.unfold`` gives
# one row of pixels per patch.
images = torch.arange(16.0).view(1, 1, 4, 4)
patches = F.unfold(images, kernel_size=2, stride=2).transpose(1, 2)
patches[0, 0]  # tensor([0., 1., 4., 5.])
hidden = torch.tensor([[True, False, True, True]])
output = patches + torch.tensor([[[1.0], [9.0], [2.0], [0.0]]])
each = (output - patches).square().mean(dim=2)
each  # tensor([[1., 81., 4., 0.]])
each[hidden].mean()  # tensor(1.6667)

# %%
# Pseudo-labels: learn from confident predictions (FixMatch)
# ----------------------------------------------------------
#
# The model predicts a class for a weakly augmented image. If its
# probability is high, this class is the label for the strongly augmented
# image. A mask leaves out the other images. Divide by the batch size, so
# that a few confident samples do not count too much.
weak = torch.tensor([[5.0, 0.0], [0.3, 0.0], [0.0, 4.0]])
strong = torch.zeros(3, 2, requires_grad=True)
with torch.no_grad():
    confidence, label = weak.softmax(dim=1).max(dim=1)
    mask = confidence > 0.95
mask, label  # (tensor([True, False, True]), tensor([0, 0, 1]))
losses = F.cross_entropy(strong, label, reduction="none")
loss = (losses * mask).mean()
loss.backward()
strong.grad.any(dim=1)  # tensor([True, False, True])
torch.allclose(loss, torch.tensor(2.0).log() * 2 / 3)  # True

# %%
# Measure what was learned: a linear probe
# ----------------------------------------
#
# Set the encoder to ``eval()`` and compute the features once under
# ``no_grad``. Then train one linear layer on them with labels. The accuracy
# of this layer measures how good the features are, which the
# self-supervised loss does not tell you.
encoder = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8)).eval()
x, y = torch.randn(64, 4), torch.randint(3, (64,))
with torch.no_grad():
    features = encoder(x)
features.requires_grad  # False
probe = nn.Linear(8, 3)
F.cross_entropy(probe(features), y).backward()
probe.weight.grad is None, encoder[0].weight.grad is None  # (False, True)

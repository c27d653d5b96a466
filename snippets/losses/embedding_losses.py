"""
Embedding losses
================

Pull vectors that belong together close, and push the others apart.
"""
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Pairs by their angle: ``nn.CosineEmbeddingLoss``
# ------------------------------------------------
#
# Target 1 costs :math:`1 - \cos`, target -1 costs
# :math:`\max(0, \cos - m)`. Lengths do not count. With the default margin 0
# pairs that differ are pushed until they are orthogonal; ``margin`` between
# 0 and 1 lets them stay closer.
a = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
b = torch.tensor([[3.0, 4.0], [3.0, 4.0], [0.0, 2.0]])
y = torch.tensor([1, -1, -1])
F.cosine_similarity(a, b)  # tensor([0.6000, 0.6000, 0.0000])
F.cosine_embedding_loss(a, b, y)  # tensor(0.3333)
loss = nn.CosineEmbeddingLoss(margin=0.5, reduction="none")
loss(a, b, y)  # tensor([0.4000, 0.1000, 0.0000])

# %%
# Labels 0 and 1 given to ``nn.CosineEmbeddingLoss``
# --------------------------------------------------
#
# 0 is no label: such a pair costs exactly 0 and has no gradient, without a
# warning, yet it is counted in the mean. Map 0 and 1 to -1 and 1;
# ``randint(-1, 2)`` as a test label draws zeros, too.
a = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
b = torch.tensor([[3.0, 4.0], [3.0, 4.0]], requires_grad=True)
label = torch.tensor([1, 0])
loss = F.cosine_embedding_loss(a, b, label, reduction="none")
loss  # tensor([0.4000, 0.0000], grad_fn=<AddBackward0>)
torch.autograd.grad(loss.sum(), b)[0][1]  # tensor([0., 0.])
y = 2 * label - 1
y  # tensor([1, -1])
F.cosine_embedding_loss(a, b, y).item()  # 0.5000

# %%
# Pairs by a distance you give: ``nn.HingeEmbeddingLoss``
# -------------------------------------------------------
#
# The input is a distance, not a score: target 1 costs the distance, -1
# costs :math:`\max(0, m - d)`. A target 0 costs the sum of both, so it is
# no label here either. At a distance of exactly the margin there is no
# gradient since 2.14.
d = torch.tensor([0.25, 0.25, 2.0, 0.25])
y = torch.tensor([1.0, -1.0, -1.0, 0.0])
loss = nn.HingeEmbeddingLoss(margin=1.0, reduction="none")
loss(d, y)  # tensor([0.2500, 0.7500, 0.0000, 1.0000])
F.hinge_embedding_loss(d[:3], y[:3])  # tensor(0.3333)
limit = torch.tensor([1.0], requires_grad=True)
loss(limit, y[1:2]).backward()
limit.grad  # tensor([0.]) since 2.14, tensor([-1.]) before

# %%
# Contrastive loss of pairs, by hand
# ----------------------------------
#
# Squared distance for a pair that belongs together, squared shortfall
# below the margin for one that does not: the siamese network. There is no
# ``nn`` module for it; ``F.hinge_embedding_loss`` lacks the squares.
#
# .. glance:: same * d.square() + (1 - same) * apart
a = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
b = torch.tensor([[3.0, 4.0], [3.0, 4.0], [6.0, 8.0]])
same = torch.tensor([1.0, 0.0, 0.0])
d = F.pairwise_distance(a, b, eps=0.0)
d  # tensor([5., 5., 10.])
apart = F.relu(8.0 - d).square()
same * d.square() + (1 - same) * apart  # tensor([25., 9., 0.])

# %%
# Anchor, positive, negative: ``nn.TripletMarginLoss``
# ----------------------------------------------------
#
# :math:`\max(0, d(a, p) - d(a, n) + m)`: the negative must be farther than
# the positive by the margin. ``p`` is the norm, 2 unless you say; a loss
# that stays at the margin often means that all vectors fell together.
anchor = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
positive = torch.tensor([[3.0, 4.0], [3.0, 4.0]])
negative = torch.tensor([[0.0, 5.5], [0.0, 9.0]])
loss = nn.TripletMarginLoss(margin=1.0, reduction="none")(
    anchor, positive, negative
)
loss  # tensor([0.5000, 0.0000])
loss = F.triplet_margin_loss(anchor, positive, negative, p=1)
loss  # tensor(1.2500)
(7 - 5.5 + 1 + 0) / 2  # 1.25
collapsed = torch.zeros(4, 8)
F.triplet_margin_loss(collapsed, collapsed, collapsed)  # tensor(1.)
pos = positive[:1].clone().requires_grad_()
edge = torch.tensor([[0.0, 6.0]])
F.triplet_margin_loss(anchor[:1], pos, edge, eps=0.0).backward()
pos.grad  # tensor([[0., 0.]]) since 2.14, tensor([[0.6000, 0.8000]]) before

# %%
# The shorter distance to the negative: ``F.triplet_margin_loss(swap=True)``
# --------------------------------------------------------------------------
#
# Takes the smaller of the distances from the negative to the anchor and to
# the positive. A negative that sits on the positive is then not missed.
#
# .. glance:: swapped
anchor = torch.tensor([[0.0]])
positive = torch.tensor([[2.0]])
negative = torch.tensor([[3.5]])
far = F.triplet_margin_loss(anchor, positive, negative)
far  # tensor(0.)
swapped = F.triplet_margin_loss(anchor, positive, negative, swap=True)
swapped  # tensor(1.5000)
max(0, 2 - min(3.5, 1.5) + 1)  # 1.5

# %%
# A distance of your own: ``nn.TripletMarginWithDistanceLoss``
# ------------------------------------------------------------
#
# ``distance_function`` takes two batches and gives one number per row,
# larger for less alike: turn a similarity round. Without one it is
# ``nn.PairwiseDistance``, and the loss that of ``nn.TripletMarginLoss``.
a, p, n = torch.randn(3, 5, 8)


def cosine_distance(x, y):
    return 1 - F.cosine_similarity(x, y)


loss = nn.TripletMarginWithDistanceLoss(
    distance_function=cosine_distance, margin=0.5
)(a, p, n)
by_hand = F.relu(cosine_distance(a, p) - cosine_distance(a, n) + 0.5)
torch.allclose(loss, by_hand.mean())  # True
default = F.triplet_margin_with_distance_loss(a, p, n)
torch.allclose(default, F.triplet_margin_loss(a, p, n))  # True

# %%
# Contrast with the rest of the batch: InfoNCE by ``F.cross_entropy``
# -------------------------------------------------------------------
#
# Row i of one view belongs to row i of the other; all other rows are its
# negatives. The similarities over a temperature are logits, and the right
# class is the diagonal. CLIP averages both directions.
a = F.normalize(torch.randn(6, 16), dim=1)
b = F.normalize(torch.randn(6, 16), dim=1)
logits = a @ b.T / 0.1
target = torch.arange(6)
loss = F.cross_entropy(logits, target)
by_hand = (logits.logsumexp(dim=1) - logits.diagonal()).mean()
torch.allclose(loss, by_hand, atol=1e-5)  # True
clip = (loss + F.cross_entropy(logits.T, target)) / 2
equal = F.cross_entropy(torch.zeros(6, 6), target)
torch.allclose(equal, torch.tensor(6.0).log())  # True

# %%
# Row with row, or all pairs: ``F.pairwise_distance``, ``torch.cdist``
# --------------------------------------------------------------------
#
# ``F.pairwise_distance`` and the losses on it compare row i with row i,
# and add ``eps`` to the difference, so a vector is not at distance 0 of
# itself. ``torch.cdist`` compares all rows with all, to find the hardest
# negatives in a batch.
x = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
y = torch.tensor([[3.0, 4.0], [3.0, 4.0]])
F.pairwise_distance(x, y, eps=0.0)  # tensor([5., 0.])
(F.pairwise_distance(y, y) > 0).all()  # tensor(True)
torch.cdist(x, y)  # tensor([[5., 5.], [0., 0.]])

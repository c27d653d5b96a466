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
# the positive by the margin. ``p`` is the norm, 2 by default. Since 2.14
# the gradient is 0 where the negative is farther by exactly the margin.
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
pos = positive[:1].clone().requires_grad_()
edge = torch.tensor([[0.0, 6.0]])
F.triplet_margin_loss(anchor[:1], pos, edge, eps=0.0).backward()
pos.grad  # tensor([[0., 0.]]) since 2.14, tensor([[0.6000, 0.8000]]) before

# %%
# Triplet loss stays at the margin: the embeddings have collapsed
# ---------------------------------------------------------------
#
# If the network gives each input the same vector, both distances are 0 and
# the loss is the margin. The standard deviation over the batch shows it.
# Try a lower learning rate, embeddings of length 1, and random or semi-hard
# triplets in place of the hardest ones.
loss = nn.TripletMarginLoss(margin=1.0)
collapsed = torch.full((8, 16), 0.25)
loss(collapsed, collapsed, collapsed)  # tensor(1.)
collapsed.std(dim=0).mean()  # tensor(0.)
anchor = F.normalize(torch.randn(8, 16), dim=1)
positive = F.normalize(anchor + 0.1 * torch.randn(8, 16), dim=1)
loss(anchor, positive, -anchor)  # tensor(0.)
anchor.std(dim=0).mean() > 0.1  # tensor(True)

# %%
# The shorter distance to the negative: ``F.triplet_margin_loss(swap=True)``
# --------------------------------------------------------------------------
#
# ``swap=True`` takes the smaller of the distances from the negative to the
# anchor and to the positive. This negative is far enough from the anchor to
# cost nothing, and close to the positive: with ``swap`` it costs 1.5.
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
# NT-Xent, the loss of SimCLR: log(2N - 1) means nothing is learned
# -----------------------------------------------------------------
#
# Two views of N samples make 2N rows, row i belongs to row i + N, and minus
# infinity on the diagonal leaves out the row itself. Rows that are all
# alike cost :math:`\log(2N - 1)`, 5.54 for N = 128, as guesses do.
# Normalize, and try temperatures from 0.07 to 0.5.
def nt_xent(a, b, temperature):
    z = F.normalize(torch.cat([a, b]), dim=1)
    similarity = z @ z.T / temperature
    similarity.fill_diagonal_(-torch.inf)
    partner = torch.arange(2 * len(a)).roll(len(a))
    return F.cross_entropy(similarity, partner)


alike = torch.ones(128, 64)
nt_xent(alike, alike, temperature=0.5)  # tensor(5.5413)
torch.tensor(2.0 * 128 - 1).log()  # tensor(5.5413)
view = torch.randn(128, 64)
other = view + 0.1 * torch.randn(128, 64)
nt_xent(view, other, temperature=0.1) < 0.5  # tensor(True)
nt_xent(view, other, temperature=5.0) > 5  # tensor(True)

# %%
# Contrastive loss near 0 from the start: mask the diagonal
# ---------------------------------------------------------
#
# In ``z @ z.T`` the largest similarity of a row is the one with itself. If
# the targets point there, the loss is near 0 although the views have
# nothing in common. Fill the diagonal with minus infinity, and let the
# targets point to the other view.
n = 64
a, b = torch.randn(2, n, 32)
z = F.normalize(torch.cat([a, b]), dim=1)
similarity = z @ z.T / 0.05
F.cross_entropy(similarity, torch.arange(2 * n)) < 0.1  # tensor(True)
similarity.fill_diagonal_(-torch.inf)
partner = (torch.arange(2 * n) + n) % (2 * n)
F.cross_entropy(similarity, partner) > 5  # tensor(True)

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

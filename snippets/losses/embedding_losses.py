"""
Embedding losses
================

Train embeddings so that matching vectors are close together and the others
are far apart.
"""
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Pairs by their angle: ``nn.CosineEmbeddingLoss``
# ------------------------------------------------
#
# The loss of a matching pair (target 1) is :math:`1 - \cos`, and the loss
# of a pair that does not match (target -1) is :math:`\max(0, \cos - m)`
# with the margin m. The lengths of the vectors do not matter. With the
# default margin of 0, the loss pushes other pairs until they are
# orthogonal. A ``margin`` between 0 and 1 lets them stay closer.
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
# The labels must be 1 and -1. A pair with the label 0 has the loss 0 and no
# gradient, but it still counts in the mean. PyTorch gives no warning.
# Convert labels of 0 and 1 with ``2 * label - 1``.
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
# Pairs with your own distance: ``nn.HingeEmbeddingLoss``
# -------------------------------------------------------
#
# The input is a distance and not a score. The loss is the distance for
# target 1, and :math:`\max(0, m - d)` for target -1. Do not use the target
# 0, whose loss is the sum of both. Since 2.14 the gradient is 0 at a
# distance of exactly the margin.
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
# Siamese networks, which encode both inputs with the same layers, are
# trained with this loss. For a matching pair it is the squared distance.
# For a pair that does not match, it is the square of the amount by which
# the distance is below the margin. ``torch.nn`` has no module for it, and
# ``F.hinge_embedding_loss`` does not square.
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
# For an anchor a, a positive p that matches it and a negative n that does
# not, the loss is :math:`\max(0, d(a, p) - d(a, n) + m)`. It is 0 if the
# negative is farther from the anchor than the positive by at least the
# margin. The argument ``p`` chooses the norm of the distance, 2 by default.
# Since 2.14 the gradient is 0 if the negative is farther by exactly the
# margin.
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
# the loss is the margin. To check for this, compute the standard deviation
# over the batch, which is then 0. Try a lower learning rate, normalized
# embeddings, and random triplets instead of the hardest ones.
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
# ``swap=True`` uses the smaller of two distances: from the negative to the
# anchor, and from the negative to the positive. The negative here is far
# from the anchor and close to the positive. The loss is 0 by default and
# 1.5 with ``swap=True``.
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
# Triplet loss with your own distance: ``nn.TripletMarginWithDistanceLoss``
# -------------------------------------------------------------------------
#
# ``distance_function`` takes two batches and returns one distance per row.
# If you have a similarity, turn it into a distance, for example with ``1 -
# similarity``. The default is ``nn.PairwiseDistance``, with which the loss
# equals ``nn.TripletMarginLoss``.
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
# InfoNCE, the contrastive loss of CLIP: ``F.cross_entropy``
# ----------------------------------------------------------
#
# Row i of ``a`` matches row i of ``b``, such as an image and its caption.
# The other rows are the negatives. Divide the similarities by a temperature
# and use them as logits. The correct classes are on the diagonal, so the
# target is ``torch.arange``; CLIP averages this loss and the loss of
# ``logits.T``.
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
# Two views (augmented versions) of N samples make 2N rows, and row i
# matches row i + N. Minus infinity on the diagonal keeps a row from
# matching itself. If all the rows are equal, the loss is :math:`\log(2N -
# 1)`, which is 5.54 for N = 128. Normalize the rows, and try temperatures
# from 0.07 to 0.5.
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
# In ``z @ z.T`` each row is most similar to itself. If the targets are on
# the diagonal, the loss is near 0 at a low temperature, even if the two
# views have nothing in common. Fill the diagonal with minus infinity, and
# let each target be the row of the other view.
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
# ``F.pairwise_distance`` compares row i with row i. It adds ``eps`` to the
# difference, so the distance of a vector from itself is not exactly 0.
# ``torch.cdist`` compares each row with each row of the other batch. Use it
# to find the hardest negatives, the ones nearest to the anchor.
x = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
y = torch.tensor([[3.0, 4.0], [3.0, 4.0]])
F.pairwise_distance(x, y, eps=0.0)  # tensor([5., 0.])
(F.pairwise_distance(y, y) > 0).all()  # tensor(True)
torch.cdist(x, y)  # tensor([[5., 5.], [0., 0.]])

"""
Losses between distributions
============================

Compare a predicted distribution with a target distribution instead of a
single label, as in distillation and in a VAE.
"""
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical, kl_divergence

# %%
# Kullback-Leibler divergence: ``nn.KLDivLoss``, ``F.kl_div``
# -----------------------------------------------------------
#
# Pass the predicted log-probabilities first and the target probabilities
# second. For targets q and log-probabilities x, the loss is :math:`\sum q
# (\log q - x)`, which is KL(target || prediction). The arguments are in the
# reverse order of the usual notation. Set ``reduction="batchmean"`` for the
# mean over the batch.
p = torch.tensor([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])
q = torch.tensor([[0.25, 0.5, 0.25], [0.2, 0.2, 0.6]])
loss = nn.KLDivLoss(reduction="batchmean")(p.log(), q)
by_hand = (q * (q.log() - p.log())).sum(dim=1)
by_hand  # tensor([0.1733, 0.0000])
torch.allclose(loss, by_hand.mean())  # True
torch.allclose(F.kl_div(p.log(), q, reduction="sum"), by_hand.sum())  # True

# %%
# Check ``F.kl_div`` against ``torch.distributions.kl_divergence``
# ----------------------------------------------------------------
#
# ``kl_divergence(q, p)`` computes KL(q || p) in the order of textbooks.
# ``F.kl_div`` takes the arguments in the opposite order, with logarithms
# for the first one. The divergence is not symmetric, so the order matters.
p = torch.tensor([0.5, 0.25, 0.25])
q = torch.tensor([0.1, 0.2, 0.7])
loss = F.kl_div(p.log(), q, reduction="sum")
loss  # tensor(0.5152)
kl_divergence(Categorical(probs=q), Categorical(probs=p))  # tensor(0.5152)
kl_divergence(Categorical(probs=p), Categorical(probs=q))  # tensor(0.6031)

# %%
# Warning: 'mean' divides by batch size and support size (``F.kl_div``)
# ---------------------------------------------------------------------
#
# The default ``"mean"`` divides by the number of elements, so the loss is
# too small by a factor of the number of classes. ``"batchmean"`` divides by
# the first size, which is right for a batch. For a single distribution
# without a batch dimension use ``"sum"``.
log_p = torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]).log()
q = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
loss = F.kl_div(log_p, q)  # UserWarning: reduction: 'mean' divides
loss  # tensor(0.3466)
F.kl_div(log_p, q, reduction="batchmean")  # tensor(0.6931)
F.kl_div(log_p[0], q[0], reduction="batchmean")  # tensor(0.3466)
F.kl_div(log_p[0], q[0], reduction="sum")  # tensor(0.6931)

# %%
# Targets as logarithms: ``F.kl_div(log_target=True)``
# ----------------------------------------------------
#
# Use ``log_target=True`` if the target comes from ``log_softmax``, so that
# small probabilities are not rounded to 0. With the log-probabilities
# :math:`y` of the target, the loss is :math:`\sum e^y (y - x)`.
log_p = torch.tensor([[0.0, 1.0, 2.0]]).log_softmax(dim=1)
log_q = torch.tensor([[3.0, 1.0, 0.0]]).log_softmax(dim=1)
loss = F.kl_div(log_p, log_q, reduction="sum", log_target=True)
same = F.kl_div(log_p, log_q.exp(), reduction="sum")
torch.allclose(loss, same)  # True
torch.allclose(loss, (log_q.exp() * (log_q - log_p)).sum())  # True

# %%
# ``F.kl_div`` is cross entropy minus the entropy of the target
# -------------------------------------------------------------
#
# For a fixed target, ``F.cross_entropy`` and ``F.kl_div`` with
# ``reduction="batchmean"`` have the same gradient. Use ``F.kl_div`` if the
# loss should be 0 for a perfect match, and ``F.cross_entropy`` otherwise. A
# target probability of 0 adds 0 to the loss. If the predicted probability
# is exactly 0, too, the result is NaN.
logits = torch.tensor([[1.0, 2.0, 0.0]], requires_grad=True)
q = torch.tensor([[0.5, 0.5, 0.0]])
kl = F.kl_div(logits.log_softmax(dim=1), q, reduction="batchmean")
ce = F.cross_entropy(logits, q)
ce - kl  # tensor(0.6931, grad_fn=<SubBackward0>)
Categorical(probs=q).entropy()  # tensor([0.6931])
(from_kl,) = torch.autograd.grad(kl, logits)
(from_ce,) = torch.autograd.grad(ce, logits)
torch.allclose(from_kl, from_ce)  # True
masked = torch.tensor([[1.0, 2.0, -torch.inf]])
F.cross_entropy(masked, q)  # tensor(nan)

# %%
# ``F.kl_div`` is negative: probabilities instead of log-probabilities
# --------------------------------------------------------------------
#
# ``F.kl_div`` does not check its first argument. A KL divergence is not
# negative, apart from rounding errors. If the loss is negative, apply
# ``log_softmax`` to the prediction, and check that both distributions sum
# to 1.
p = torch.tensor([[0.5, 0.25, 0.25]])
q = torch.tensor([[0.5, 0.25, 0.25]])
F.kl_div(p, q, reduction="batchmean")  # tensor(-1.4147)
F.kl_div(p.log(), q, reduction="batchmean")  # tensor(0.0000)

# %%
# Jensen-Shannon divergence from ``F.kl_div``
# -------------------------------------------
#
# The Jensen-Shannon divergence is the mean KL divergence of both
# distributions from their mixture. It is symmetric. Its largest value is
# :math:`\log 2`, for distributions that share no outcome, where the KL
# divergence is infinite. ``clamp`` avoids NaN where both probabilities are
# 0.
#
# .. glance:: jensen_shannon(p, q)
def jensen_shannon(p, q):
    log_m = ((p + q) / 2).clamp(min=1e-30).log()
    return (
        F.kl_div(log_m, p, reduction="sum")
        + F.kl_div(log_m, q, reduction="sum")
    ) / 2


p = torch.tensor([1.0, 0.0])
q = torch.tensor([0.0, 1.0])
jensen_shannon(p, q)  # tensor(0.6931)
F.kl_div(p.log(), q, reduction="sum")  # tensor(inf)
jensen_shannon(p, p)  # tensor(0.)
p, q = torch.tensor([0.7, 0.3]), torch.tensor([0.4, 0.6])
torch.allclose(jensen_shannon(p, q), jensen_shannon(q, p))  # True

# %%
# Knowledge distillation: ``F.kl_div`` with a temperature
# -------------------------------------------------------
#
# In distillation, a student model learns from the outputs of a teacher
# model. Divide the logits by a temperature T, so that the student also
# learns how the teacher ranks the wrong classes. The gradients shrink by
# about :math:`T^2`, so the loss is multiplied by :math:`T^2`. Run the
# teacher under ``no_grad``, or use ``detach``.
teacher = torch.tensor([[5.0, 2.0, 0.0]])
student = torch.tensor([[1.0, 2.0, 0.0]], requires_grad=True)
T = 4.0
loss = T**2 * F.kl_div(
    (student / T).log_softmax(dim=1),
    (teacher / T).softmax(dim=1),
    reduction="batchmean",
)
hard = F.cross_entropy(student, torch.tensor([0]))
total = 0.5 * loss + 0.5 * hard
loss.backward()
gap = (student / T).softmax(dim=1) - (teacher / T).softmax(dim=1)
torch.allclose(student.grad, T * gap)  # True

# %%
# KL penalty between two language models: per token, with a mask
# --------------------------------------------------------------
#
# ``F.kl_div`` takes the log-probabilities of the reference first and those
# of the trained model second, both with ``log_target=True``. Sum over the
# vocabulary, and take the mean over the real tokens.
# ``reduction="batchmean"`` would count the padding and divide by the number
# of texts.
policy, reference = torch.randn(2, 1, 3, 50)
mask = torch.tensor([[1.0, 1.0, 0.0]])
log_p = policy.log_softmax(dim=-1)
log_q = reference.log_softmax(dim=-1)
options = {"reduction": "none", "log_target": True}
each = F.kl_div(log_q, log_p, **options).sum(dim=-1)
each.shape  # torch.Size([1, 3])
by_hand = (log_p.exp() * (log_p - log_q)).sum(dim=-1)
torch.allclose(each, by_hand, atol=1e-5)  # True
penalty = (each * mask).sum() / mask.sum()
torch.allclose(penalty, by_hand[0, :2].mean(), atol=1e-5)  # True
options["reduction"] = "batchmean"
per_text = F.kl_div(log_q, log_p, **options)
torch.allclose(per_text, by_hand.sum() / len(mask), atol=1e-5)  # True

# %%
# KL term of a variational autoencoder: ``kl_divergence`` of normals
# ------------------------------------------------------------------
#
# The encoder of a variational autoencoder returns the mean and the variance
# of a normal distribution. Its KL divergence from the standard normal
# distribution is :math:`(\mu^2 + \sigma^2 - 1 - \log \sigma^2) / 2` per
# dimension. Sum this over the dimensions and average it over the batch. Do
# not use ``F.kl_div`` here, because it takes probabilities and not means
# and variances.
mean = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
log_var = torch.tensor([[0.0, 0.0], [1.0, -1.0]])
kl = (mean**2 + log_var.exp() - 1 - log_var) / 2
encoder = torch.distributions.Normal(mean, (log_var / 2).exp())
prior = torch.distributions.Normal(
    torch.zeros_like(mean), torch.ones_like(mean)
)
torch.allclose(kl_divergence(encoder, prior), kl)  # True
kl[0]  # tensor([0.0000, 0.5000])

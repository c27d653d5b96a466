"""
Regression losses
=================

Measure how far predicted numbers are from their targets, with or without a
strong influence of outliers.

.. which::

   - ``nn.MSELoss``, ``F.mse_loss``: fits the mean, large errors count most
   - ``nn.L1Loss``, ``F.l1_loss``: fits the median, robust to outliers
   - ``nn.HuberLoss``, ``F.huber_loss``: squared, linear above ``delta``
   - ``nn.SmoothL1Loss``, ``F.smooth_l1_loss``: like Huber, with slope 1
   - ``nn.PoissonNLLLoss``, ``F.poisson_nll_loss``: targets are counts
   - ``nn.GaussianNLLLoss``, ``F.gaussian_nll_loss``: with a variance
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Mean squared error: ``nn.MSELoss``, ``F.mse_loss``
# --------------------------------------------------
#
# The loss is the mean of :math:`(x - y)^2` over all elements, for
# predictions x and targets y. The module and the function compute the same.
# Neither of them divides by two, so the gradient is :math:`2 (x - y) / n`.
# Since 2.12 the target can be float64, the default of NumPy.
prediction = torch.tensor([1.0, 2.0, 5.0, 4.0], requires_grad=True)
target = torch.tensor([1.0, 3.0, 2.0, 4.0])
loss = nn.MSELoss()(prediction, target)
loss.item()  # 2.5
F.mse_loss(prediction, target).item()  # 2.5
((prediction - target) ** 2).mean().item()  # 2.5
loss.backward()
prediction.grad  # tensor([0.0000, -0.5000, 1.5000, 0.0000])
loss = F.mse_loss(prediction, target.double())
with suppress(RuntimeError):
    loss.backward()  # None since 2.12, RuntimeError: Found dtype before

# %%
# Mean absolute error: ``nn.L1Loss``, ``F.l1_loss``
# -------------------------------------------------
#
# The loss is the mean of :math:`|x - y|`. The gradient is :math:`\pm 1/n`
# for each error, large or small, and 0 for an exact prediction. It does not
# shrink near the target, so lower the learning rate towards the end of the
# training.
prediction = torch.tensor([1.0, 2.0, 5.0, 4.0], requires_grad=True)
target = torch.tensor([1.0, 3.0, 2.0, 4.0])
loss = nn.L1Loss()(prediction, target)
loss.item()  # 1.0
F.l1_loss(prediction, target).item()  # 1.0
(prediction - target).abs().mean().item()  # 1.0
loss.backward()
prediction.grad  # tensor([0.0000, -0.2500, 0.2500, 0.0000])

# %%
# Huber loss, squared then linear: ``nn.HuberLoss``, ``F.huber_loss``
# -------------------------------------------------------------------
#
# For an error :math:`e`, the loss is :math:`e^2 / 2` up to ``delta``, and
# :math:`\delta (|e| - \delta / 2)` above it. The gradient of a large error
# is therefore limited to ``delta``. For small errors the loss is half of
# the squared error.
error = torch.tensor([0.0, 1.0, 2.0, 10.0])
zero = torch.zeros(4)
huber = nn.HuberLoss(delta=2.0, reduction="none")
huber(error, zero)  # tensor([0.0000, 0.5000, 2.0000, 18.0000])
by_hand = torch.where(error <= 2, error**2 / 2, 2 * (error - 1))
torch.allclose(by_hand, huber(error, zero))  # True
loss = F.huber_loss(error, zero, delta=20.0)
torch.allclose(loss, F.mse_loss(error, zero) / 2)  # True

# %%
# Smooth L1, the Huber loss divided by delta: ``nn.SmoothL1Loss``
# ---------------------------------------------------------------
#
# The loss is :math:`e^2 / 2 \beta` up to ``beta``, and
# :math:`|e| - \beta / 2` above it, with slope 1. The Huber loss is
# ``delta`` times the smooth L1 loss, so the two agree for the default value
# 1. With ``beta=0``, the smooth L1 loss is the absolute error.
error = torch.tensor([0.0, 1.0, 2.0, 10.0])
zero = torch.zeros(4)
smooth = nn.SmoothL1Loss(beta=2.0, reduction="none")
smooth(error, zero)  # tensor([0.0000, 0.2500, 1.0000, 9.0000])
huber = F.huber_loss(error, zero, reduction="none", delta=2.0)
torch.allclose(huber, 2.0 * smooth(error, zero))  # True
loss = F.smooth_l1_loss(error, zero)
torch.allclose(loss, F.huber_loss(error, zero))  # True
l1 = F.smooth_l1_loss(error, zero, beta=0.0)
torch.allclose(l1, F.l1_loss(error, zero))  # True

# %%
# Plot regression losses and their gradients
# ------------------------------------------
#
# Left: the loss of a single error. Right: its gradient, which shows how
# strongly an outlier changes the weights. The gradient of the squared error
# grows without a limit, and the other three are bounded.
e = torch.linspace(-3, 3, 301, requires_grad=True)
criteria = {
    "MSELoss": nn.MSELoss(reduction="none"),
    "L1Loss": nn.L1Loss(reduction="none"),
    "HuberLoss(delta=2)": nn.HuberLoss(delta=2.0, reduction="none"),
    "SmoothL1Loss(beta=2)": nn.SmoothL1Loss(beta=2.0, reduction="none"),
}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
steepest = []
for style, name in zip(["-", "--", "-.", ":"], criteria):
    loss = criteria[name](e, torch.zeros(301))
    (gradient,) = torch.autograd.grad(loss.sum(), e)
    steepest.append(round(gradient.max().item(), 3))
    for ax, y in zip(axes, [loss.detach(), gradient]):
        ax.plot(e.detach().cpu(), y.cpu(), style, label=name)
steepest  # [6.0, 1.0, 2.0, 1.0]
axes[0].legend()
figure.tight_layout()

# %%
# Losses that are robust to outliers: ``nn.L1Loss``, ``nn.HuberLoss``
# -------------------------------------------------------------------
#
# One number is fitted to five measurements, and the last of them is an
# outlier. The squared error finds the mean and the absolute error finds the
# median. The Huber loss finds a number between the two, which is closer to
# the median if ``delta`` is small.
x = torch.tensor([1.0, 2.0, 3.0, 5.0, 89.0])
candidates = torch.arange(0, 40, 0.5)


def best(criterion):
    losses = [criterion(c.expand(5), x) for c in candidates]
    return candidates[torch.stack(losses).argmin()].item()


[best(nn.MSELoss()), best(nn.L1Loss())]  # [20.0, 3.0]
[x.mean().item(), x.median().item()]  # [20.0, 3.0]
[best(nn.HuberLoss(delta=3.0)), best(nn.HuberLoss())]  # [3.5, 3.0]

# %%
# Counts: ``nn.PoissonNLLLoss``, ``F.poisson_nll_loss``
# -----------------------------------------------------
#
# The rate is the count that the network expects. By default the network
# predicts the logarithm x of the rate, and the loss for a count y is
# :math:`e^x - y x`; with ``log_input=False`` it predicts the rate. The loss
# leaves out the term :math:`\log y!`, so it can be negative. ``full=True``
# adds Stirling's approximation of this term for counts above 1.
log_rate = torch.tensor([0.0, 1.0, 2.0])
count = torch.tensor([0.0, 4.0, 9.0])
loss = nn.PoissonNLLLoss(reduction="none")(log_rate, count)
torch.allclose(loss, log_rate.exp() - count * log_rate)  # True
rate = log_rate.exp()
same = F.poisson_nll_loss(rate, count, log_input=False, reduction="none")
torch.allclose(same, loss)  # True
full = F.poisson_nll_loss(log_rate, count, full=True, reduction="none")
exact = -torch.distributions.Poisson(rate).log_prob(count)
((full - exact).abs() < 0.03).all()  # tensor(True)

# %%
# Predict a variance, too: ``F.gaussian_nll_loss``
# ------------------------------------------------
#
# The third argument is the variance and not the standard deviation. The
# loss is :math:`(\log v + (x - y)^2 / v) / 2`, so an error counts less if
# the network predicts a large variance. ``full=True`` adds the constant
# :math:`\log(2 \pi) / 2`. Variances below ``eps`` are set to ``eps``, and
# negative ones raise an error.
mean = torch.tensor([0.0, 1.0])
target = torch.tensor([1.0, 5.0])
variance = torch.tensor([1.0, 16.0])
loss = nn.GaussianNLLLoss(reduction="none")(mean, target, variance)
by_hand = (variance.log() + (mean - target) ** 2 / variance) / 2
torch.allclose(loss, by_hand)  # True
full = F.gaussian_nll_loss(mean, target, variance, full=True)
normal = torch.distributions.Normal(mean, variance.sqrt())
torch.allclose(full, -normal.log_prob(target).mean())  # True

# %%
# Warning: using a target size that is different to the input size
# ----------------------------------------------------------------
#
# Predictions of shape (N, 1) and targets of shape (N,) are broadcast to N x
# N pairs. Even perfect predictions then have a loss, and the model learns
# the mean of the targets. Use ``squeeze(1)`` on the predictions or
# ``unsqueeze(1)`` on the targets. ``F.poisson_nll_loss`` does the same
# without a warning.
#
# .. tensors:: prediction, target, prediction - target
#    :style: broadcast
prediction = torch.tensor([[1.0], [2.0], [4.0]])
target = torch.tensor([1.0, 2.0, 4.0])
loss = F.mse_loss(prediction, target)  # UserWarning: Using a target size
loss  # tensor(3.1111)
F.mse_loss(prediction.squeeze(1), target)  # tensor(0.)
pairs = F.poisson_nll_loss(prediction, target, reduction="none")
pairs.shape  # torch.Size([3, 3])

# %%
# Error: Boolean value of Tensor is ambiguous (``nn.MSELoss(x, y)``)
# ------------------------------------------------------------------
#
# ``nn.MSELoss`` is a class, so ``nn.MSELoss(x, y)`` takes the tensors for
# settings. Create the object first, and then call it with the prediction
# and the target. ``F.mse_loss`` is a function that takes both directly.
prediction, target = torch.ones(3), torch.zeros(3)
with suppress(RuntimeError):
    nn.MSELoss(prediction, target)  # RuntimeError: Boolean value of Tensor
criterion = nn.MSELoss()
criterion(prediction, target)  # tensor(1.)
F.mse_loss(prediction, target)  # tensor(1.)

"""
Exercises: tensors and gradients
================================

Eight short exercises with solutions: broadcasting, one-hot rows, windows,
softmax, ``gather``, masks, a gradient by hand and a convolution. Each one
gives you a function to finish and a ``check`` that prints nothing if the
function is right. Click to open the hint and the solution.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_sample_image, load_wine
from torch import nn

# %%
# 1. Standardize each column without a loop
# -----------------------------------------
#
# The wine table has 178 rows and 13 columns with very different scales.
# Return the table with mean 0 and standard deviation 1 in each column.
#
# .. hint::
#
#    Reduce over ``dim=0``. A result of shape (13,) broadcasts over the
#    rows.
device = torch.get_default_device()
wine = torch.tensor(load_wine().data, dtype=torch.float64, device=device)


def standardize(table):
    raise NotImplementedError("your turn")


def check_standardize(function):
    result = function(wine)
    assert result.shape == wine.shape
    assert result.mean(dim=0).abs().max() < 1e-9
    assert (result.std(dim=0) - 1).abs().max() < 1e-9


with suppress(NotImplementedError):
    check_standardize(standardize)  # NotImplementedError: your turn

# %%
# Solution 1
# ----------
#
# The means and the standard deviations have shape (13,). In an operation
# with the table, whose shape is (178, 13), broadcasting treats this shape
# as (1, 13).
def standardize(table):
    return (table - table.mean(dim=0)) / table.std(dim=0)


check_standardize(standardize)

# %%
# 2. One-hot rows from class numbers
# ----------------------------------
#
# With four classes, class 2 becomes ``[0, 0, 1, 0]``. Do not use
# ``F.one_hot`` or a loop.
#
# .. hint::
#
#    Compare a column with a row, or write ones with ``scatter_``.
def one_hot(targets, classes):
    raise NotImplementedError("your turn")


def check_one_hot(function):
    targets = torch.tensor([2, 0, 3, 1, 2])
    expected = F.one_hot(targets, 4).float()
    assert torch.equal(function(targets, 4).float(), expected)


with suppress(NotImplementedError):
    check_one_hot(one_hot)  # NotImplementedError: your turn

# %%
# Solution 2
# ----------
#
# A comparison of shapes (N, 1) and (C,) gives shape (N, C). It is true
# where the class number equals the number of the column.
def one_hot(targets, classes):
    columns = torch.arange(classes, device=targets.device)
    return (targets.unsqueeze(1) == columns).float()


check_one_hot(one_hot)

# %%
# 3. A moving average
# -------------------
#
# Return the mean of each window of ``width`` neighbours. From n numbers you
# get ``n - width + 1`` means.
#
# .. hint::
#
#    ``Tensor.unfold`` returns the windows as a view. A difference of two
#    cumulative sums needs fewer additions, but its rounding errors are
#    larger on long rows.
def moving_average(x, width):
    raise NotImplementedError("your turn")


def check_moving_average(function):
    x = torch.tensor([2.0, 4.0, 6.0, 8.0, 0.0])
    assert torch.allclose(function(x, 3), torch.tensor([4.0, 6.0, 14 / 3]))
    assert torch.equal(function(x, 1), x)
    assert function(torch.rand(100), 10).shape == (91,)


with suppress(NotImplementedError):
    check_moving_average(moving_average)  # NotImplementedError: your turn

# %%
# Solution 3
# ----------
#
# ``unfold`` puts the windows into a new last dimension, and the mean is
# taken over it.
def moving_average(x, width):
    return x.unfold(0, width, 1).mean(dim=-1)


check_moving_average(moving_average)

# %%
# 4. A softmax that does not overflow
# -----------------------------------
#
# ``exp(1000)`` is ``inf``, and inf / inf is ``nan``. Compute the softmax
# over the last dimension from ``exp`` and sums, so that it is right for
# large logits, too.
#
# .. hint::
#
#    If you subtract a constant from all logits of a row, it cancels in the
#    quotient. Which constant keeps ``exp`` from overflowing?
def softmax(logits):
    raise NotImplementedError("your turn")


def check_softmax(function):
    logits = torch.tensor([[1.0, 2.0, 3.0], [1000.0, 1000.0, -1000.0]])
    assert torch.allclose(function(logits), logits.softmax(dim=-1))


with suppress(NotImplementedError):
    check_softmax(softmax)  # NotImplementedError: your turn

# %%
# Solution 4
# ----------
#
# After the maximum of each row is subtracted, the largest exponent is 0.
def softmax(logits):
    powers = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


check_softmax(softmax)

# %%
# 5. The logit of each row's target
# ---------------------------------
#
# ``logits`` has shape (N, C) and ``targets`` has shape (N,). Pick the logit
# of the target in each row, and use it to compute the mean cross-entropy.
#
# .. hint::
#
#    The index of ``gather`` needs as many dimensions as the input. The loss
#    of a row is the ``logsumexp`` of its logits minus the logit of the
#    target.
def cross_entropy(logits, targets):
    raise NotImplementedError("your turn")


def check_cross_entropy(function):
    generator = torch.Generator(device=device).manual_seed(0)
    logits = torch.randn(6, 4, generator=generator, device=device)
    targets = torch.tensor([3, 0, 1, 1, 2, 0])
    expected = nn.CrossEntropyLoss()(logits, targets)
    assert torch.allclose(function(logits, targets), expected)


with suppress(NotImplementedError):
    check_cross_entropy(cross_entropy)  # NotImplementedError: your turn

# %%
# Solution 5
# ----------
#
# The index gets the shape (N, 1), and ``gather`` returns the same shape.
def cross_entropy(logits, targets):
    chosen = logits.gather(1, targets.unsqueeze(1)).squeeze(1)
    return (logits.logsumexp(dim=1) - chosen).mean()


check_cross_entropy(cross_entropy)

# %%
# 6. A masked mean that leaves out the padding
# --------------------------------------------
#
# ``values`` has shape (N, L, E). ``mask`` has shape (N, L) and is true at
# the real positions. Return the mean over the real positions, with shape
# (N, E).
#
# .. hint::
#
#    The sum is easy once the mask has a third dimension. Do not divide the
#    sum by L.
def masked_mean(values, mask):
    raise NotImplementedError("your turn")


def check_masked_mean(function):
    values = torch.tensor([[[2.0], [4.0], [9.0]], [[1.0], [9.0], [9.0]]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    expected = torch.tensor([[3.0], [1.0]])
    assert torch.equal(function(values, mask), expected)


with suppress(NotImplementedError):
    check_masked_mean(masked_mean)  # NotImplementedError: your turn

# %%
# Solution 6
# ----------
#
# The plain mean of the first row would be 5, because it includes the
# padding.
def masked_mean(values, mask):
    weights = mask.unsqueeze(-1).to(values.dtype)
    return (values * weights).sum(dim=1) / weights.sum(dim=1)


check_masked_mean(masked_mean)

# %%
# 7. A gradient by hand
# ---------------------
#
# Return the gradient of ``loss = ((x @ w - y) ** 2).mean()`` with respect
# to ``w``, without autograd.
#
# .. hint::
#
#    Call ``x @ w - y`` the residual. The derivative of its square is twice
#    the residual. The derivative of a residual with respect to ``w`` is a
#    row of ``x``. Add up and divide by N.
def gradient(x, y, w):
    raise NotImplementedError("your turn")


def check_gradient(function):
    x, w = wine[:, :3] / 10, torch.tensor([1.0, -2.0, 0.5]).double()
    y = wine[:, 3]
    w.requires_grad_()
    ((x @ w - y) ** 2).mean().backward()
    assert torch.allclose(function(x, y, w.detach()), w.grad)


with suppress(NotImplementedError):
    check_gradient(gradient)  # NotImplementedError: your turn

# %%
# Solution 7
# ----------
#
# ``x.T @ residual`` adds up the rows of ``x``, each weighted by its
# residual.
def gradient(x, y, w):
    return 2 * x.T @ (x @ w - y) / len(x)


check_gradient(gradient)

# %%
# 8. Blur a photograph with a convolution
# ---------------------------------------
#
# The photograph has shape (3, H, W). Replace each pixel by the mean of the
# 9 by 9 pixels around it, separately for each channel, and keep the size.
#
# .. hint::
#
#    With ``groups=3``, ``F.conv2d`` keeps the channels separate, and its
#    weight has shape (3, 1, 9, 9). Which ``padding`` keeps the size?
photo = torch.tensor(load_sample_image("flower.jpg"), device=device)
photo = photo[:240, 180:500].permute(2, 0, 1).float() / 255


def blur(image):
    raise NotImplementedError("your turn")


def check_blur(function):
    blurred = function(photo)
    assert blurred.shape == photo.shape
    inside = photo[:, 96:105, 46:55].mean(dim=(1, 2))
    assert torch.allclose(blurred[:, 100, 50], inside, atol=1e-3)


with suppress(NotImplementedError):
    check_blur(blur)  # NotImplementedError: your turn

# %%
# Solution 8
# ----------
#
# All 81 weights of a channel are 1 / 81. The padding is half of nine,
# rounded down. It consists of zeros, which darken the border.
def blur(image):
    weight = torch.full((3, 1, 9, 9), 1 / 81, device=image.device)
    return F.conv2d(image.unsqueeze(0), weight, padding=4, groups=3)[0]


check_blur(blur)
blur(torch.ones(3, 20, 20))[0, 0, 0]  # tensor(0.3086)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for ax, image in zip(axes, (photo, blur(photo)), strict=True):
    ax.imshow(image.permute(1, 2, 0).cpu().numpy())
    ax.set_axis_off()
figure.tight_layout()

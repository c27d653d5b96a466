"""
Rounding, clamping and signs
============================

Whole parts, limits, signs, and the neighbours of a float.
"""
import matplotlib.pyplot as plt
import torch

# %%
# Down, up or towards zero: ``torch.floor``, ``ceil``, ``trunc``
# --------------------------------------------------------------
#
# ``torch.floor`` rounds down, ``torch.ceil`` up, ``torch.trunc`` (also
# ``torch.fix``) towards zero, which is what a conversion to an integer
# type does too. The result stays a float.
x = torch.tensor([-1.5, -0.2, 0.2, 1.5])
torch.floor(x)  # tensor([-2., -1.,  0.,  1.])
torch.ceil(x)  # tensor([-1., -0.,  1.,  2.])
torch.trunc(x)  # tensor([-1., -0.,  0.,  1.])
torch.fix(x)  # tensor([-1., -0.,  0.,  1.])
x.long()  # tensor([-1,  0,  0,  1])

# %%
# ``torch.floor``, ``ceil``, ``trunc`` and ``round`` as curves
# ------------------------------------------------------------
#
# A full dot is the value at the jump. ``torch.round`` jumps at the halves,
# and its dots go to the even side.
x = torch.linspace(-2.5, 2.5, 1001)
figure, axes = plt.subplots(1, 4, figsize=(9, 2.7), sharey=True)
for color, (ax, name) in enumerate(
    zip(axes, ["floor", "ceil", "trunc", "round"], strict=True)
):
    function = getattr(torch, name)
    jumps = torch.arange(-2.5 if name == "round" else -2.0, 3)
    jumps = jumps[jumps != 0] if name == "trunc" else jumps
    y = function(x)
    y[1:][y.diff() != 0] = torch.nan
    ax.plot(x.cpu(), y.cpu(), f"C{color}")
    ax.plot(jumps.cpu(), function(jumps).cpu(), f"C{color}o", markersize=4)
    ax.set(title=f"torch.{name}", aspect="equal")
figure.tight_layout()
torch.equal(x.trunc(), torch.where(x < 0, x.ceil(), x.floor()))  # True

# %%
# ``torch.round`` takes halves to the even number
# -----------------------------------------------
#
# Not away from zero, as taught at school: 0.5 and 2.5 go down, 1.5 and 3.5
# up, so that the errors cancel on average (Python and NumPy do the same).
# If you need the school rule, add a half and take the floor of the size.
x = torch.tensor([-2.5, -0.5, 0.5, 1.5, 2.5, 3.5])
torch.round(x)  # tensor([-2., -0., 0., 2., 2., 4.])
[round(v) for v in x.tolist()]  # [-2, 0, 0, 2, 2, 4]
away = (x.abs() + 0.5).floor().copysign(x)
away  # tensor([-3., -1., 1., 2., 3., 4.])

# %%
# Round to decimals: ``decimals=`` of ``torch.round``
# ---------------------------------------------------
#
# Negative ``decimals`` round to tens and hundreds. 0.1 has no exact float,
# so the result is only as near as the dtype allows: to show fewer digits
# format them, or use ``torch.set_printoptions``.
x = torch.tensor([3.14159, 271.828])
torch.round(x, decimals=2)  # tensor([3.1400, 271.8300])
x.round(decimals=-2)  # tensor([0., 300.])
torch.round(x, decimals=2)[0].item()  # 3.140000104904175
f"{x[0].item():.2f}"  # '3.14'

# %%
# Fractional part: ``torch.frac``
# -------------------------------
#
# What ``trunc`` cuts off, with the sign of the number. If you want it from
# 0 to 1 also for negative numbers, take the remainder by 1.
x = torch.tensor([2.25, -2.25])
torch.frac(x)  # tensor([ 0.2500, -0.2500])
torch.equal(x.frac(), x - x.trunc())  # True
x % 1  # tensor([0.2500, 0.7500])

# %%
# Keep values between limits: ``torch.clamp``
# -------------------------------------------
#
# One limit may be left out, and limits may be tensors; nan passes through.
# ``torch.clip`` is the same; ``torch.clamp_min`` and ``torch.clamp_max``
# have one limit. The gradient is 0 where a limit cut, and since 2.14 at a
# limit that is a number, too.
x = torch.tensor([-3.0, 0.5, 1.0], requires_grad=True)
y = torch.clamp(x, min=-1, max=1)
y.detach()  # tensor([-1.0000, 0.5000, 1.0000])
y.sum().backward()
x.grad  # tensor([0., 1., 0.]) since 2.14, tensor([0., 1., 1.]) before
v = torch.tensor([-3.0, 0.5, 7.0])
torch.equal(torch.clip(v, -1, 1), torch.clamp(v, -1, 1))  # True
torch.clamp_min(v, 0)  # tensor([0.0000, 0.5000, 7.0000])
torch.clamp_max(v, 0)  # tensor([-3., 0., 0.])
v.clamp(max=torch.tensor([-4.0, 0.0, 4.0]))  # tensor([-4., 0., 4.])
v.clamp(min=2, max=1)  # tensor([1., 1., 1.])
v.clamp_(min=0)  # tensor([0.0000, 0.5000, 7.0000])
torch.tensor(torch.nan).clamp(0, 1)  # tensor(nan)

# %%
# Sign of a number: ``torch.sign``, ``torch.sgn``, ``torch.signbit``
# ------------------------------------------------------------------
#
# ``torch.sign`` is -1, 0 or 1. ``torch.sgn`` is the same for real numbers
# and ``z / abs(z)`` for complex ones. ``torch.signbit`` is a bool and sees
# the sign of -0.0 too.
x = torch.tensor([-2.0, -0.0, 0.0, 3.0])
torch.sign(x)  # tensor([-1., 0., 0., 1.])
torch.signbit(x)  # tensor([ True,  True, False, False])
torch.sgn(x)  # tensor([-1., 0., 0., 1.])
torch.sgn(torch.tensor([3 + 4j]))  # tensor([0.6000+0.8000j])

# %%
# Size from one tensor, sign from another: ``torch.copysign``
# -----------------------------------------------------------
#
# Puts a transformed size back on its side of zero: here a square root that
# keeps the sign. Unlike a product with ``sign``, the sign of zero counts,
# and the size of the second operand never does.
x = torch.tensor([-9.0, 0.0, 4.0])
torch.copysign(x.abs().sqrt(), x)  # tensor([-3., 0., 2.])
zeros = torch.tensor([-0.0, 0.0])
torch.copysign(torch.tensor(5.0), zeros)  # tensor([-5.,  5.])

# %%
# Replace nan and inf: ``torch.nan_to_num``
# -----------------------------------------
#
# nan becomes 0, infinities the largest finite numbers of the dtype, unless
# you give others. It hides where the nan came from: find the source first
# (``torch.isnan``), and expect no gradient through replaced elements.
x = torch.tensor([1.0, torch.nan, torch.inf, -torch.inf])
torch.nan_to_num(x)[:2]  # tensor([1., 0.])
torch.nan_to_num(x).max() == torch.finfo(torch.float32).max  # tensor(True)
x.nan_to_num(nan=5, posinf=8, neginf=-8)  # tensor([1., 5., 8., -8.])
x.nan_to_num_(posinf=8, neginf=-8)  # tensor([1., 0., 8., -8.])

# %%
# Step function: ``torch.heaviside``
# ----------------------------------
#
# 0 below zero and 1 above; the second argument, a tensor of the same
# dtype, is the value at zero. Its gradient is not defined: a comparison
# turned into floats does the same where no choice at zero is needed.
x = torch.tensor([-2.0, 0.0, 3.0])
torch.heaviside(x, torch.tensor(0.5))  # tensor([0.0000, 0.5000, 1.0000])
(x > 0).float()  # tensor([0., 0., 1.])

# %%
# The next float up or down: ``torch.nextafter``
# ----------------------------------------------
#
# The neighbour of the first number in the direction of the second. From 1
# upwards the step is ``torch.finfo(dtype).eps``; further out it is larger,
# and from ``2**24`` on float32 does not hold every integer.
one = torch.tensor(1.0)
step = torch.nextafter(one, torch.tensor(2.0)) - one
step.item() == torch.finfo(torch.float32).eps  # True
large = torch.tensor(2.0**24)
torch.nextafter(large, torch.tensor(torch.inf)) - large  # tensor(2.)
large + 1 == large  # tensor(True)

# %%
# No gradient through ``torch.round``
# -----------------------------------
#
# Rounding is flat, so its gradient is 0 everywhere and training stops
# without an error. The straight-through estimator rounds forward and lets
# the gradient pass backward as if nothing had happened.
x = torch.tensor([0.3, 1.7], requires_grad=True)
x.round().sum().backward()
x.grad  # tensor([0., 0.])
x.grad = None
rounded = x + (x.round() - x).detach()
rounded.detach()  # tensor([0., 2.])
rounded.sum().backward()
x.grad  # tensor([1., 1.])

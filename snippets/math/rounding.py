"""
Rounding, clamping and signs
============================

Round numbers, keep them between limits, work with signs, and find the next
float.
"""
import matplotlib.pyplot as plt
import torch

# %%
# Down, up or towards zero: ``torch.floor``, ``ceil``, ``trunc``
# --------------------------------------------------------------
#
# ``torch.floor`` rounds down, ``torch.ceil`` rounds up, and ``torch.trunc``
# rounds towards zero. ``torch.fix`` is another name for ``torch.trunc``.
# The results are still floats. A conversion to an integer dtype also rounds
# towards zero.
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
# A dot marks the value at a jump. ``torch.round`` jumps at the halves, and
# its dots lie at even numbers.
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
# ``torch.round`` rounds halves to the even number
# ------------------------------------------------
#
# ``torch.round`` rounds 0.5 and 2.5 down and 1.5 and 3.5 up, as Python's
# ``round`` does. The rule taught at school rounds halves away from zero. If
# you need that rule, add 0.5 to the absolute value, round down and restore
# the sign.
x = torch.tensor([-2.5, -0.5, 0.5, 1.5, 2.5, 3.5])
torch.round(x)  # tensor([-2., -0., 0., 2., 2., 4.])
[round(v) for v in x.tolist()]  # [-2, 0, 0, 2, 2, 4]
away = (x.abs() + 0.5).floor().copysign(x)
away  # tensor([-3., -1., 1., 2., 3., 4.])

# %%
# Round to decimals: ``decimals=`` of ``torch.round``
# ---------------------------------------------------
#
# ``decimals=2`` rounds to hundredths, and ``decimals=-2`` rounds to
# hundreds. Most decimal fractions have no exact float, so 3.14 is stored as
# the nearest float32. To show fewer digits, format the number or use
# ``torch.set_printoptions``.
x = torch.tensor([3.14159, 271.828])
torch.round(x, decimals=2)  # tensor([3.1400, 271.8300])
x.round(decimals=-2)  # tensor([0., 300.])
torch.round(x, decimals=2)[0].item()  # 3.140000104904175
f"{x[0].item():.2f}"  # '3.14'

# %%
# Fractional part: ``torch.frac``
# -------------------------------
#
# ``torch.frac`` returns the part that ``trunc`` cuts off, with the sign of
# the number. If you want a value from 0 to 1 for negative numbers, too, use
# ``x % 1``.
x = torch.tensor([2.25, -2.25])
torch.frac(x)  # tensor([ 0.2500, -0.2500])
torch.equal(x.frac(), x - x.trunc())  # True
x % 1  # tensor([0.2500, 0.7500])

# %%
# Keep values between limits: ``torch.clamp``
# -------------------------------------------
#
# You can pass one limit or both, as numbers or as tensors. nan stays nan.
# The gradient is 0 for elements that were clamped, and since 2.14 also for
# elements that are equal to a limit given as a number. ``torch.clip`` is
# another name, and ``torch.clamp_min`` and ``torch.clamp_max`` take one
# limit.
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
# ``torch.sign`` returns -1, 0 or 1. ``torch.sgn`` returns the same for real
# numbers, and ``z / abs(z)`` for complex numbers. ``torch.signbit`` returns
# a bool, which is True for negative numbers and for -0.0.
x = torch.tensor([-2.0, -0.0, 0.0, 3.0])
torch.sign(x)  # tensor([-1., 0., 0., 1.])
torch.signbit(x)  # tensor([ True,  True, False, False])
torch.sgn(x)  # tensor([-1., 0., 0., 1.])
torch.sgn(torch.tensor([3 + 4j]))  # tensor([0.6000+0.8000j])

# %%
# Magnitude from one tensor, sign from another: ``torch.copysign``
# ----------------------------------------------------------------
#
# ``torch.copysign`` gives the first number the sign of the second. With it
# you can take the square root of the absolute values and restore the signs.
# The sign of a zero counts, too, whereas a product with ``sign`` would give
# 0.
x = torch.tensor([-9.0, 0.0, 4.0])
torch.copysign(x.abs().sqrt(), x)  # tensor([-3., 0., 2.])
zeros = torch.tensor([-0.0, 0.0])
torch.copysign(torch.tensor(5.0), zeros)  # tensor([-5.,  5.])

# %%
# Replace nan and inf: ``torch.nan_to_num``
# -----------------------------------------
#
# By default nan becomes 0, and infinities become the largest and the
# smallest finite number of the dtype. You can pass other values. The
# function hides where a nan came from, so look for the source with
# ``torch.isnan`` first.
x = torch.tensor([1.0, torch.nan, torch.inf, -torch.inf])
torch.nan_to_num(x)[:2]  # tensor([1., 0.])
torch.nan_to_num(x).max() == torch.finfo(torch.float32).max  # tensor(True)
x.nan_to_num(nan=5, posinf=8, neginf=-8)  # tensor([1., 5., 8., -8.])
x.nan_to_num_(posinf=8, neginf=-8)  # tensor([1., 0., 8., -8.])

# %%
# Step function: ``torch.heaviside``
# ----------------------------------
#
# ``torch.heaviside`` returns 0 for negative numbers and 1 for positive
# ones. The second argument is a tensor of the same dtype and gives the
# value at zero. If 0 is fine at zero, convert a comparison to float
# instead.
x = torch.tensor([-2.0, 0.0, 3.0])
torch.heaviside(x, torch.tensor(0.5))  # tensor([0.0000, 0.5000, 1.0000])
(x > 0).float()  # tensor([0., 0., 1.])

# %%
# The next float up or down: ``torch.nextafter``
# ----------------------------------------------
#
# ``torch.nextafter`` returns the float next to the first number in the
# direction of the second. The distance from 1 to the next float is
# ``torch.finfo(dtype).eps``. The distance grows with the numbers. From
# ``2**24`` upwards float32 cannot hold every integer.
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
# The gradient of ``torch.round`` is 0, so parameters before it do not
# learn, and no error appears. The straight-through estimator rounds in the
# forward pass and passes the gradient on unchanged in the backward pass.
x = torch.tensor([0.3, 1.7], requires_grad=True)
x.round().sum().backward()
x.grad  # tensor([0., 0.])
x.grad = None
rounded = x + (x.round() - x).detach()
rounded.detach()  # tensor([0., 2.])
rounded.sum().backward()
x.grad  # tensor([1., 1.])

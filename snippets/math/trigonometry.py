"""
Trigonometry
============

Compute sines, angles and hyperbolic functions. Angles are in radians.
"""
import matplotlib.pyplot as plt
import torch

# %%
# Sine, cosine, tangent: ``torch.sin``, ``torch.cos``, ``torch.tan``
# ------------------------------------------------------------------
#
# Angles are in radians, and integers become floats. ``torch.pi`` is a
# rounded number, so ``sin(pi)`` is close to 0 but not equal to it.
x = torch.tensor([0.0, torch.pi / 6, torch.pi / 2])
torch.sin(x)  # tensor([0.0000, 0.5000, 1.0000])
torch.cos(x[:2])  # tensor([1.0000, 0.8660])
torch.tan(x[:2])  # tensor([0.0000, 0.5774])
torch.allclose(x.sin() ** 2 + x.cos() ** 2, torch.ones(3))  # True
torch.sin(torch.tensor(torch.pi)) == 0  # tensor(False)
torch.cos(torch.tensor(0))  # tensor(1.)

# %%
# ``torch.sin``, ``cos``, ``sinc`` and ``tanh``, ``sinh`` as curves
# -----------------------------------------------------------------
#
# Left: ``cos`` is ``sin`` shifted by a quarter turn. Middle: ``tanh`` is
# close to ``x`` near 0 and almost flat further out, where its gradient
# vanishes. Right: ``sinh`` and ``cosh`` grow like ``exp``.
x = torch.linspace(-2 * torch.pi, 2 * torch.pi, 801)
names = ["sin cos sinc", "tanh atan asinh", "sinh cosh"]
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
for ax, group in zip(axes, names, strict=True):
    for color, name in enumerate(group.split()):
        y = getattr(torch, name)(x)
        ax.plot(x.cpu(), y.cpu(), f"C{color}", label=name)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3,
              handlelength=1, columnspacing=1)
axes[2].set(xlim=(-3, 3), ylim=(-6, 6))
figure.tight_layout()
turned = torch.sin(x + torch.pi / 2)
torch.allclose(turned, torch.cos(x), atol=1e-5)  # True

# %%
# Inverse functions: ``torch.asin``, ``torch.acos``, ``torch.atan``
# -----------------------------------------------------------------
#
# ``torch.acos`` returns an angle from 0 to pi. The other two return an
# angle from -pi/2 to pi/2. For numbers outside [-1, 1] ``asin`` and
# ``acos`` give nan, so clamp a cosine that rounding may have pushed past 1.
# ``torch.arcsin``, ``torch.arccos`` and ``torch.arctan`` are NumPy's names.
y = torch.tensor([-1.0, 0.0, 1.0])
torch.asin(y)  # tensor([-1.5708, 0.0000, 1.5708])
torch.acos(y)  # tensor([3.1416, 1.5708, 0.0000])
torch.atan(y)  # tensor([-0.7854, 0.0000, 0.7854])
torch.equal(torch.arcsin(y), torch.asin(y))  # True
torch.equal(torch.arccos(y), torch.acos(y))  # True
torch.equal(torch.arctan(y), torch.atan(y))  # True
cosine = torch.tensor(1.000001)
cosine.acos()  # tensor(nan)
cosine.clamp(-1, 1).acos()  # tensor(0.)

# %%
# Angle of a vector: ``torch.atan2``
# ----------------------------------
#
# ``torch.atan2(y, x)`` takes the y coordinate first. It returns the angle
# in the correct quadrant, also if ``x`` is 0. ``atan(y / x)`` cannot tell
# opposite directions apart. ``torch.arctan2`` is another name.
x = torch.tensor([1.0, -1.0, -1.0, 0.0])
y = torch.tensor([1.0, 1.0, -1.0, 2.0])
torch.atan2(y, x)  # tensor([0.7854, 2.3562, -2.3562, 1.5708])
torch.atan(y / x)  # tensor([0.7854, -0.7854, 0.7854, 1.5708])
torch.atan2(y, x).rad2deg().round()  # tensor([45., 135., -135., 90.])
torch.equal(torch.arctan2(y, x), y.atan2(x))  # True

# %%
# Length of the hypotenuse: ``torch.hypot``
# -----------------------------------------
#
# ``torch.hypot`` computes :math:`\sqrt{x^2 + y^2}` of two tensors, and
# large squares do not overflow. To get the length along a dimension, use
# ``torch.linalg.vector_norm``, where the squares overflow here.
x = torch.tensor([3.0, 3e30])
y = torch.tensor([4.0, 4e30])
(x**2 + y**2).sqrt()  # tensor([5., inf])
torch.hypot(x, y) / torch.tensor([1.0, 1e30])  # tensor([5.0000, 5.0000])
pairs = torch.stack([x, y], dim=1)
torch.linalg.vector_norm(pairs, dim=1)  # tensor([5., inf])

# %%
# Degrees and radians: ``torch.deg2rad``, ``torch.rad2deg``
# ---------------------------------------------------------
#
# The trigonometric functions expect radians. ``torch.deg2rad`` and
# ``torch.rad2deg`` multiply by a constant. They turn integers into floats.
degrees = torch.tensor([0, 90, 180])
torch.deg2rad(degrees)  # tensor([0.0000, 1.5708, 3.1416])
torch.sin(degrees.deg2rad()).round()  # tensor([0., 1., -0.])
torch.rad2deg(torch.tensor([torch.pi]))  # tensor([180.0000])

# %%
# Hyperbolic functions: ``torch.sinh``, ``torch.cosh``, ``torch.tanh``
# --------------------------------------------------------------------
#
# ``sinh`` is the odd part of ``exp``, ``cosh`` is the even part, and
# ``tanh`` is their quotient. ``tanh`` maps numbers to values between -1 and
# 1 and is a rescaled sigmoid. ``cosh`` grows like ``exp`` and overflows for
# large numbers.
x = torch.tensor([-1.0, 0.0, 1.0])
torch.tanh(x)  # tensor([-0.7616, 0.0000, 0.7616])
torch.allclose(x.sinh(), (x.exp() - (-x).exp()) / 2)  # True
torch.allclose(x.cosh(), (x.exp() + (-x).exp()) / 2)  # True
torch.allclose(x.tanh(), x.sinh() / x.cosh())  # True
torch.allclose(x.tanh(), 2 * torch.sigmoid(2 * x) - 1)  # True
torch.cosh(torch.tensor(100.0))  # tensor(inf)

# %%
# Inverse hyperbolic: ``torch.asinh``, ``torch.acosh``, ``torch.atanh``
# ---------------------------------------------------------------------
#
# ``torch.asinh`` compresses large numbers like a logarithm and keeps the
# sign. ``torch.acosh`` is nan for numbers below 1. ``torch.atanh`` is
# infinite at -1 and 1 and nan outside. ``torch.arcsinh``, ``torch.arccosh``
# and ``torch.arctanh`` are other names.
torch.asinh(torch.tensor([-1000.0, 0.0]))  # tensor([-7.6009, 0.0000])
torch.acosh(torch.tensor([1.0, 0.5]))  # tensor([0., nan])
torch.atanh(torch.tensor([0.0, 1.0, 1.1]))  # tensor([0., inf, nan])
x = torch.tensor([1.5, 2.0])
torch.allclose(torch.acosh(x.cosh()), x)  # True
torch.equal(torch.arcsinh(x), torch.asinh(x))  # True
torch.equal(torch.arccosh(x), torch.acosh(x))  # True
torch.equal(torch.arctanh(1 / x), torch.atanh(1 / x))  # True

# %%
# Sinc function: ``torch.sinc``
# -----------------------------
#
# ``torch.sinc`` computes ``sin(pi * x) / (pi * x)``. It is 1 at 0, where
# the quotient itself is nan. At the other integers it is 0 up to rounding.
# To get ``sin(x) / x``, divide the argument by pi first.
x = torch.tensor([0.0, 0.5, 1.0])
torch.sinc(x)  # tensor([1.0000, 0.6366, 0.0000])
torch.sin(torch.pi * x) / (torch.pi * x)  # tensor([nan, 0.6366, 0.0000])
torch.allclose(torch.sinc(x / torch.pi)[1:], x[1:].sin() / x[1:])  # True

# %%
# Signed difference of two angles: ``torch.remainder``
# ----------------------------------------------------
#
# The angles 350 and 10 degrees are 20 degrees apart, not 340. Wrap the
# difference into [-180, 180) before you average it or use it as a loss.
# ``%`` is ``torch.remainder``.
target = torch.tensor([10.0, 350.0, 90.0])
angle = torch.tensor([350.0, 10.0, 60.0])
difference = angle - target
(difference + 180) % 360 - 180  # tensor([-20., 20., -30.])

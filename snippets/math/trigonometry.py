"""
Trigonometry
============

Sines, angles and hyperbolic functions, in radians.
"""
import matplotlib.pyplot as plt
import torch

# %%
# Sine, cosine, tangent: ``torch.sin``, ``torch.cos``, ``torch.tan``
# ------------------------------------------------------------------
#
# Angles are in radians and integers become floats. ``torch.pi`` is
# rounded, so ``sin(pi)`` is near 0 but not 0, and ``tan(pi / 2)`` large,
# not inf.
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
# ``cos`` is ``sin`` moved by a quarter turn. ``tanh`` is near ``x`` around
# 0 and flat outside, where its gradient vanishes; ``sinh`` and ``cosh``
# grow like ``exp``.
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
# They return the angle of the main branch: ``acos`` from 0 to pi, the
# others from -pi/2 to pi/2. Outside of [-1, 1] ``asin`` and ``acos`` give
# nan: clamp cosines that rounding pushed past 1. ``torch.arcsin``,
# ``torch.arccos`` and ``torch.arctan`` are NumPy's names for them.
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
# ``torch.atan2(y, x)``, the y coordinate first, knows the quadrant, which
# ``atan(y / x)`` forgets, and allows ``x = 0``. Another name is
# ``torch.arctan2``.
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
# :math:`\sqrt{x^2 + y^2}` without the overflow of the squares. For the
# length along a dimension use ``torch.linalg.vector_norm``, where the
# squares do overflow.
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
# All functions of this page want radians. Both conversions multiply by a
# constant and turn integers into floats.
degrees = torch.tensor([0, 90, 180])
torch.deg2rad(degrees)  # tensor([0.0000, 1.5708, 3.1416])
torch.sin(degrees.deg2rad()).round()  # tensor([0., 1., -0.])
torch.rad2deg(torch.tensor([torch.pi]))  # tensor([180.0000])

# %%
# Hyperbolic functions: ``torch.sinh``, ``torch.cosh``, ``torch.tanh``
# --------------------------------------------------------------------
#
# The odd part, the even part and their quotient of ``exp``. ``torch.tanh``
# squashes any number to between -1 and 1, and is a sigmoid in another
# scale; ``sinh`` and ``cosh`` overflow soon after ``exp``, on both sides of
# 0.
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
# ``torch.asinh`` takes every number and compresses like a logarithm with a
# sign; ``torch.acosh`` starts at 1; ``torch.atanh`` is infinite at -1 and
# 1. ``torch.arcsinh``, ``torch.arccosh``, ``torch.arctanh`` are the same.
torch.asinh(torch.tensor([-1000.0, 0.0]))  # tensor([-7.6009, 0.0000])
torch.acosh(torch.tensor([1.0, 0.5]))  # tensor([0., nan])
torch.atanh(torch.tensor([0.0, 1.0, 1.1]))  # tensor([0., inf, nan])
x = torch.tensor([1.5, 2.0])
torch.allclose(torch.acosh(x.cosh()), x)  # True
torch.equal(torch.arcsinh(x), torch.asinh(x))  # True
torch.equal(torch.arccosh(x), torch.acosh(x))  # True
torch.equal(torch.arctanh(1 / x), torch.atanh(1 / x))  # True

# %%
# Signal processing's sine: ``torch.sinc``
# ----------------------------------------
#
# ``sin(pi * x) / (pi * x)``, and 1 at 0, where the quotient is nan. It is 0
# at all other integers, up to rounding. For ``sin(x) / x`` divide the
# argument by pi.
x = torch.tensor([0.0, 0.5, 1.0])
torch.sinc(x)  # tensor([1.0000, 0.6366, 0.0000])
torch.sin(torch.pi * x) / (torch.pi * x)  # tensor([nan, 0.6366, 0.0000])
torch.allclose(torch.sinc(x / torch.pi)[1:], x[1:].sin() / x[1:])  # True

# %%
# Signed difference of two angles: ``torch.remainder``
# ----------------------------------------------------
#
# 350 and 10 degrees are 20 apart, not 340. Wrap the difference to [-180,
# 180) before you average it or use it as a loss. ``%`` is
# ``torch.remainder``.
target = torch.tensor([10.0, 350.0, 90.0])
angle = torch.tensor([350.0, 10.0, 60.0])
difference = angle - target
(difference + 180) % 360 - 180  # tensor([-20., 20., -30.])

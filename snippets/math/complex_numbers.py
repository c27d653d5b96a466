"""
Complex numbers
===============

Make complex tensors, take them apart, conjugate and differentiate them.
"""
from contextlib import suppress

import torch

# %%
# Make a complex tensor: ``torch.complex``, ``torch.polar``
# ---------------------------------------------------------
#
# From real and imaginary part, or from size and angle. Both parts are
# floats of one dtype; float32 gives complex64, float64 gives complex128.
# Python literals such as ``3 + 4j`` work in ``torch.tensor``.
real = torch.tensor([3.0, 0.0])
imag = torch.tensor([4.0, 2.0])
torch.complex(real, imag)  # tensor([3.+4.j, 0.+2.j])
torch.tensor([3 + 4j, 2j])  # tensor([3.+4.j, 0.+2.j])
torch.complex(real.double(), imag.double()).dtype  # torch.complex128
size = torch.tensor([4.0, 2.0])
angle = torch.tensor([0.0, torch.pi / 2])
torch.polar(size, angle)  # tensor([4.0000+0.0000j, -0.0000+2.0000j])

# %%
# Real and imaginary part: ``torch.real``, ``torch.imag``
# -------------------------------------------------------
#
# ``z.real`` and ``z.imag`` are views: writing to them changes ``z``. A
# real tensor is its own real part; its imaginary part is an error.
z = torch.tensor([3 + 4j, 1 - 2j])
torch.real(z)  # tensor([3., 1.])
torch.imag(z)  # tensor([ 4., -2.])
z.imag.zero_()  # tensor([0., 0.])
z  # tensor([3.+0.j, 1.+0.j])
x = torch.ones(2)
torch.real(x) is x  # True
with suppress(RuntimeError):
    x.imag  # RuntimeError: imag is not implemented

# %%
# Size and angle: ``torch.abs``, ``torch.angle``
# ----------------------------------------------
#
# ``abs`` is the distance from 0 and is real; ``torch.angle`` lies between
# -pi and pi, and is 0 or pi for a real number. ``torch.polar`` goes back.
z = torch.tensor([3 + 4j, -2 + 0j])
torch.abs(z)  # tensor([5., 2.])
torch.angle(z)  # tensor([0.9273, 3.1416])
torch.allclose(torch.polar(z.abs(), z.angle()), z, atol=1e-6)  # True
torch.angle(torch.tensor([5.0, -5.0]))  # tensor([0.0000, 3.1416])

# %%
# Conjugate: ``torch.conj``, ``torch.resolve_conj``
# -------------------------------------------------
#
# ``torch.conj`` is a view with a flag, which ``torch.is_conj`` tells; no
# work is done until the numbers are read. ``torch.resolve_conj`` writes
# them out, as ``numpy()`` wants (hence the CPU here);
# ``torch.conj_physical`` does so at once. The imaginary part of such a view
# has the flag of ``torch.is_neg``, which ``torch.resolve_neg`` resolves.
z = torch.tensor([1 + 2j], device="cpu")
w = torch.conj(z)
w  # tensor([1.-2.j])
w.data_ptr() == z.data_ptr()  # True
torch.is_conj(w)  # True
with suppress(RuntimeError):
    w.numpy()  # RuntimeError: has conjugate bit set
w.resolve_conj().is_conj()  # False
torch.equal(torch.resolve_conj(w), torch.conj_physical(z))  # True
torch.is_neg(w.imag)  # True
torch.resolve_neg(w.imag).is_neg()  # False
z.conj_physical_()  # tensor([1.-2.j])

# %%
# Pairs of floats: ``torch.view_as_real``, ``torch.view_as_complex``
# ------------------------------------------------------------------
#
# Views of the same memory with the parts in a last dimension of size 2,
# and back. Use them for layers and files that know real numbers only. The
# other direction needs the last dimension of size 2 and stride 1.
z = torch.tensor([3 + 4j, 1 - 2j])
pairs = torch.view_as_real(z)
pairs  # tensor([[3., 4.], [1., -2.]])
pairs[0] *= 10
z  # tensor([30.+40.j,  1.-2.j])
torch.view_as_complex(pairs)  # tensor([30.+40.j, 1.-2.j])
with suppress(RuntimeError):
    torch.view_as_complex(pairs.T)  # RuntimeError: Tensor must have

# %%
# Is it complex? ``torch.is_complex``, ``torch.isreal``
# -----------------------------------------------------
#
# ``torch.is_complex`` asks for the dtype, like ``torch.is_floating_point``,
# and returns one bool. ``torch.isreal`` asks each element whether its
# imaginary part is 0.
z = torch.tensor([3 + 4j, 5 + 0j])
torch.is_complex(z)  # True
torch.is_floating_point(z)  # False
torch.isreal(z)  # tensor([False,  True])
torch.isreal(torch.tensor([1.0, torch.nan]))  # tensor([True, True])

# %%
# Roots and logarithms of negative numbers as complex
# ---------------------------------------------------
#
# A real tensor stays real and gives nan. Convert it first: then ``sqrt``
# and ``log`` take the main branch, and Euler's formula gives cosine and
# sine.
#
# .. glance:: torch.allclose(z.sqrt(), torch.tensor([2j]), atol=1e-6)
x = torch.tensor([-4.0])
x.sqrt()  # tensor([nan])
z = x.to(torch.complex64)
torch.allclose(z.sqrt(), torch.tensor([2j]), atol=1e-6)  # True
z.log()  # tensor([1.3863+3.1416j])
torch.allclose((1j * z).exp(), torch.complex(x.cos(), x.sin()))  # True

# %%
# Products with conjugation: ``torch.vdot``, ``Tensor.mH``
# --------------------------------------------------------
#
# The inner product of complex vectors conjugates one factor, so that a
# vector with itself gives the squared length. ``torch.vdot`` conjugates
# the first; ``torch.dot`` none. For matrices ``A.mH`` is transpose and
# conjugate.
z = torch.tensor([3 + 4j, 1j])
torch.vdot(z, z)  # tensor(26.+0.j)
torch.dot(z, z)  # tensor(-8.+24.j)
matrix = torch.tensor([[1 + 1j, 2j]])
matrix.mH  # tensor([[1.-1.j], [0.-2.j]])

# %%
# Gradients with complex parameters: a real loss
# ----------------------------------------------
#
# The loss must be real, for instance a squared size. The gradient of
# :math:`|z|^2` is :math:`2z`: its real and imaginary part are the
# derivatives by the two parts, so gradient descent works unchanged.
z = torch.tensor([3 + 4j], requires_grad=True)
with suppress(RuntimeError):
    z.sum().backward()  # RuntimeError: implicitly created only for real
(z.abs() ** 2).sum().backward()
torch.allclose(z.grad, 2 * z.detach())  # True

# %%
# Error: not implemented for 'ComplexFloat' (``<``, ``max``)
# ----------------------------------------------------------
#
# Complex numbers have no order: compare sizes or parts. Converting to a
# real dtype drops the imaginary part, with a warning the first time only:
# say ``z.real`` if that is meant.
z = torch.tensor([3 + 4j, 1 + 0j])
with suppress(RuntimeError):
    z < 2  # NotImplementedError: not implemented for 'ComplexFloat'
with suppress(RuntimeError):
    z.max()  # NotImplementedError: not implemented for 'ComplexFloat'
z.abs() < 2  # tensor([False,  True])
z.float()  # UserWarning: Casting complex values to real discards
z.real  # tensor([3., 1.])

# %%
# Loss of a complex output: ``abs``, or the distance of real and imaginary
# ------------------------------------------------------------------------
#
# A loss must be one real number, and ``backward`` from a complex one is
# refused. Take the squared size of the difference, or pass
# ``torch.view_as_real`` of both to a loss function. A classifier uses the
# sizes as logits.
z = torch.tensor([3 + 4j, 1 + 0j], requires_grad=True)
target = torch.tensor([3 + 0j, 0 + 0j])
loss = (z - target).abs().square().mean()
loss.item()  # 8.5000
as_real = torch.view_as_real(z), torch.view_as_real(target)
2 * torch.nn.functional.mse_loss(*as_real).item()  # 8.5000
with suppress(RuntimeError):
    z.softmax(0)  # NotImplementedError: not implemented for 'ComplexFloat'
z.abs().softmax(0).dtype  # torch.float32
with suppress(RuntimeError):
    z.sum().backward()  # RuntimeError: grad can be implicitly created only

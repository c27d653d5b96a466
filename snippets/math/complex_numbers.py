"""
Complex numbers
===============

Create complex tensors, take their parts, conjugate them and compute
gradients.
"""
from contextlib import suppress

import torch

# %%
# Make a complex tensor: ``torch.complex``, ``torch.polar``
# ---------------------------------------------------------
#
# ``torch.complex`` takes the real and the imaginary part, and
# ``torch.polar`` takes the absolute value and the angle. Both arguments are
# floats of the same dtype. float32 gives complex64, and float64 gives
# complex128. ``torch.tensor`` accepts Python numbers such as ``3 + 4j``.
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
# ``z.real`` and ``z.imag`` are views, so writing to them changes ``z``.
# ``torch.real`` returns a real tensor itself. Reading ``imag`` of a real
# tensor raises an error.
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
# Magnitude and angle: ``torch.abs``, ``torch.angle``
# ---------------------------------------------------
#
# ``torch.abs`` returns the distance from 0 as a real number.
# ``torch.angle`` returns an angle between -pi and pi, which is 0 or pi for
# real numbers. ``torch.polar`` turns both back into the complex number.
z = torch.tensor([3 + 4j, -2 + 0j])
torch.abs(z)  # tensor([5., 2.])
torch.angle(z)  # tensor([0.9273, 3.1416])
torch.allclose(torch.polar(z.abs(), z.angle()), z, atol=1e-6)  # True
torch.angle(torch.tensor([5.0, -5.0]))  # tensor([0.0000, 3.1416])

# %%
# Conjugate: ``torch.conj``, ``torch.resolve_conj``
# -------------------------------------------------
#
# ``torch.conj`` returns a view of the same memory with a flag, which
# ``torch.is_conj`` shows. ``numpy()`` raises an error for such a view until
# ``torch.resolve_conj`` computes the values. ``torch.conj_physical``
# computes them at once. The imaginary part of the view has a flag for the
# minus sign, which ``torch.is_neg`` shows and ``torch.resolve_neg``
# resolves.
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
# ``torch.view_as_real`` returns a view of the same memory whose last
# dimension of size 2 holds the real and the imaginary part. Use it for
# layers and files that support only real numbers. ``torch.view_as_complex``
# converts back and needs a last dimension of size 2 and stride 1.
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
# ``torch.is_complex`` and ``torch.is_floating_point`` check the dtype and
# return one bool. ``torch.isreal`` checks for each element whether its
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
# The square root of a negative number in a real tensor is nan. Convert the
# tensor to a complex dtype first. ``sqrt`` and ``log`` then return the
# principal value. ``exp`` of an imaginary number gives cosine and sine, by
# Euler's formula.
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
# The inner product of complex vectors conjugates one of them. The product
# of a vector with itself is then its squared length. ``torch.vdot``
# conjugates the first vector, and ``torch.dot`` conjugates neither. For a
# matrix, ``A.mH`` is the conjugate transpose.
z = torch.tensor([3 + 4j, 1j])
torch.vdot(z, z)  # tensor(26.+0.j)
torch.dot(z, z)  # tensor(-8.+24.j)
matrix = torch.tensor([[1 + 1j, 2j]])
matrix.mH  # tensor([[1.-1.j], [0.-2.j]])

# %%
# Gradients with complex parameters: a real loss
# ----------------------------------------------
#
# The loss must be a real number, such as a squared absolute value. The
# gradient of :math:`|z|^2` is :math:`2z`. Its real part is the derivative
# with respect to the real part of z, and the same holds for the imaginary
# part. Gradient descent therefore works as usual.
z = torch.tensor([3 + 4j], requires_grad=True)
with suppress(RuntimeError):
    z.sum().backward()  # RuntimeError: implicitly created only for real
(z.abs() ** 2).sum().backward()
torch.allclose(z.grad, 2 * z.detach())  # True

# %%
# Error: not implemented for 'ComplexFloat' (``<``, ``max``)
# ----------------------------------------------------------
#
# Complex numbers have no order, so compare their absolute values or their
# parts. A conversion to a real dtype drops the imaginary part and gives a
# warning. If you want the real part, write ``z.real``.
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
# The loss must be one real number, because ``backward`` raises an error for
# a complex one. Use the squared absolute value of the difference, or pass
# both tensors through ``torch.view_as_real`` to a loss function. For a
# classifier, use the absolute values as logits.
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

"""
Bitwise and logical
===================

Combine masks, work with the bits of integers, and find divisors.
"""
from contextlib import suppress

import torch

# %%
# Combine masks: ``&``, ``|``, ``^``, ``~``
# -----------------------------------------
#
# The operators compute and, or, exclusive or, and not for each element. Put
# every comparison in parentheses. On boolean tensors the ``logical_*``
# functions give the same results.
x = torch.tensor([1, 2, 3, 4])
small = x < 3
even = x % 2 == 0
small & even  # tensor([False,  True, False, False])
small | even  # tensor([ True,  True, False,  True])
small ^ even  # tensor([ True, False, False,  True])
~small  # tensor([False, False,  True,  True])
x[(x > 1) & (x < 4)]  # tensor([2, 3])

# %%
# Logical operations on numbers: ``torch.logical_and``, ``logical_not``
# ---------------------------------------------------------------------
#
# An element counts as true if it is not 0, so nan is true. The result is a
# boolean tensor. ``torch.logical_or`` and ``torch.logical_xor`` follow the
# same rule. The in-place methods keep the dtype of the tensor and write 0
# and 1.
x = torch.tensor([0.0, 0.5, 2.0, torch.nan])
y = torch.tensor([0, 0, 1, 1])
torch.logical_and(x, y)  # tensor([False, False,  True,  True])
torch.logical_or(x, y)  # tensor([False,  True,  True,  True])
torch.logical_xor(x, y)  # tensor([False,  True, False, False])
torch.logical_not(x)  # tensor([ True, False, False, False])
x.logical_not_()  # tensor([1., 0., 0., 0.])

# %%
# Bits of integers: ``torch.bitwise_and``, ``or``, ``xor``, ``not``
# -----------------------------------------------------------------
#
# On integers the operators work on the bits: ``&`` tests bits, ``|`` sets
# them and ``^`` flips them. ``~x`` is ``torch.bitwise_not``, which gives
# ``-x - 1`` for signed integers and ``255 - x`` for uint8. Floats have no
# bitwise operations.
x = torch.tensor([0b1100, 0b1010])
torch.bitwise_and(x, 0b1000)  # tensor([8, 8])
torch.bitwise_or(x, 0b0001)  # tensor([13, 11])
torch.bitwise_xor(x, 0b1111)  # tensor([3, 5])
torch.bitwise_not(x)  # tensor([-13, -11])
~x.to(torch.uint8)  # tensor([243, 245], dtype=torch.uint8)
torch.equal(x & 6, x.bitwise_and(6))  # True
x |= 1
x  # tensor([13, 11])
with suppress(NotImplementedError):
    torch.ones(2) & torch.ones(2)  # NotImplementedError: not implemented

# %%
# Shift bits: ``torch.bitwise_left_shift``, ``<<``, ``>>``
# --------------------------------------------------------
#
# A shift to the left multiplies by a power of two. Bits that do not fit
# into the dtype are lost. ``torch.bitwise_right_shift`` divides by a power
# of two and rounds down, also for negative numbers.
x = torch.tensor([5, -5])
torch.bitwise_left_shift(x, 2)  # tensor([ 20, -20])
torch.bitwise_right_shift(x, 1)  # tensor([ 2, -3])
torch.equal(x >> 1, x // 2)  # True
1 << torch.tensor([0, 1, 4])  # tensor([ 1,  2, 16])
byte = torch.tensor([200], dtype=torch.uint8)
(byte << 1).item(), byte.item() << 1  # (144, 400)
x.bitwise_left_shift_(1)  # tensor([ 10, -10])

# %%
# Integers to binary digits and back
# ----------------------------------
#
# Shift the number to the right by each place and keep the lowest bit. To
# get the number back, shift the bits to the left and add them up. Bit masks
# and hash codes can be packed this way.
x = torch.tensor([5, 12])
places = torch.tensor([3, 2, 1, 0])
bits = (x.unsqueeze(1) >> places) & 1
bits  # tensor([[0, 1, 0, 1], [1, 1, 0, 0]])
(bits << places).sum(dim=1)  # tensor([ 5, 12])

# %%
# Hamming distance of two codes: ``^``
# ------------------------------------
#
# The exclusive or of two codes has a 1 where their bits differ, so count
# the ones. On boolean tensors ``!=`` gives the same result.
a = torch.tensor([True, True, False, False])
b = torch.tensor([True, False, False, True])
(a ^ b).sum()  # tensor(2)
torch.equal(a ^ b, a != b)  # True
code = torch.tensor(0b1100) ^ torch.tensor(0b1001)
f"{code.item():04b}"  # '0101'
f"{code.item():b}".count("1")  # 2

# %%
# Common divisors and multiples: ``torch.gcd``, ``torch.lcm``
# -----------------------------------------------------------
#
# ``torch.gcd`` and ``torch.lcm`` compute the greatest common divisor and
# the least common multiple of integers and ignore the signs. ``gcd(x, 0)``
# is the absolute value of ``x``. To reduce a fraction, divide the numerator
# and the denominator by their ``gcd``.
above = torch.tensor([6, -10, 7])
below = torch.tensor([8, 15, 0])
torch.gcd(above, below)  # tensor([2, 5, 7])
torch.lcm(above, below)  # tensor([24, 30,  0])
above // torch.gcd(above, below)  # tensor([ 3, -2,  1])
product = torch.gcd(above, below) * torch.lcm(above, below)
torch.equal(product, (above * below).abs())  # True

# %%
# Error: Boolean value of Tensor ... is ambiguous (``and``, ``if``)
# -----------------------------------------------------------------
#
# ``and``, ``or``, ``not`` and ``if`` need a single truth value, and a
# tensor has one only if it has one element. Combine masks with ``&``, ``|``
# and ``~``. For a decision, call ``any`` or ``all`` first. The error also
# appears if you pass tensors to a loss class instead of its object, so
# write ``nn.MSELoss()(x, y)``.
x = torch.tensor([1, 2, 3])
with suppress(RuntimeError):
    x > 1 and x < 3  # RuntimeError: more than one value is ambiguous
with suppress(RuntimeError):
    not x  # RuntimeError: Boolean value of Tensor
with suppress(RuntimeError):
    torch.nn.MSELoss(x, x)  # RuntimeError: Boolean value of Tensor
torch.nn.MSELoss()(x.float(), x.float())  # tensor(0.)
(x > 1) & (x < 3)  # tensor([False,  True, False])
bool((x > 1).any())  # True
bool((x > 1).all())  # False
torch.is_nonzero(x[0])  # True

# %%
# Masks need parentheses: ``&`` binds tighter than ``<``
# ------------------------------------------------------
#
# Python reads ``x > 1 & x < 4`` as ``x > (1 & x) < 4``. With two
# comparisons this raises an error. With one comparison there is no error,
# but the mask is wrong.
#
# .. glance:: flag & (x > 1)
x = torch.tensor([1, 2, 3, 4])
flag = torch.tensor([True, True, False, True])
with suppress(RuntimeError):
    x > 1 & x < 4  # RuntimeError: Boolean value of Tensor
flag & x > 1  # tensor([False, False, False, False])
flag & (x > 1)  # tensor([False,  True, False,  True])

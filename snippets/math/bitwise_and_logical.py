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
# And, or, exclusive or, not, element by element. Each comparison needs its
# own parentheses. On bool tensors these operators and the ``logical_*``
# functions agree.
x = torch.tensor([1, 2, 3, 4])
small = x < 3
even = x % 2 == 0
small & even  # tensor([False,  True, False, False])
small | even  # tensor([ True,  True, False,  True])
small ^ even  # tensor([ True, False, False,  True])
~small  # tensor([False, False,  True,  True])
x[(x > 1) & (x < 4)]  # tensor([2, 3])

# %%
# True or false of any number: ``torch.logical_and``, ``logical_not``
# -------------------------------------------------------------------
#
# Every element that is not 0 counts as true, nan too, and the result is
# bool. ``torch.logical_or`` and ``torch.logical_xor`` follow the same
# rule. The forms with underscore write 0 and 1 in the dtype of the tensor.
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
# For integers the operators work on the bits: ``&`` tests flags, ``|``
# sets, ``^`` flips. ``torch.bitwise_not`` is ``~x``: ``-x - 1`` for signed
# types, ``255 - x`` for uint8, and never the ``not`` of a number. Floats
# have no bitwise operations.
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
# A shift to the left multiplies by a power of two and drops what leaves
# the type; ``torch.bitwise_right_shift`` divides and rounds down, as it
# keeps the sign.
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
# Shift by each place and keep the lowest bit; a sum with powers of two
# undoes it. Bit masks and hash codes are packed this way.
x = torch.tensor([5, 12])
places = torch.tensor([3, 2, 1, 0])
bits = (x.unsqueeze(1) >> places) & 1
bits  # tensor([[0, 1, 0, 1], [1, 1, 0, 0]])
(bits << places).sum(dim=1)  # tensor([ 5, 12])

# %%
# Hamming distance of two codes: ``^``
# ------------------------------------
#
# Exclusive or leaves a 1 where two codes differ. The same holds for bool
# tensors, where ``!=`` does it too.
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
# Greatest common divisor and least common multiple of integers, never
# negative. ``gcd(x, 0)`` is the size of ``x``. To reduce fractions, divide
# both parts by their ``gcd``.
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
# ``and``, ``or``, ``not`` and ``if`` want one truth value, which a tensor
# of one element has. Between masks write ``&``, ``|``, ``~``; for a
# decision say whether ``any`` or ``all`` elements must hold. A loss class
# raises the error, too, if it gets the tensors that its object should get:
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
# ``x > 1 & x < 4`` is read as ``x > (1 & x) < 4``. With two comparisons
# that ends in the ambiguity error, but with one it silently gives another
# mask.
#
# .. glance:: flag & (x > 1)
x = torch.tensor([1, 2, 3, 4])
flag = torch.tensor([True, True, False, True])
with suppress(RuntimeError):
    x > 1 & x < 4  # RuntimeError: Boolean value of Tensor
flag & x > 1  # tensor([False, False, False, False])
flag & (x > 1)  # tensor([False,  True, False,  True])

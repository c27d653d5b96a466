"""
Random tensors
==============

Draw random numbers from the usual distributions, and make them reproducible
with a seed.
"""
import random
from contextlib import suppress

import numpy as np
import torch

# %%
# Uniform and normal numbers: ``torch.rand``, ``torch.randn``
# -----------------------------------------------------------
#
# ``torch.rand`` draws from the uniform distribution on [0, 1).
# ``torch.randn`` draws from the normal distribution with mean 0 and
# standard deviation 1. To get another range, multiply and add.
u = torch.rand(100_000)  # shape (100000,), dtype float32
u.mean().round(decimals=1)  # tensor(0.5000)
(u.min() >= 0) & (u.max() < 1)  # tensor(True)
degrees = 15 + 5 * torch.rand(2, 3)
(degrees >= 15).all() & (degrees <= 20).all()  # tensor(True)
z = torch.randn(100_000)
z.mean().round(decimals=1).abs()  # tensor(0.)
z.std().round(decimals=1)  # tensor(1.)

# %%
# One seed, two dtypes: ``torch.rand(dtype=torch.bfloat16)``
# ----------------------------------------------------------
#
# On the CPU, since PyTorch 2.12, a seed gives the same numbers in bfloat16
# as in float32, only rounded. Earlier releases give different numbers in
# bfloat16, so random weights in half precision changed with this release.
seed = torch.Generator("cpu").manual_seed
x = torch.rand(16, device="cpu", generator=seed(0))
low = torch.empty(16, dtype=torch.bfloat16, device="cpu")
low.uniform_(generator=seed(0))  # shape (16,), dtype bfloat16
torch.equal(low, x.bfloat16())  # True since 2.12, False before
z = torch.randn(16, device="cpu", generator=seed(0))
low.normal_(generator=seed(0))  # shape (16,), dtype bfloat16
torch.equal(low, z.bfloat16())  # True since 2.12, False before

# %%
# Normal numbers with a given mean and std: ``torch.normal``
# ----------------------------------------------------------
#
# Pass the mean, the standard deviation and a shape. If you pass tensors
# instead, each element has its own mean and standard deviation. With a
# shape, ``torch.normal`` ignores the default device, so pass ``device=``.
x = torch.normal(10.0, 2.0, size=(100_000,))
x.mean().round(decimals=1)  # tensor(10.)
x.std().round(decimals=1)  # tensor(2.)
std = torch.tensor([1.0, 20.0]).expand(100_000, 2)
torch.normal(0.0, std).std(dim=0).round()  # tensor([1., 20.])
with torch.device("meta"):
    torch.rand(3).device.type  # 'meta'
    torch.normal(10.0, 2.0, size=(3,)).device.type  # 'cpu'

# %%
# Random numbers like a tensor: ``torch.randn_like``, ``Tensor.normal_``
# ----------------------------------------------------------------------
#
# The ``*_like`` functions create random numbers with the shape, dtype and
# device of a tensor. ``normal_`` and ``uniform_`` overwrite the tensor
# itself; use them to initialize weights. For integers, use
# ``randint_like``, because ``rand_like`` fails on an integer tensor.
image = torch.zeros(3, 8, 8, dtype=torch.float64)
torch.randn_like(image)  # shape (3, 8, 8), dtype float64
torch.rand_like(image)  # shape (3, 8, 8), dtype float64
torch.randint_like(image, 10)  # shape (3, 8, 8), dtype float64
weight = torch.empty(200, 500)
weight.normal_(mean=0, std=0.02).std().round(decimals=3)  # tensor(0.0200)
weight.uniform_(-0.1, 0.1).abs().max().round(decimals=2)  # tensor(0.1000)
counts = torch.tensor([1, 2])
with suppress(NotImplementedError):
    torch.rand_like(counts)  # NotImplementedError: not implemented for

# %%
# Integers and shuffles: ``torch.randint``, ``torch.randperm``
# ------------------------------------------------------------
#
# ``torch.randint`` excludes its upper end and needs the size as a tuple.
# ``torch.randperm(n)`` returns the numbers from 0 to n - 1 in random order.
# To shuffle inputs and targets together, index both with the same
# permutation.
dice = torch.randint(1, 7, (100_000,))
dice.unique()  # tensor([1, 2, 3, 4, 5, 6])
inputs = torch.tensor([2, 3, 4, 5])
targets = inputs**2
order = torch.randperm(4)
order.sort().values  # tensor([0, 1, 2, 3])
torch.equal(inputs[order] ** 2, targets[order])  # True
with suppress(TypeError):
    torch.randint(1, 7, 3)  # TypeError: invalid combination of arguments

# %%
# Yes or no with a probability: ``torch.bernoulli``
# -------------------------------------------------
#
# ``torch.bernoulli(p)`` and ``p.bernoulli()`` read the probabilities from
# the tensor. ``bernoulli_`` overwrites the tensor, and its argument is the
# probability, by default 0.5. A probability above 1 raises an error. The
# code shows it on the CPU, because on a GPU later operations would fail,
# too.
torch.bernoulli(torch.tensor([0.0, 1.0]))  # tensor([0., 1.])
p = torch.full((100_000,), 0.3)
torch.bernoulli(p).mean().round(decimals=1)  # tensor(0.3000)
p.bernoulli().mean().round(decimals=1)  # tensor(0.3000)
p.bernoulli_().mean().round(decimals=1)  # tensor(0.5000)
p.bernoulli_(0.8).mean().round(decimals=1)  # tensor(0.8000)
outside = torch.tensor([1.5], device="cpu")
with suppress(RuntimeError):
    torch.bernoulli(outside)  # RuntimeError: p_in >= 0 && p_in <= 1

# %%
# Draw indices by weight: ``torch.multinomial``
# ---------------------------------------------
#
# The weights need not add up to 1. Without ``replacement=True``, each index
# is drawn at most once. If you draw more indices than there are positive
# weights, indices with weight 0 are drawn, too. Language models choose the
# next token with this function.
weights = torch.tensor([1.0, 0.0, 4.0])
torch.multinomial(weights, 2).sort().values  # tensor([0, 2])
torch.multinomial(weights, 3).sort().values  # tensor([0, 1, 2])
drawn = torch.multinomial(weights, 100_000, replacement=True)
shares = drawn.bincount() / 100_000
shares.round(decimals=1)  # tensor([0.2000, 0.0000, 0.8000])
with suppress(RuntimeError):
    weights.multinomial(4)  # RuntimeError: cannot sample n_sample >

# %%
# Random seed, the same numbers in every run: ``torch.manual_seed``
# -----------------------------------------------------------------
#
# Python, NumPy and PyTorch have separate random generators, so set the seed
# of each one that your script uses. ``torch.manual_seed`` also seeds the
# GPUs, so you do not need ``torch.cuda.manual_seed_all``.
def draw(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return random.random(), np.random.rand(), torch.rand(()).item()


draw(42) == draw(42)  # True
draw(42) == draw(43)  # False

# %%
# Seeded, but each call gives different numbers: a seed starts a sequence
# -----------------------------------------------------------------------
#
# ``torch.manual_seed`` sets the start of a sequence of random numbers, and
# each call continues the sequence. So two calls differ within a run, but
# the whole sequence is the same in each run. To get the same numbers twice,
# set the seed again.
torch.manual_seed(0)
first, second = torch.rand(3), torch.rand(3)
first.equal(second)  # False
torch.manual_seed(0)
torch.rand(3).equal(first), torch.rand(3).equal(second)  # (True, True)

# %%
# Draw without changing the global seed: ``torch.Generator``, ``fork_rng``
# ------------------------------------------------------------------------
#
# A ``torch.Generator`` has its own state and must be on the same device as
# the tensor. ``torch.random.fork_rng`` restores the global state at the end
# of its block. With either of them, extra draws do not change the numbers
# that come later.
torch.manual_seed(0)
expected = torch.rand(3)
torch.manual_seed(0)
generator = torch.Generator(device=torch.get_default_device())
generator.manual_seed(1)
torch.randn(5, generator=generator)  # shape (5,)
with torch.random.fork_rng():
    torch.randperm(10)  # shape (10,)
torch.equal(torch.rand(3), expected)  # True

# %%
# Names that do not exist: "torch.randd", "torch.random()"
# --------------------------------------------------------
#
# ``torch.random`` is a module with functions for seeds and states, so it
# cannot be called. Some distributions have no function in ``torch``, such
# as the uniform distribution on [-1, 1]. Use ``Tensor.uniform_`` or
# ``torch.distributions.Uniform`` for it.
with suppress(AttributeError):
    torch.randd(3, 3)  # AttributeError: 'torch' has no attribute 'randd'
with suppress(TypeError):
    torch.random(3)  # TypeError: 'module' object is not callable
with suppress(AttributeError):
    torch.uniform(-1, 1)  # AttributeError: has no attribute 'uniform'
torch.empty(3, 3).uniform_(-1, 1)  # shape (3, 3)
torch.distributions.Uniform(-1, 1).sample((3, 3))  # shape (3, 3)

"""
Random choices and generators
=============================

Shuffle each row, draw without repetition, make truncated normal numbers and
random rotations, and save the state of a generator.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# Shuffle each row differently: ``argsort`` of ``torch.rand``
# -----------------------------------------------------------
#
# ``torch.randperm`` makes only one permutation. To get one permutation for
# each row without a loop, sort random numbers with ``argsort``. ``gather``
# then applies these permutations to ``x``.
x = torch.arange(12).view(3, 4)
order = torch.rand(3, 4).argsort(dim=1)
order.sort(dim=1).values[0]  # tensor([0, 1, 2, 3])
shuffled = x.gather(1, order)
torch.equal(shuffled.sort(dim=1).values, x)  # True
many = torch.rand(10_000, 4).argsort(dim=1)
shares = many[:, 0].bincount() / 10_000
((shares - 0.25).abs() < 0.05).all()  # tensor(True)

# %%
# k different elements of each row, a mask with k ones: ``topk``
# --------------------------------------------------------------
#
# ``topk`` of random numbers gives k different random positions in each row.
# ``scatter`` turns these positions into a mask with exactly k ones. With
# equal weights, ``multinomial`` also draws k different positions.
places = torch.rand(5, 20).topk(3, dim=1).indices
[len(set(row)) for row in places.tolist()]  # [3, 3, 3, 3, 3]
mask = torch.zeros(5, 20, dtype=torch.bool).scatter(1, places, True)
mask.sum(dim=1)  # tensor([3, 3, 3, 3, 3])
equal = torch.ones(5, 20).multinomial(3)
[len(set(row)) for row in equal.tolist()]  # [3, 3, 3, 3, 3]

# %%
# Error: probability tensor contains either inf, nan or element < 0
# -----------------------------------------------------------------
#
# ``torch.multinomial`` does not accept negative, infinite or NaN weights.
# In text generation, the usual cause is an infinite logit, for example from
# an overflow in float16 or a temperature near 0: softmax turns it into NaN.
# Check the logits with ``isfinite``. Weights that are all 0 raise another
# error.
logits = torch.tensor([2.0, 70000.0]).half().float()
logits.isfinite().all()  # tensor(False)
weights = logits.softmax(dim=0)
weights  # tensor([nan, nan])
p = weights.cpu()
with suppress(RuntimeError):
    p.multinomial(1)  # RuntimeError: probability tensor contains either
safe = logits.clamp(max=torch.finfo(torch.float16).max).softmax(dim=0)
safe.multinomial(1)  # tensor([1])
nothing = torch.zeros(2, device="cpu")
with suppress(RuntimeError):
    nothing.multinomial(1)  # RuntimeError: invalid multinomial distribution

# %%
# A seed fixes the sequence, not each call: ``torch.manual_seed``
# ---------------------------------------------------------------
#
# Two draws after one seed give different numbers. If you set the same seed
# again, the whole sequence is repeated. To use the same numbers later, set
# the seed again or keep the tensor.
torch.manual_seed(0)
first, second = torch.rand(3), torch.rand(3)
torch.equal(first, second)  # False
torch.manual_seed(0)
torch.equal(torch.rand(3), first)  # True
torch.equal(torch.rand(3), second)  # True
torch.initial_seed()  # 0

# %%
# Save and restore the state: ``torch.get_rng_state``, ``get_state``
# ------------------------------------------------------------------
#
# The state is a tensor, so you can store it in a checkpoint.
# ``torch.get_rng_state`` returns the state of the CPU generator, and
# ``torch.cuda.get_rng_state`` returns the state of the generator of a GPU.
# A ``torch.Generator`` of your own has ``get_state`` and ``set_state``.
state = torch.get_rng_state()
expected = torch.rand(3, device="cpu")
torch.rand(10, device="cpu").shape  # torch.Size([10])
torch.set_rng_state(state)
torch.equal(torch.rand(3, device="cpu"), expected)  # True
generator = torch.Generator("cpu").manual_seed(1)
state = generator.get_state()
draw = torch.rand(3, generator=generator, device="cpu")
generator.set_state(state)
again = torch.rand(3, generator=generator, device="cpu")
torch.equal(draw, again)  # True

# %%
# Expected a CUDA device type for generator: one device for both
# --------------------------------------------------------------
#
# A generator must be on the device where the numbers are drawn. The error
# "Expected a cuda device type for generator but found cpu" often comes from
# a data loader after ``torch.set_default_device``. Pass the loader a
# generator on the default device, or do not change the default device. You
# can also draw numbers on the CPU and move them to the device.
device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
torch.randperm(4, generator=generator).device == device  # True
data = torch.utils.data.TensorDataset(torch.arange(4, device=device))
loader = torch.utils.data.DataLoader(
    data, shuffle=True, generator=generator
)
sorted(batch.item() for (batch,) in loader)  # [0, 1, 2, 3]
cpu = torch.Generator("cpu").manual_seed(0)
noise = torch.randn(3, generator=cpu, device="cpu").to(device)
noise.device == device  # True

# %%
# Truncated normal numbers: ``nn.init.trunc_normal_``
# ---------------------------------------------------
#
# ``trunc_normal_`` draws from a normal distribution that is cut off at
# ``a`` and ``b``. Do not use ``clamp`` for this, because it puts many
# numbers exactly on the limits.
x = torch.empty(10_000)
nn.init.trunc_normal_(x, mean=0.0, std=1.0, a=-1.0, b=1.0)  # shape (10000,)
x.abs().max() <= 1  # tensor(True)
(x.abs() == 1).float().mean() < 0.01  # tensor(True)
clamped = torch.randn(10_000).clamp(-1, 1)
(clamped.abs() == 1).float().mean() > 0.25  # tensor(True)

# %%
# Random directions and rotations: ``F.normalize``, ``torch.linalg.qr``
# ---------------------------------------------------------------------
#
# Normal random vectors scaled to length 1 are uniform on the sphere. To get
# a random orthogonal matrix, take Q of the QR decomposition of a normal
# random matrix and multiply its columns by the signs of R's diagonal. Then
# multiply one column by the determinant, and the matrix is a rotation.
points = nn.functional.normalize(torch.randn(10_000, 3), dim=1)
torch.allclose(points.norm(dim=1), torch.ones(10_000))  # True
(points.mean(dim=0).abs() < 0.05).all()  # tensor(True)
Q, R = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
Q = Q * R.diagonal().sign()
Q[:, 0] *= torch.linalg.det(Q)
torch.allclose(Q @ Q.T, torch.eye(3, dtype=Q.dtype))  # True
torch.linalg.det(Q).round(decimals=6)  # tensor(1., dtype=torch.float64)

# %%
# Error: expects 'from' to be less than 'to' (``torch.randint``)
# --------------------------------------------------------------
#
# ``torch.randint`` excludes its upper end, so ``torch.randint(5, 5, ...)``
# has no number to draw. The same happens if the upper end is the length of
# an empty list. Add 1 to include the upper end.
with suppress(RuntimeError):
    torch.randint(5, 5, (2,))  # RuntimeError: random_ expects 'from' to be
torch.randint(5, 5 + 1, (2,))  # tensor([5, 5])

# %%
# Error: normal expects all elements of std >= 0.0
# ------------------------------------------------
#
# A network that predicts a standard deviation can return a negative number.
# Let the network predict the logarithm and apply ``exp``, or apply
# ``softplus`` to its output.
raw = torch.tensor([-1.0, 2.0], device="cpu")
with suppress(RuntimeError):
    torch.normal(0.0, raw)  # RuntimeError: normal expects all elements of
(raw.exp() > 0).all()  # tensor(True)
torch.normal(0.0, raw.exp()).shape  # torch.Size([2])
nn.functional.softplus(raw)  # tensor([0.3133, 2.1269])

"""
Cheat sheet: tensors
====================

Create, inspect, index, reshape, join, compute, reduce, differentiate: one
line for each function that is looked up most.
"""
import numpy as np
import torch
import torch.nn.functional as F

# %%
# Create
# ------
#
# From data, filled with one value, as a range, or at random.
torch.tensor([[1, 2], [3, 4]])  # shape (2, 2), dtype int64
torch.zeros(2, 3)  # shape (2, 3), dtype float32
torch.ones(2)  # tensor([1., 1.])
torch.full((2,), 7)  # tensor([7, 7])
torch.arange(0, 10, 3)  # tensor([0, 3, 6, 9])
torch.linspace(0, 1, 3)  # tensor([0.0000, 0.5000, 1.0000])
torch.eye(2)  # tensor([[1., 0.], [0., 1.]])
torch.rand(2, 3)  # shape (2, 3), dtype float32
torch.randn(2, 3)  # shape (2, 3), dtype float32
torch.randint(0, 10, (4,))  # shape (4,), dtype int64
torch.randperm(5)  # shape (5,), dtype int64
torch.empty(2, 3)  # shape (2, 3), dtype float32
torch.from_numpy(np.ones(3))  # shape (3,), dtype float64

# %%
# Inspect and convert
# -------------------
#
# What a tensor is, and how it becomes something else.
x = torch.tensor([[1.5, 2.5, 3.5]])
x.shape  # torch.Size([1, 3])
x.size(1)  # 3
x.ndim  # 2
x.numel()  # 3
x.dtype  # torch.float32
x.device == torch.get_default_device()  # True
x.int()  # tensor([[1, 2, 3]], dtype=torch.int32)
x.to(torch.float64)  # shape (1, 3), dtype float64
x.sum().item()  # 7.5
x.tolist()  # [[1.5, 2.5, 3.5]]
x.cpu().numpy()  # array([[1.5, 2.5, 3.5]], dtype=float32)
x.clone() is x  # False
x.is_contiguous()  # True

# %%
# Index and choose
# ----------------
#
# Slices are views. Lists and masks of positions give copies.
x = torch.tensor([[10, 20, 30], [40, 50, 60]])
x[0]  # tensor([10, 20, 30])
x[:, 1]  # tensor([20, 50])
x[..., -1]  # tensor([30, 60])
x[:, [0, 2]]  # tensor([[10, 30], [40, 60]])
x[x > 30]  # tensor([40, 50, 60])
torch.where(x > 30, x, 0)  # tensor([[0, 0, 0], [40, 50, 60]])
x.masked_fill(x > 30, 0)  # tensor([[10, 20, 30], [0, 0, 0]])
i = torch.tensor([[2], [0]])
x.gather(1, i)  # tensor([[30], [40]])
x.scatter(1, i, 0)  # tensor([[10, 20, 0], [0, 50, 60]])
x.index_select(0, torch.tensor([1]))  # tensor([[40, 50, 60]])
x.nonzero().shape  # torch.Size([6, 2])
F.one_hot(torch.tensor([0, 2]))  # tensor([[1, 0, 0], [0, 0, 1]])

# %%
# Reshape
# -------
#
# The same elements in another shape or order.
x = torch.arange(6).reshape(2, 3)
x.view(3, 2)  # tensor([[0, 1], [2, 3], [4, 5]])
x.reshape(-1)  # tensor([0, 1, 2, 3, 4, 5])
x.flatten()  # tensor([0, 1, 2, 3, 4, 5])
x.T  # tensor([[0, 3], [1, 4], [2, 5]])
x.transpose(0, 1).shape  # torch.Size([3, 2])
x.unsqueeze(0).shape  # torch.Size([1, 2, 3])
x[None].squeeze(0).shape  # torch.Size([2, 3])
x[None].permute(2, 0, 1).shape  # torch.Size([3, 1, 2])
x[0].expand(2, 3)  # tensor([[0, 1, 2], [0, 1, 2]])
x[0].repeat(2)  # tensor([0, 1, 2, 0, 1, 2])
x.contiguous().is_contiguous()  # True
F.pad(x[0], (1, 2))  # tensor([0, 0, 1, 2, 0, 0])

# %%
# Join and split
# --------------
#
# Sizes must agree in the other dimensions.
a = torch.tensor([[1, 2], [3, 4]])
b = torch.tensor([[5, 6]])
torch.cat([a, b], dim=0)  # tensor([[1, 2], [3, 4], [5, 6]])
torch.stack([a, a], dim=0).shape  # torch.Size([2, 2, 2])
a.split(1)  # (tensor([[1, 2]]), tensor([[3, 4]]))
a.chunk(2, dim=1)  # (tensor([[1], [3]]), tensor([[2], [4]]))
a.unbind(0)  # (tensor([1, 2]), tensor([3, 4]))
a.tile(1, 2)  # tensor([[1, 2, 1, 2], [3, 4, 3, 4]])

# %%
# Compute
# -------
#
# Shapes are broadcast. A method whose name ends in ``_`` works in place.
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
y = torch.tensor([10.0, 20.0])
x + y  # tensor([[11., 22.], [13., 24.]])
x - 1  # tensor([[0., 1.], [2., 3.]])
x * y  # tensor([[10., 40.], [30., 80.]])
x / y  # tensor([[0.1000, 0.1000], [0.3000, 0.2000]])
x @ y  # tensor([50., 110.])
x.mm(x)  # tensor([[7., 10.], [15., 22.]])
torch.matmul(x, y)  # tensor([50., 110.])
torch.bmm(x[None], x[None]).shape  # torch.Size([1, 2, 2])
torch.einsum("ij,j->i", x, y)  # tensor([50., 110.])
x.exp().log()  # tensor([[1.0000, 2.0000], [3.0000, 4.0000]])
x.clamp(2, 3)  # tensor([[2., 2.], [3., 3.]])
y.add_(1)  # tensor([11., 21.])
torch.isclose(x, x + 1e-9).all()  # tensor(True)

# %%
# Reduce and sort
# ---------------
#
# ``dim`` is the dimension that goes; ``keepdim=True`` keeps it with size 1.
x = torch.tensor([[1.0, 5.0, 3.0], [4.0, 2.0, 6.0]])
x.sum()  # tensor(21.)
x.sum(dim=0)  # tensor([5., 7., 9.])
x.mean(dim=1)  # tensor([3., 4.])
x.mean(dim=1, keepdim=True).shape  # torch.Size([2, 1])
x.std(dim=1)  # tensor([2., 2.])
x.max()  # tensor(6.)
x.min(dim=1).values  # tensor([1., 2.])
x.argmax(dim=1)  # tensor([1, 2])
x.topk(2).indices  # tensor([[1, 2], [2, 0]])
x.sort(dim=1).values  # tensor([[1., 3., 5.], [2., 4., 6.]])
x.cumsum(dim=1)  # tensor([[1., 6., 9.], [4., 6., 12.]])
x.softmax(dim=1).sum(dim=1)  # tensor([1.0000, 1.0000])
torch.linalg.vector_norm(x, dim=0)[0]  # tensor(4.1231)

# %%
# Differentiate
# -------------
#
# ``backward`` adds to ``grad``.
x = torch.tensor([2.0, 3.0], requires_grad=True)
y = (x**2).sum()
y.backward()
x.grad  # tensor([4., 6.])
torch.autograd.grad((x**3).sum(), x)  # (tensor([12., 27.]),)
y.detach().requires_grad  # False
with torch.no_grad():
    (x * 2).requires_grad  # False
x.grad.zero_()  # tensor([0., 0.])
x.requires_grad_(False).requires_grad  # False

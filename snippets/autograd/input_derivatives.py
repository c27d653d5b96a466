"""
Derivatives by the input
========================

Differentiate the output of a network with respect to its input, once or
twice, for each sample of a batch.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# Gradient by the input, such as an image: ``requires_grad_``
# -----------------------------------------------------------
#
# Pick the score of one class for each sample and differentiate the sum. The
# samples do not influence each other, so the result holds the gradient of
# each sample. Call ``eval()`` first, because batch normalization mixes the
# samples in training mode.
net = nn.Linear(3, 2, bias=False).eval()
x = torch.rand(4, 3).requires_grad_()
scores = net(x)
classes = torch.tensor([0, 1, 1, 0])
picked = scores.gather(1, classes[:, None]).sum()
(grad,) = torch.autograd.grad(picked, x)
grad.shape  # torch.Size([4, 3])
torch.allclose(grad, net.weight[classes])  # True

# %%
# Derivatives of a PINN: ``u_t``, ``u_x`` and ``u_xx`` of a batch
# ---------------------------------------------------------------
#
# In a physics-informed neural network (PINN), make each variable a tensor
# of its own, and differentiate the sum of the outputs with respect to this
# tensor. ``create_graph=True`` is needed for the second derivative and for
# a loss that contains derivatives. The function here solves the heat
# equation, so the residual is 0.
t = torch.tensor([[0.0], [0.5]], requires_grad=True)
x = torch.tensor([[1.0], [2.0]], requires_grad=True)


def d(y, by):
    return torch.autograd.grad(y.sum(), by, create_graph=True)[0]


u = torch.exp(-t) * torch.sin(x)
u_t, u_x = d(u, t), d(u, x)
u_xx = d(u_x, x)
torch.allclose(u_t, u_xx)  # True
u_x[0].item()  # 0.5403
residual = (u_t - u_xx).square().mean()
residual.item() < 1e-12  # True

# %%
# Laplacian of a network: the trace of the Hessian
# ------------------------------------------------
#
# ``torch.func.hessian`` gives all second derivatives at one point, and
# ``vmap`` applies it to each point of a batch. The Laplacian is the sum of
# the diagonal. If there are many dimensions, compute the diagonal one
# coordinate at a time instead.
def f(x):
    return (x**2).sum() + x[0] * x[1]


points = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]])
hessians = torch.vmap(torch.func.hessian(f))(points)
hessians[0]  # tensor([[2., 1., 0.], [1., 2., 0.], [0., 0., 2.]])
hessians.diagonal(dim1=1, dim2=2).sum(dim=1)  # tensor([6., 6.])

# %%
# Mixed second derivative: differentiate one after the other
# ----------------------------------------------------------
#
# Differentiate with respect to one variable with ``create_graph=True``, and
# differentiate the result with respect to the other variable. Here the
# order of the two variables does not matter.
x = torch.tensor(2.0, requires_grad=True)
y = torch.tensor(3.0, requires_grad=True)
f = x**2 * y**3
(f_x,) = torch.autograd.grad(f, x, create_graph=True)
(f_y,) = torch.autograd.grad(f, y, create_graph=True)
torch.autograd.grad(f_x, y)  # (tensor(108.),)
torch.autograd.grad(f_y, x)  # (tensor(108.),)

# %%
# A Jacobian for each sample: ``vmap`` of ``torch.func.jacrev``
# -------------------------------------------------------------
#
# ``torch.autograd.functional.jacobian`` differentiates each output of the
# batch with respect to each sample, and most of these blocks are zero. Use
# ``torch.func.jacrev`` for one sample and ``vmap`` for the batch. The
# result holds just the blocks that are needed.
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
x = torch.rand(5, 3)
full = torch.autograd.functional.jacobian(net, x)
full.shape  # torch.Size([5, 2, 5, 3])
each = torch.vmap(torch.func.jacrev(net))(x)
each.shape  # torch.Size([5, 2, 3])
blocks = full.diagonal(dim1=0, dim2=2).permute(2, 0, 1)
torch.allclose(each, blocks, atol=1e-6)  # True

# %%
# Several vectors in one call: ``is_grads_batched=True``
# ------------------------------------------------------
#
# ``grad_outputs`` needs one dimension more than the output, at the front,
# with the number of vectors. A tensor of the shape of the output raises an
# error. Here each vector selects one output of each sample, so the result
# holds the Jacobian of each sample.
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
x = torch.rand(5, 3, requires_grad=True)
y = net(x)
grad = torch.autograd.grad
with suppress(RuntimeError):
    grad(
        y.sum(dim=1), x, torch.ones(5), is_grads_batched=True
    )  # RuntimeError: If `is_grads_batched=True`, we interpret the first
vectors = torch.eye(2).unsqueeze(1).expand(2, *y.shape)
vectors.shape  # torch.Size([2, 5, 2])
(rows,) = grad(y, x, vectors, is_grads_batched=True)
rows.shape  # torch.Size([2, 5, 3])
each = torch.vmap(torch.func.jacrev(net))(x)
torch.allclose(rows.transpose(0, 1), each, atol=1e-6)  # True

# %%
# Stop the gradient of a part: ``torch.where`` with ``detach``
# ------------------------------------------------------------
#
# ``torch.where`` takes the masked elements from ``x.detach()``, so the
# values stay the same and these elements get no gradient. To keep some rows
# of a parameter fixed, mask the gradient with a hook instead.
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
learns = torch.tensor([True, False, True])
y = torch.where(learns, x, x.detach())
torch.autograd.grad((y**2).sum(), x)  # (tensor([2., 0., 6.]),)
head = torch.cat([x[:1], x[1:].detach()])
torch.autograd.grad((head**2).sum(), x)  # (tensor([2., 0., 0.]),)

# %%
# Cut the graph, then pass the gradient on: ``backward(gradient=...)``
# --------------------------------------------------------------------
#
# ``detach().requires_grad_()`` starts a new graph with the same values.
# ``backward`` of the second part then stops there: each piece has a
# ``.grad``, and the encoder has none. Concatenate the gradients of the
# pieces and pass them to ``backward`` of the encoder's output. The encoder
# gets the same gradient as without the cut.
encoder, head = nn.Linear(3, 4), nn.Linear(4, 1)
x = torch.rand(6, 3)
head(encoder(x)).square().sum().backward()
whole, encoder.weight.grad = encoder.weight.grad, None
output = encoder(x)
pieces = [part.detach().requires_grad_() for part in output.split(2)]
for piece in pieces:
    head(piece).square().sum().backward()
pieces[0].grad.shape  # torch.Size([2, 4])
encoder.weight.grad is None  # True
output.backward(gradient=torch.cat([piece.grad for piece in pieces]))
torch.allclose(encoder.weight.grad, whole, atol=1e-5)  # True

# %%
# Error: derivative for aten::floor_divide is not implemented (``//``)
# --------------------------------------------------------------------
#
# The floor division ``//`` has no gradient in PyTorch. Use ``/`` if you
# need a gradient. If the result is an index, call ``detach`` first.
x = torch.tensor([5.0, 8.0], requires_grad=True)
y = (x // 2).sum()
with suppress(RuntimeError):
    y.backward()  # RuntimeError: aten::floor_divide is not implemented
(x.detach() // 2).long()  # tensor([2, 4])
torch.autograd.grad((x / 2).sum(), x)  # (tensor([0.5000, 0.5000]),)

# %%
# Error: Mismatch in shape: grad_output[0] has a shape of
# -------------------------------------------------------
#
# The argument ``gradient`` of ``backward`` holds one weight for each
# output, so it must have the shape of the output. In
# ``torch.autograd.grad`` this argument is called ``grad_outputs``.
# ``torch.ones_like`` gives all outputs the weight 1, which is the gradient
# of their sum. A tensor that you assign to ``x.grad`` must have the shape
# of ``x``.
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x**2
with suppress(RuntimeError):
    y.backward(torch.ones(2))  # RuntimeError: Mismatch in shape:
y.backward(torch.ones_like(y))
x.grad  # tensor([2., 4., 6.])
with suppress(RuntimeError):
    x.grad = torch.ones(2)  # RuntimeError: attempting to assign a gradient

# %%
# Choose between ``retain_graph`` and ``create_graph``
# ----------------------------------------------------
#
# ``retain_graph=True`` keeps the graph, so you can run backward through it
# again. ``create_graph=True`` also records the backward pass, so you can
# differentiate the gradient. It takes more memory.
x = torch.tensor(2.0, requires_grad=True)
y = x**3
(kept,) = torch.autograd.grad(y, x, retain_graph=True)
kept.requires_grad  # False
(recorded,) = torch.autograd.grad(y, x, create_graph=True)
recorded.requires_grad  # True
torch.autograd.grad(recorded, x)  # (tensor(12.),)

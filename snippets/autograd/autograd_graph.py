"""
The autograd graph
==================

What is recorded, what is saved for the way back, and how to look at it.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# The graph of a loss, drawn: ``grad_fn``
# ---------------------------------------
#
# Each recorded operation is a node that knows its own derivative. The
# arrows point the way ``backward`` goes: from the loss to the leaves, where
# ``AccumulateGrad`` writes ``.grad``. Tensors without ``requires_grad``,
# such as ``x``, are not part of it.
#
# .. graph:: loss
w = torch.tensor([0.5, -1.0], requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
x = torch.tensor([2.0, 1.0])
loss = (w * x + b).sigmoid().sum()
loss.grad_fn.name()  # 'SumBackward0'
loss.backward()
s = torch.sigmoid(torch.tensor([1.0, -1.0]))
torch.allclose(w.grad, s * (1 - s) * x)  # True
torch.allclose(b.grad, (s * (1 - s)).sum())  # True

# %%
# One tensor used twice: two paths in the graph
# ---------------------------------------------
#
# Both uses of ``w`` lead to the same ``AccumulateGrad`` node, and what
# arrives there is added. That is the chain rule for several paths, and how
# shared weights are trained.
#
# .. graph:: loss
w = torch.tensor(3.0, requires_grad=True)
loss = w**2 + w.exp()
loss.backward()
w.grad  # tensor(26.0855)
torch.allclose(w.grad, (2 * w + w.exp()).detach())  # True

# %%
# Leaf or result? ``Tensor.is_leaf``
# ----------------------------------
#
# A leaf was not made by a recorded operation. Unless ``retain_grad`` is
# called, only leaves that require gradients get a ``.grad``, and only
# leaves can be given to an optimizer. A tensor that was moved or scaled
# after ``requires_grad=True`` is a result: set the flag last.
w = torch.rand(3, requires_grad=True)
w.is_leaf  # True
(w * 0.1).is_leaf  # False
torch.rand(3).is_leaf  # True
nn.Linear(2, 1).weight.is_leaf  # True
scaled = torch.rand(3, requires_grad=True).double()
scaled.is_leaf  # False
torch.rand(3).double().requires_grad_().is_leaf  # True

# %%
# Gradient of an intermediate result: ``Tensor.retain_grad``
# ----------------------------------------------------------
#
# The gradient of a result is thrown away once it was passed on, and asking
# for it warns and gives ``None``. Call ``retain_grad`` before
# ``backward``; ``Tensor.retains_grad`` tells whether it was. For one look,
# ``torch.autograd.grad`` does as well.
w = torch.tensor([1.0, 2.0], requires_grad=True)
hidden = w * 10
hidden.pow(2).sum().backward()
hidden.grad  # UserWarning: .grad attribute of a Tensor that is not a leaf
hidden = w * 10
hidden.retain_grad()
hidden.pow(2).sum().backward()
hidden.grad  # tensor([20., 40.])
(hidden.retains_grad, w.retains_grad)  # (True, False)

# %%
# Walk the graph: ``grad_fn.next_functions``
# ------------------------------------------
#
# A node lists, for each input of its operation, the node that made it and
# which of its outputs was used; ``None`` stands for an input that needs no
# gradient. The ``variable`` of an ``AccumulateGrad`` node is the leaf. All
# nodes count as ``torch.autograd.graph.Node``.
w = torch.tensor([1.0, 2.0], requires_grad=True)
product = w * torch.tensor([3.0, 4.0])
node = product.sum().grad_fn
isinstance(node, torch.autograd.graph.Node)  # True
node.next_functions[0][0] is product.grad_fn  # True
(leaf, which), (other, _) = product.grad_fn.next_functions
(leaf.name(), which)  # ('torch::autograd::AccumulateGrad', 0)
leaf.variable is w  # True
other is None  # True

# %%
# Which output of the node: ``Tensor.output_nr``
# ----------------------------------------------
#
# An operation with several results makes one node for all of them, and
# ``output_nr`` says which result a tensor is. The pair of both is a
# ``GradientEdge``.
x = torch.tensor([5.0, 6.0, 7.0], requires_grad=True)
first, second, third = x.unbind()
first.grad_fn.name()  # 'UnbindBackward0'
(first.output_nr, second.output_nr, third.output_nr)  # (0, 1, 2)
edge = torch.autograd.graph.get_gradient_edge(third)
type(edge) is torch.autograd.graph.GradientEdge  # True
edge.output_nr  # 2
edge.node.name() == third.grad_fn.name()  # True

# %%
# Gradient at a place of the graph: ``get_gradient_edge``
# -------------------------------------------------------
#
# An edge stands for a tensor without keeping its memory: it can be passed
# to ``torch.autograd.grad`` after the tensor was deleted, or changed in
# place so that its name means a later node.
#
# .. glance:: torch.autograd.grad(loss, edge, retain_graph=True)
w = torch.tensor([1.0, 2.0], requires_grad=True)
hidden = w * 3
edge = torch.autograd.graph.get_gradient_edge(hidden)
hidden.mul_(10)  # tensor([30., 60.], grad_fn=<MulBackward0>)
loss = hidden.sum()
torch.autograd.grad(loss, edge, retain_graph=True)  # (tensor([10., 10.]),)
torch.autograd.grad(loss, hidden)  # (tensor([1., 1.]),)

# %%
# What an operation saves for backward
# ------------------------------------
#
# A derivative often needs the inputs or the result, so the node keeps them
# alive until ``backward`` has used them. Look at the attributes that start
# with ``_saved``: squaring keeps its input, ``exp`` its result, and adding
# keeps no tensor.
x = torch.tensor([0.0, 3.0], requires_grad=True)
(x**2).grad_fn._saved_self  # tensor([0., 3.], requires_grad=True)
y = x.exp()
torch.equal(y.grad_fn._saved_result, y)  # True
kept = [name for name in dir((x + x).grad_fn) if name.startswith("_saved")]
kept  # ['_saved_alpha']

# %%
# Measure or change what is saved: ``saved_tensors_hooks``
# --------------------------------------------------------
#
# The first function sees each tensor when it is saved and returns what to
# keep, the second turns that back when ``backward`` asks. Here they count
# elements, and store in half the memory at the price of precision.
numbers = []


def pack(saved):
    numbers.append(saved.numel())
    return saved.half()


x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
with torch.autograd.graph.saved_tensors_hooks(pack, torch.Tensor.float):
    y = (x**2).sum() + x.exp().sum() + x.sum()
numbers  # [3, 3]
y.backward()
exact = (2 * x + x.exp() + 1).detach()
torch.allclose(x.grad, exact)  # False
torch.allclose(x.grad, exact, rtol=1e-3)  # True

# %%
# Keep saved tensors in main memory: ``torch.autograd.graph.save_on_cpu``
# -----------------------------------------------------------------------
#
# Activations leave the GPU during forward and come back one by one during
# backward: less GPU memory, more copying. The gradients are the same. Only
# what runs inside the ``with`` is offloaded.
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
x = torch.rand(5, 4)
expected = torch.autograd.grad(net(x).sum(), net[0].weight)[0]
with torch.autograd.graph.save_on_cpu():
    loss = net(x).sum()
loss.backward()
torch.allclose(net[0].weight.grad, expected)  # True

# %%
# See each node as it is made: ``torch.autograd.graph.node_creation_hook``
# ------------------------------------------------------------------------
#
# Inside of the block the function gets each node that is added to the
# graph.
#
# .. since:: 2.14
made = []
w = torch.tensor(2.0, requires_grad=True)
with torch.autograd.graph.node_creation_hook(made.append):
    loss = (w * 3).exp()
[node.name() for node in made[-2:]]  # ['MulBackward0', 'ExpBackward0']
loss.grad_fn is made[-1]  # True

# %%
# Forbid hooks on saved tensors: ``disable_saved_tensors_hooks``
# --------------------------------------------------------------
#
# For code that relies on the saved tensors being the very ones: entering a
# hook inside raises with your message. Of the rest of
# ``torch.autograd.graph``, ``torch.autograd.graph.node_creation_hook``
# calls you for each new node, and
# ``torch.autograd.graph.region_activation_memory_budget`` tells the
# compiler how much to save and how much to compute again.
graph = torch.autograd.graph
with graph.disable_saved_tensors_hooks("saved tensors stay as they are"):
    with suppress(RuntimeError):
        graph.save_on_cpu().__enter__()  # RuntimeError: stay as they are
    w = torch.tensor(2.0, requires_grad=True)
    (w**2).backward()
w.grad  # tensor(4.)

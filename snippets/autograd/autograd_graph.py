"""
The autograd graph
==================

See which operations autograd records and which tensors it saves for the
backward pass.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# The graph of a loss, drawn: ``grad_fn``
# ---------------------------------------
#
# Each recorded operation is a node that knows its own derivative. The
# arrows show the direction of ``backward``, from the loss to the leaves. At
# each leaf, an ``AccumulateGrad`` node writes the gradient to ``.grad``.
# ``x`` does not require gradients, so it is not part of the graph.
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
# Both uses of ``w`` lead to the same ``AccumulateGrad`` node, and the
# gradients that arrive there are added. This is the chain rule for several
# paths. Shared weights are trained in the same way.
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
# A leaf is a tensor that no recorded operation has made. By default,
# ``backward`` fills ``.grad`` of leaves that require gradients, and
# optimizers expect such leaves. If you convert or scale a tensor after
# ``requires_grad=True``, you get a result and not a leaf. Call
# ``requires_grad_`` last.
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
# By default, ``backward`` does not keep the gradient of an intermediate
# result. Its ``.grad`` is then ``None``, and reading it gives a warning.
# Call ``retain_grad`` before ``backward`` to keep the gradient;
# ``Tensor.retains_grad`` is then ``True``. If you need the gradient once,
# use ``torch.autograd.grad``.
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
# ``next_functions`` holds a pair for each input of the operation: the node
# that made the input, and which output of that node it is. The node is
# ``None`` if the input needs no gradient. The ``variable`` attribute of an
# ``AccumulateGrad`` node is the leaf. For ``isinstance``, each node is a
# ``torch.autograd.graph.Node``.
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
# An operation with several results has one node for all of them, and
# ``output_nr`` says which result a tensor is. A ``GradientEdge`` is the
# pair of the node and this number.
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
# A gradient edge marks a place in the graph without keeping the tensor
# alive. You can pass it to ``torch.autograd.grad`` instead of the tensor.
# Here ``hidden`` is changed in place and then belongs to a later node, but
# the edge still stands for the value before the change.
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
# A derivative often needs the inputs or the result of its operation, so the
# node keeps them until ``backward`` has used them. They are in the
# attributes that start with ``_saved``. Squaring saves its input, ``exp``
# saves its result, and addition saves no tensor.
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
# ``saved_tensors_hooks`` takes two functions. The first gets each tensor
# when it is saved, and returns what is stored instead. The second restores
# the tensor when ``backward`` needs it. Here the hooks count the saved
# elements and store them as float16, which takes half the memory and loses
# precision.
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
# Inside the ``with`` block, the forward pass copies each saved tensor from
# the GPU to main memory, and ``backward`` copies it back when it is needed.
# This saves GPU memory and costs time for the copies. The gradients are the
# same.
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
# Inside the block, your function is called with each node that is added to
# the graph.
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
# ``disable_saved_tensors_hooks`` protects code in which saved tensors must
# be stored unchanged. If a hook on saved tensors is used inside the block,
# PyTorch raises an error with your message. A related setting,
# ``torch.autograd.graph.region_activation_memory_budget``, tells
# ``torch.compile`` how much to save and how much to compute again.
graph = torch.autograd.graph
with graph.disable_saved_tensors_hooks("saved tensors stay as they are"):
    with suppress(RuntimeError):
        graph.save_on_cpu().__enter__()  # RuntimeError: stay as they are
    w = torch.tensor(2.0, requires_grad=True)
    (w**2).backward()
w.grad  # tensor(4.)

"""
Parametrizations and pruning
============================

Compute a weight from other tensors: constrain it, normalize it, set a part
of it to 0 (pruning), or fuse it with batch normalization.
"""
from contextlib import suppress

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

# %%
# Constrain a weight: ``parametrize.register_parametrization``
# ------------------------------------------------------------
#
# A parametrization is a module whose ``forward`` computes the weight. It
# runs each time you read the weight. The tensor that is trained moves to
# ``parametrizations.weight.original``.
class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T


layer = nn.Linear(3, 3)
parametrize.register_parametrization(layer, "weight", Symmetric())
torch.equal(layer.weight, layer.weight.T)  # True
list(layer.state_dict())  # ['bias', 'parametrizations.weight.original']
layer.parametrizations.weight  # type ParametrizationList
layer.weight.is_leaf  # False

# %%
# Set a parametrized weight: ``right_inverse``
# --------------------------------------------
#
# When you register the parametrization or assign to the weight,
# ``right_inverse`` computes the original tensor from the value. Without
# ``right_inverse``, an assignment to the weight raises an error.
class Positive(nn.Module):
    def forward(self, x):
        return x.exp()

    def right_inverse(self, y):
        return y.log()


layer = nn.Linear(2, 1)
nn.init.ones_(layer.weight)
parametrize.register_parametrization(layer, "weight", Positive())
layer.parametrizations.weight.original.tolist()  # [[0.0, 0.0]]
layer.weight = torch.tensor([[4.0, 8.0]])
torch.allclose(layer.weight, torch.tensor([[4.0, 8.0]]))  # True
parametrize.register_parametrization(layer, "bias", nn.Softplus())
with suppress(RuntimeError):
    layer.bias = torch.ones(1)  # RuntimeError: does not implement

# %%
# Undo a parametrization: ``parametrize.remove_parametrizations``
# ---------------------------------------------------------------
#
# ``remove_parametrizations`` leaves a plain parameter with the computed
# value, or with the original value if ``leave_parametrized=False``. A
# parametrized layer has a class of its own, such as ``ParametrizedLinear``.
# ``is_parametrized`` tells you whether a layer is parametrized, and
# ``type_before_parametrizations`` gives its old class.
# ``transfer_parametrizations_and_params`` copies everything to another
# layer.
#
# .. glance:: layer.weight.item(), parametrize.is_parametrized(layer)
layer = nn.Linear(1, 1)
nn.init.constant_(layer.weight, -2.0)
parametrize.register_parametrization(layer, "weight", nn.ReLU())
type(layer).__name__  # 'ParametrizedLinear'
parametrize.type_before_parametrizations(layer) is nn.Linear  # True
parametrize.is_parametrized(layer, "weight")  # True
twin = nn.Linear(1, 1)
parametrize.transfer_parametrizations_and_params(layer, twin)
twin.weight.item(), parametrize.is_parametrized(twin)  # (0.0, True)
parametrize.remove_parametrizations(layer, "weight")
layer.weight.item(), parametrize.is_parametrized(layer)  # (0.0, False)

# %%
# Compute a shared weight once: ``parametrize.cached``
# ----------------------------------------------------
#
# A recurrent loop reads the same weight at each step. Inside the context
# ``parametrize.cached``, the weight is computed at the first access and
# kept. Do not change parameters inside the context.
class Counted(nn.Module):
    def forward(self, x):
        calls.append(1)
        return 2 * x


calls = []
layer = nn.Linear(3, 3)
parametrize.register_parametrization(layer, "weight", Counted())
x = torch.ones(1, 3)
calls.clear()
layer(layer(x))  # shape (1, 3)
len(calls)  # 2
with parametrize.cached():
    layer(layer(x))  # shape (1, 3)
len(calls)  # 3

# %%
# Learn length and direction separately: ``parametrizations.weight_norm``
# -----------------------------------------------------------------------
#
# Each row of the weight is :math:`g v / \|v\|`. The length g
# (``original0``) and the direction v (``original1``) are both learned. With
# ``dim=None`` the whole matrix has a single length.
layer = parametrizations.weight_norm(nn.Linear(3, 2))
g = layer.parametrizations.weight.original0
v = layer.parametrizations.weight.original1
g.shape  # torch.Size([2, 1])
by_hand = g * v / v.norm(dim=1, keepdim=True)
torch.allclose(layer.weight, by_hand, atol=1e-6)  # True
whole = parametrizations.weight_norm(nn.Linear(3, 2), dim=None)
whole.parametrizations.weight.original0.shape  # torch.Size([])

# %%
# Bound how a layer stretches: ``parametrizations.spectral_norm``
# ---------------------------------------------------------------
#
# Spectral normalization divides the weight by its largest singular value,
# which is the largest factor by which the matrix stretches a vector. A
# linear layer then stretches no vector, up to a small error. A convolution
# still may, because its kernel is treated as a matrix. The singular value
# is estimated by power iteration, with one step each time the weight is
# read in training mode and none in ``eval`` mode.
layer = nn.Linear(4, 4)
diagonal = torch.tensor([4.0, 3.0, 2.0, 1.0])
layer.weight = nn.Parameter(2 + torch.diag(diagonal))
parametrizations.spectral_norm(layer)  # type ParametrizedLinear
for _ in range(20):
    layer(torch.ones(1, 4))
norm = torch.linalg.matrix_norm(layer.weight, ord=2)
(norm - 1).abs() < 1e-3  # tensor(True)
conv = nn.Conv2d(1, 1, 3, bias=False)
nn.init.ones_(conv.weight)
parametrizations.spectral_norm(conv)  # type ParametrizedConv2d
image = torch.ones(1, 1, 6, 6)
conv(image).norm() > 1.9 * image.norm()  # tensor(True)

# %%
# Weight that stays orthogonal: ``parametrizations.orthogonal``
# -------------------------------------------------------------
#
# The weight stays orthogonal while the original tensor is trained.
# ``nn.init.orthogonal_`` gives an orthogonal weight only at the start of
# training. If the matrix is not square, the rows or the columns are
# orthogonal, whichever are fewer.
layer = parametrizations.orthogonal(nn.Linear(3, 3))
eye = torch.eye(3)
torch.allclose(layer.weight @ layer.weight.T, eye, atol=1e-5)  # True
with torch.no_grad():
    layer.parametrizations.weight.original.add_(0.5)
torch.allclose(layer.weight @ layer.weight.T, eye, atol=1e-5)  # True
tall = parametrizations.orthogonal(nn.Linear(2, 5))
torch.allclose(tall.weight.T @ tall.weight, eye[:2, :2], atol=1e-5)  # True

# %%
# Zero the smallest weights: ``prune.l1_unstructured``
# ----------------------------------------------------
#
# ``amount`` is a number of weights, or a fraction if it is a float. The
# weight becomes ``weight_orig`` times the buffer ``weight_mask``, which
# saves neither memory nor time. ``prune.remove`` writes the zeros into a
# plain weight. Further training may then change the zeros.
layer = nn.Linear(4, 1, bias=False)
layer.weight = nn.Parameter(torch.tensor([[0.5, -3.0, 1.0, 2.0]]))
prune.l1_unstructured(layer, "weight", amount=0.5)  # type Linear
layer.weight.tolist()  # [[0.0, -3.0, 0.0, 2.0]]
layer.weight_mask  # tensor([[0., 1., 0., 1.]])
list(layer.state_dict())  # ['weight_orig', 'weight_mask']
prune.is_pruned(layer)  # True
prune.remove(layer, "weight")  # type Linear
list(layer.state_dict())  # ['weight']
layer(torch.ones(1, 4)).sum().backward()
layer.weight.grad  # tensor([[1., 1., 1., 1.]])

# %%
# Prune at random, or prune whole rows: ``prune.ln_structured``
# -------------------------------------------------------------
#
# ``prune.ln_structured`` zeroes the slices along ``dim`` that have the
# smallest norm, and ``prune.random_structured`` zeroes random slices.
# ``prune.random_unstructured`` zeroes random entries.
# ``prune.custom_from_mask`` zeroes the entries where your mask is 0, and
# ``prune.identity`` zeroes none.
layer = nn.Linear(2, 3)
weight = torch.tensor([[4.0, 4.0], [5.0, 0.0], [0.0, 6.0]])
layer.weight = nn.Parameter(weight)
prune.ln_structured(layer, "weight", amount=1, n=2, dim=0)  # type Linear
layer.weight.tolist()  # [[4.0, 4.0], [0.0, 0.0], [0.0, 6.0]]
mask = torch.tensor([[1, 0], [1, 1], [1, 1]])
prune.custom_from_mask(layer, "weight", mask)  # type Linear
layer.weight.tolist()  # [[4.0, 0.0], [0.0, 0.0], [0.0, 6.0]]
other = prune.random_unstructured(nn.Linear(10, 10), "weight", amount=0.3)
(other.weight == 0).sum()  # tensor(30)
other = prune.random_structured(nn.Linear(9, 7), "weight", 2, dim=1)
(other.weight == 0).all(dim=0).sum()  # tensor(2)
prune.identity(nn.Linear(1, 2), "bias").bias_mask  # tensor([1., 1.])

# %%
# Prune the whole model by one threshold: ``prune.global_unstructured``
# ---------------------------------------------------------------------
#
# The weights of all layers are compared with each other, so some layers
# lose a larger share than others. Pass the pruning method as a class, such
# as ``L1Unstructured``, ``torch.nn.utils.prune.RandomUnstructured`` or your
# own. The structured classes ``torch.nn.utils.prune.LnStructured`` and
# ``torch.nn.utils.prune.RandomStructured`` do not work here.
small, large = nn.Linear(2, 1), nn.Linear(2, 1)
small.weight = nn.Parameter(torch.tensor([[1.0, 2.0]]))
large.weight = nn.Parameter(torch.tensor([[3.0, 9.0]]))
prune.global_unstructured(
    [(small, "weight"), (large, "weight")],
    pruning_method=prune.L1Unstructured,
    amount=3,
)
small.weight.tolist(), large.weight.tolist()  # ([[0.0, 0.0]], [[0.0, 9.0]])

# %%
# A pruning rule of your own: ``prune.BasePruningMethod``
# -------------------------------------------------------
#
# ``compute_mask`` gets the tensor and the current mask and returns the new
# mask. The class method ``apply`` prunes a layer. If you apply several
# rules to one weight, a ``torch.nn.utils.prune.PruningContainer`` keeps
# them and combines their masks.
class Below(prune.BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def __init__(self, limit):
        self.limit = limit

    def compute_mask(self, t, default_mask):
        return default_mask * (t.abs() >= self.limit)


layer = nn.Linear(4, 1)
layer.weight = nn.Parameter(torch.tensor([[1.0, -2.0, 3.0, -4.0]]))
Below.apply(layer, "weight", limit=2.5)
layer.weight_mask  # tensor([[0., 0., 1., 1.]])
prune.l1_unstructured(layer, "weight", amount=1)  # type Linear
layer.weight_mask  # tensor([[0., 0., 0., 1.]])

# %%
# Fold batch norm into the layer before it: ``fuse_conv_bn_eval``
# ---------------------------------------------------------------
#
# In ``eval`` mode, batch normalization is a fixed scale and shift. The
# layer before it can include both in its weight and bias, which saves one
# operation at inference. ``torch.nn.utils.fuse_conv_bn_weights`` and
# ``torch.nn.utils.fuse_linear_bn_weights`` return only the fused weight and
# bias.
#
# .. glance:: torch.allclose(fused(x), norm(conv(x)))
conv, norm = nn.Conv2d(3, 4, 3).double(), nn.BatchNorm2d(4).double()
x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
norm(conv(x))  # shape (2, 4, 6, 6)
conv.eval(), norm.eval()
fused = nn.utils.fuse_conv_bn_eval(conv, norm)
torch.allclose(fused(x), norm(conv(x)))  # True
linear, norm = nn.Linear(8, 5).eval(), nn.BatchNorm1d(5).eval()
nn.init.constant_(norm.running_mean, 3.0)
fused = nn.utils.fuse_linear_bn_eval(linear, norm)
x = torch.rand(2, 8)
torch.allclose(fused(x), norm(linear(x)), atol=1e-4)  # True

# %%
# Call a module with other weights: ``torch.func.functional_call``
# ----------------------------------------------------------------
#
# ``functional_call`` takes a dict of parameters and buffers, which replace
# the module's own for this one call. In this way the weights can be an
# input of ``torch.func.grad`` or ``torch.func.vmap``. The older function in
# ``torch.nn.utils.stateless`` raises a warning.
net = nn.Linear(1, 1)
other = {"weight": torch.tensor([[2.0]]), "bias": torch.tensor([1.0])}
x = torch.tensor([[3.0]])
torch.func.functional_call(net, other, (x,))  # tensor([[7.]])
old = nn.utils.stateless.functional_call
old(net, other, (x,))  # FutureWarning: `torch.func.functional_call`

# %%
# Channels last for convolutions: ``convert_conv2d_weight_memory_format``
# -----------------------------------------------------------------------
#
# This function changes the memory format of convolution weights in place.
# It leaves other layers unchanged, unlike ``net.to(memory_format=...)``.
# For 3-D convolutions, call
# ``torch.nn.utils.convert_conv3d_weight_memory_format`` with
# ``torch.channels_last_3d``.
#
# .. glance:: conv.weight.stride()  # (36, 1, 12, 4)
conv = nn.Conv2d(4, 8, 3)
conv.weight.stride()  # (36, 9, 3, 1)
convert = nn.utils.convert_conv2d_weight_memory_format
convert(conv, torch.channels_last)  # type Conv2d
conv.weight.stride()  # (36, 1, 12, 4)
conv.weight.shape  # torch.Size([8, 4, 3, 3])

# %%
# Old weight norm: ``nn.utils.weight_norm``, ``nn.utils.spectral_norm``
# ---------------------------------------------------------------------
#
# These functions are older than parametrizations and use hooks.
# ``nn.utils.weight_norm`` raises a warning. The old names in the state dict
# differ, but the new weight norm can load them.
# ``torch.nn.utils.remove_weight_norm`` and
# ``torch.nn.utils.remove_spectral_norm`` undo the functions.
linear = nn.Linear(3, 2)
old = nn.utils.weight_norm(linear)  # FutureWarning: is deprecated
list(old.state_dict())  # ['bias', 'weight_g', 'weight_v']
new = parametrizations.weight_norm(nn.Linear(3, 2))
new.load_state_dict(old.state_dict())
torch.allclose(new.weight, old.weight, atol=1e-6)  # True
nn.utils.remove_weight_norm(old)  # type Linear
list(old.state_dict())  # ['bias', 'weight']
sn = nn.utils.spectral_norm(nn.Linear(3, 2))
list(sn.state_dict())[1:3]  # ['weight_orig', 'weight_u']
nn.utils.remove_spectral_norm(sn)  # type Linear

# %%
# Error: Registering a parametrization may not change the shape
# -------------------------------------------------------------
#
# A parametrization must keep the shape and the dtype of the weight.
# ``unsafe=True`` turns the check off. Code that relies on the old shape or
# dtype may then fail.
class Repeat(nn.Module):
    def forward(self, x):
        return x.expand(3, -1)


layer = nn.Linear(2, 1)
register = parametrize.register_parametrization
with suppress(ValueError):
    register(layer, "weight", Repeat())  # ValueError: not change the shape
register(layer, "weight", Repeat(), unsafe=True)  # type ParametrizedLinear
layer.weight.shape  # torch.Size([3, 2])

"""
Checkpoint policies and FLOPs
=============================

A gradient checkpoint saves memory: it keeps few results of the forward pass
and computes the others again in ``backward``. Choose here which results it
keeps, and count how many operations that costs.
"""
from contextlib import suppress
from functools import partial

import torch
from torch import nn
from torch.utils.checkpoint import (
    CheckpointError,
    CheckpointPolicy,
    GraphExecGroup,
    checkpoint,
    create_selective_checkpoint_contexts,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)
from torch.utils.flop_counter import (
    FlopCounterMode,
    flop_registry,
    register_flop_formula,
)
from torch.utils.module_tracker import ModuleTracker


# %%
# Keep expensive results: ``create_selective_checkpoint_contexts``
# ----------------------------------------------------------------
#
# A plain checkpoint runs the forward pass again in ``backward``. Pass a
# list of operators in ``context_fn``, and the checkpoint keeps their
# results. Here ``backward`` takes 4 matrix products. The plain checkpoint
# adds the 2 products of the forward pass, and the selective one adds none.
def block(x, w):
    return ((x @ w).sin() @ w).sin()


def flops(y):
    with FlopCounterMode(display=False) as counter:
        y.sum().backward()
    return counter.get_total_flops()


x = torch.randn(2, 4, requires_grad=True)
w = torch.randn(4, 4, requires_grad=True)
keep = [torch.ops.aten.mm.default]
context = partial(create_selective_checkpoint_contexts, keep)
one = 2 * 2 * 4 * 4
flops(block(x, w)) // one  # 4
plain = checkpoint(block, x, w, use_reentrant=False)
flops(plain) // one  # 6
kept = checkpoint(block, x, w, use_reentrant=False, context_fn=context)
flops(kept) // one  # 4


# %%
# Decide by your own rule: ``CheckpointPolicy``
# ---------------------------------------------
#
# Instead of a list, pass a function. It gets each operator with its inputs
# and returns a ``CheckpointPolicy``. This one keeps the product with the
# large matrix, so ``backward`` repeats the small product and not the large
# one.
def large_only(context, op, *args, **kwargs):
    is_product = op is torch.ops.aten.mm.default
    if is_product and args[1].numel() >= 64:
        return CheckpointPolicy.MUST_SAVE
    return CheckpointPolicy.PREFER_RECOMPUTE


def block(x):
    return ((x @ large).sin() @ small).sin()


x = torch.randn(2, 4, requires_grad=True)
large, small = torch.randn(4, 16), torch.randn(16, 2)
context = partial(create_selective_checkpoint_contexts, large_only)
y = checkpoint(block, x, use_reentrant=False, context_fn=context)
with FlopCounterMode(display=False) as counter:
    y.sum().backward()
large_product, small_product = 2 * 2 * 4 * 16, 2 * 2 * 16 * 2
large_product + 2 * small_product  # 512
counter.get_total_flops()  # 512


# %%
# Run the forward pass to its end: ``set_checkpoint_early_stop``
# --------------------------------------------------------------
#
# By default, the second forward pass stops when it has computed what
# ``backward`` needs. Code behind that point runs once and not twice. Switch
# this off if the whole function has to run, for example because a hook
# counts its calls.
def block(x):
    y = x.sin().sin()
    steps.append("end")
    return y


x = torch.ones(2, requires_grad=True)
steps = []
checkpoint(block, x, use_reentrant=False).sum().backward()
steps  # ['end']
with set_checkpoint_early_stop(False):
    y = checkpoint(block, x, use_reentrant=False)
y.sum().backward()
steps  # ['end', 'end', 'end']


# %%
# Error: Recomputed values have different metadata (``CheckpointError``)
# ----------------------------------------------------------------------
#
# The second forward pass must do the same as the first. If it reads
# something that has changed in between, such as a counter or a list, the
# shapes may differ. Pass everything that the function depends on as an
# argument.
def block(x):
    rows.append(len(rows))
    part = x[: len(rows)]
    return (part * part).sin()


def fixed(x, n):
    return (x[:n] * x[:n]).sin()


x = torch.ones(4, requires_grad=True)
rows = []
y = checkpoint(block, x, use_reentrant=False)
with suppress(CheckpointError):
    y.sum().backward()  # CheckpointError: Recomputed values for the
rows  # [0, 1]
checkpoint(fixed, x, 1, use_reentrant=False).sum().backward()
x.grad  # tensor([1.0806, 0.0000, 0.0000, 0.0000])


# %%
# See the operators of both runs: ``set_checkpoint_debug_enabled``
# ----------------------------------------------------------------
#
# In debug mode, the error lists the operators of the first and of the
# second forward pass, and the lines of code that called them. Compare the
# two lists to find the first difference. Switch the mode off again, because
# it is slow.
def block(x):
    runs.append("run")
    return x.sin().exp() if len(runs) == 1 else x[:1].cos().exp()


x = torch.ones(2, requires_grad=True)
runs = []
with set_checkpoint_debug_enabled(True):
    y = checkpoint(block, x, use_reentrant=False)
try:
    y.sum().backward()
except CheckpointError as error:
    lines = str(error).splitlines()
listed = [line.split("aten.")[1] for line in lines if "1 of " in line]
listed[0]  # 'sin.default($0)   (1 of 2 in original)'
listed[1][:12]  # 'slice.Tensor'


# %%
# Several backward passes, one second run: ``GraphExecGroup``
# -----------------------------------------------------------
#
# If you call ``backward`` for two results of one checkpoint, the forward
# pass runs again for each of them. Inside a ``GraphExecGroup`` it runs
# again once. The two backward passes must not need the same kept results.
def block(x):
    runs.append("run")
    return x.sin().sin(), x.cos().cos()


x = torch.ones(2, requires_grad=True)
runs = []
a, b = checkpoint(block, x, use_reentrant=False)
a.sum().backward(retain_graph=True)
b.sum().backward()
len(runs)  # 3
runs = []
a, b = checkpoint(block, x, use_reentrant=False)
with GraphExecGroup():
    a.sum().backward()
    b.sum().backward()
len(runs)  # 2

# %%
# Count FLOPs per layer: ``FlopCounterMode``
# ------------------------------------------
#
# A FLOP is one floating-point operation. The counter covers products of
# matrices, convolutions and attention, and leaves out elementwise
# operations. ``get_flop_counts`` has the numbers for each module, and for
# each operator in it. A product of an (n, k) and a (k, m) matrix takes
# 2 n k m operations.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
x = torch.randn(3, 4)
with FlopCounterMode(display=False) as counter:
    y = model(x)
aten = torch.ops.aten
counts = counter.get_flop_counts()
counts["Sequential.0"][aten.addmm]  # 192
2 * 3 * 4 * 8  # 192
counter.get_total_flops() == 192 + 2 * 3 * 8 * 2  # True
with FlopCounterMode(display=False) as counter:
    model(x).sum().backward()
counts = counter.get_flop_counts()["Sequential.2"]
counts[aten.mm] // counts[aten.addmm]  # 2


# %%
# Count other operators: ``register_flop_formula``
# ------------------------------------------------
#
# The counter needs a formula for your own operator. The formula gets the
# shapes of the inputs, and ``out_shape`` is that of the result.
# ``custom_mapping`` adds a formula for one counter.
# ``register_flop_formula`` adds it for the whole program.
@torch.library.custom_op("sheet::distance", mutates_args=())
def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.cdist(a, b)


def formula(a_shape, b_shape, *args, out_shape=None, **kwargs):
    return 3 * a_shape[1] * out_shape[0] * out_shape[1]


def count(**options):
    with FlopCounterMode(display=False, **options) as counter:
        distance(torch.ones(2, 5), torch.ones(4, 5))
    return counter.get_total_flops()


operator = torch.ops.sheet.distance
count()  # 0
count(custom_mapping={operator: formula})  # 120
register_flop_formula(operator)(formula)
count()  # 120
flop_registry.pop(operator) is not None  # True

# %%
# Which module is running now: ``ModuleTracker``
# ----------------------------------------------
#
# Code that sees operators, such as a hook or a mode, does not know the
# module that called them. ``ModuleTracker`` knows it: ``parents`` has the
# names of the modules that are running, and ``is_bw`` is True during
# ``backward``.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
x = torch.randn(3, 4, requires_grad=True)
seen = []


def note(*_):
    seen.append((sorted(tracker.parents), tracker.is_bw))


with ModuleTracker() as tracker:
    model[0].register_forward_hook(note)
    y = model(x)
    y.register_hook(note)
    y.sum().backward()
seen[0]  # (['Global', 'Sequential'], False)
seen[1]  # (['Global', 'Sequential', 'Sequential.1'], True)

"""
'float' object has no attribute 'backward': numbers in place of tensors
=======================================================================

``backward`` needs a tensor that was computed from the weights. ``item``,
NumPy and ``float`` return plain numbers, and a loss that starts at 0 can
stay the integer 0. Call ``backward`` on the tensor first, and then use
``loss.item()`` for the log. Tensors of the wrong shape cause another
mistake: a wrong accuracy without an error. This page shows and repairs both
mistakes.

* "'float' object has no attribute 'backward'"? See *'float' object has no
  attribute 'backward': item() came too early*.

* "'int' object has no attribute 'backward'"? See *'int' object has no
  attribute 'backward': no sample counted*.

* "invalid index of a 0-dim tensor"? See *loss.data[0]: invalid index of a
  0-dim tensor*.

* "does not require grad and does not have a grad_fn"? See *A loss created
  from a number has no graph*.

* Does the accuracy stay at 0 although the loss is decreasing, or is it
  nearly the same for all models? See *Accuracy near zero: argmax without
  dim* and *Accuracy of shape (N, N): targets of shape (N, 1)*.

* Does the confusion matrix count more samples than the data set has, or
  does F1 depend on the batch size? See :doc:`/gallery/training/metrics`.
"""
from contextlib import suppress

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# Digits and a model
# ------------------
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
y = torch.tensor(digits.target, device=device)
model = nn.Linear(64, 10)

# %%
# 'float' object has no attribute 'backward': item() came too early
# -----------------------------------------------------------------
#
# ``item`` returns a Python number, which has no graph. ``np.mean`` and
# ``float`` return plain numbers, too. Call ``backward`` on the tensor, and
# call ``item`` on a line of its own.
loss = F.cross_entropy(model(x), y).item()
with suppress(AttributeError):
    loss.backward()  # AttributeError: 'float' object has no attribute
loss = F.cross_entropy(model(x), y)
loss.backward()
type(loss.item()).__name__  # 'float'
model.weight.grad.shape  # torch.Size([10, 64])


# %%
# 'int' object has no attribute 'backward': no sample counted
# -----------------------------------------------------------
#
# A loss that starts as 0 stays the integer 0 if no sample adds to it, for
# instance in a batch without bounding boxes. Start with ``output.sum() *
# 0`` instead. The loss then has a graph, and all gradients are 0. If no
# other process waits for this step, you can also skip the batch.
def loss_of(output, labels, start):
    loss = start
    for row, label in zip(output, labels, strict=True):
        if label >= 0:
            loss = loss + F.cross_entropy(row, label)
    return loss


nothing = torch.full((4,), -1)
with suppress(AttributeError):
    loss_of(
        model(x[:4]), nothing, start=0
    ).backward()  # AttributeError: 'int' object has no attribute
output = model(x[:4])
model.zero_grad()
loss_of(output, nothing, start=output.sum() * 0).backward()
model.weight.grad.any()  # tensor(False)

# %%
# loss.data[0]: invalid index of a 0-dim tensor
# ---------------------------------------------
#
# Code from before PyTorch 0.4 reads a loss with ``loss.data[0]``. Today the
# loss is a tensor with zero dimensions, which cannot be indexed with a
# number. Write ``loss.item()``.
loss = F.cross_entropy(model(x), y)
loss.shape  # torch.Size([])
with suppress(IndexError):
    loss.data[0]  # IndexError: invalid index of a 0-dim tensor
loss.item() == loss.data.item()  # True

# %%
# A loss created from a number has no graph
# -----------------------------------------
#
# ``torch.tensor(number)`` creates a tensor without a graph. With
# ``requires_grad=True`` the error disappears, but the weights still get no
# gradient, so the model does not learn.
number = F.cross_entropy(model(x), y).item()
with suppress(RuntimeError):
    torch.tensor(number).backward()  # RuntimeError: does not require grad
model.zero_grad()
torch.tensor(number, requires_grad=True).backward()
model.weight.grad is None  # True

# %%
# Accuracy near zero: argmax without dim
# --------------------------------------
#
# If the accuracy of a classifier stays at 0 although the loss is
# decreasing, the accuracy is computed wrongly. Without ``dim``, ``argmax``
# searches the flattened tensor and returns one index for the whole batch,
# which is then compared with all labels, without an error. Pass the
# dimension of the classes as ``dim``. There are two other causes: the
# logits themselves are compared with the labels, or integer division rounds
# the accuracy down to 0.
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(100):
    optimizer.zero_grad()
    F.cross_entropy(model(x[:1200]), y[:1200]).backward()
    optimizer.step()
with torch.no_grad():
    logits, labels = model(x[1200:]), y[1200:]
logits.argmax().shape  # torch.Size([])
one_index = (logits.argmax() == labels).float().mean().item()
one_index < 0.2  # True
right = (logits.argmax(dim=1) == labels).float().mean().item()
right > 0.85  # True
(logits == labels.unsqueeze(1)).float().mean()  # tensor(0.)
correct = (logits.argmax(dim=1) == labels).sum().item()
correct // len(labels), correct / len(labels) > 0.85  # (0, True)

# %%
# Accuracy of shape (N, N): targets of shape (N, 1)
# -------------------------------------------------
#
# Predictions of shape (N,) and targets of shape (N, 1) broadcast to (N, N),
# so each prediction is compared with each label. Even for a good model, the
# accuracy is then about as low as for a random guess. Remove the extra
# dimension with ``squeeze(1)``.
column = labels.unsqueeze(1)
table = logits.argmax(dim=1) == column
table.shape  # torch.Size([597, 597])
pairs = table.float().mean().item()
pairs < 0.2  # True
fixed = (logits.argmax(dim=1) == column.squeeze(1)).float().mean().item()
fixed == right  # True

# %%
# The result: a number for the log, a tensor for ``backward``
# -----------------------------------------------------------
#
# The loop calls ``backward`` on the tensor and adds up numbers for the mean
# loss of the epoch. The loss of each batch is multiplied by its number of
# samples, so that a short last batch does not count too much.
model = nn.Linear(64, 10)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
means = []
for _ in range(5):
    total, seen = 0.0, 0
    for rows in torch.arange(1200).split(128):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
        seen += len(rows)
    means.append(total / seen)
with torch.no_grad():
    answers = model(x[1200:]).argmax(dim=1)
accuracy = (answers == labels).float().mean().item()
print(f"{accuracy=:.3f}", np.round(means, 3))
assert 0.85 < accuracy <= 1.0, accuracy
assert means[-1] < means[0] / 3, means

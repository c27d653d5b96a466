"""
Predictions change from call to call: ``model.eval()`` is forgotten
===================================================================

In training mode, Dropout draws new random numbers in each call, and
BatchNorm depends on the other samples of the batch. Call ``model.eval()``
before every evaluation and ``model.train()`` at the start of every epoch.
The network of this page then reaches more than 90 % accuracy on the test
set, and a sample gets the same prediction alone and in a batch. The page
also shows the opposite problem, a model that is much worse with ``eval()``
than with ``train()``, and how to fix it.

* Do predictions change?

  * From call to call with the same input? See *Dropout: two calls, two
    predictions*.
  * With the other samples of the batch? See *BatchNorm: the prediction
    depends on the batch*.
  * After many calls? See *Predictions that change the model*.

* Is there an error with a batch of one sample? See *One sample: Expected
  more than 1 value per channel*.

* Is evaluation worse than training?

  * Only from the second epoch on? See *Modes in the loop: train() in
    train, eval() in evaluate*.
  * From the start, and much worse than without ``eval()``? See *Much worse
    in eval: running statistics not yet learned*.

* Does a frozen model change? See *Frozen BatchNorm in fine-tuning*.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.swa_utils import update_bn

# %%
# Handwritten digits, and a network with BatchNorm and Dropout
# ------------------------------------------------------------
#
# The images show dark digits on a white background, with pixels from 0 to
# 16. They are not scaled here, because BatchNorm adjusts mean and scale if
# its statistics, the running mean and the running variance, are right.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data, dtype=torch.float32, device=device)
x = 16 - x[order]
y = torch.tensor(digits.target, device=device)[order]
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]


def make_model(momentum=0.1):
    return nn.Sequential(
        nn.Linear(64, 64),
        nn.BatchNorm1d(64, momentum=momentum),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64, 10),
    )


# %%
# Modes in the loop: ``train()`` in ``train``, ``eval()`` in ``evaluate``
# -----------------------------------------------------------------------
#
# A loop that calls ``model.train()`` only before the first epoch trains
# without dropout after the first evaluation. A loop that calls
# ``model.eval()`` only for the first evaluation runs the later evaluations
# in training mode. If you validate in the middle of an epoch, call
# ``model.train()`` again afterwards. Here each function sets the mode that
# it needs in its first line, so no caller has to remember it.
def train(model, optimizer, rows_per_batch=64):
    model.train()
    for rows in torch.randperm(1200).split(rows_per_batch):
        optimizer.zero_grad()
        F.cross_entropy(model(x_train[rows]), y_train[rows]).backward()
        optimizer.step()


@torch.inference_mode()
def evaluate(model, x, y):
    model.eval()
    return (model(x).argmax(dim=1) == y).float().mean().item()


model = make_model()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(8):
    train(model, optimizer)
    model.training  # True
    test_accuracy = evaluate(model, x_test, y_test)
    model.training  # False
any(module.training for module in model.modules())  # False

# %%
# Dropout: two calls, two predictions
# -----------------------------------
#
# In training mode, the dropout layer sets about half of its inputs to 0, at
# random in each call. ``torch.inference_mode`` and ``no_grad`` do not
# change this, because they switch off gradients and not layers. Here only
# the dropout layer is in training mode.
model.eval()
with torch.inference_mode():
    model[3].train()
    torch.equal(model(x_test), model(x_test))  # False
    model[3].eval()
    torch.equal(model(x_test), model(x_test))  # True

# %%
# BatchNorm: the prediction depends on the batch
# ----------------------------------------------
#
# ``wrong_mode`` puts only BatchNorm in training mode, and restores its
# statistics afterwards. Here all images of the batch show the digit 0, so
# their mean differs from the mean of the training data. Many of them are
# then predicted as other digits.
@torch.no_grad()
def wrong_mode(model, batch):
    saved = {n: b.clone() for n, b in model.named_buffers()}
    model.eval()
    model[1].train()
    answers = model(batch).argmax(dim=1)
    model[1].eval()
    for name, buffer in model.named_buffers():
        buffer.copy_(saved[name])
    return answers


zeros = x_test[y_test == 0]
with torch.inference_mode():
    right = (model(zeros).argmax(dim=1) == 0).float().mean().item()
wrong = (wrong_mode(model, zeros) == 0).float().mean().item()
right > 0.9  # True
wrong < 0.7  # True

# %%
# One sample: ``Expected more than 1 value per channel``
# ------------------------------------------------------
#
# In training mode, ``nn.BatchNorm1d`` cannot compute a variance from a
# single row. Outside training, this error usually means that ``eval()`` was
# forgotten. In training, it usually means that the last batch holds one
# sample, and ``DataLoader(..., drop_last=True)`` leaves that batch out.
model.train()
with suppress(ValueError):
    model(x_test[:1])  # ValueError: Expected more than 1 value per channel
model.eval()
model(x_test[:1]).shape  # torch.Size([1, 10])

# %%
# Predictions that change the model
# ---------------------------------
#
# In training mode, each call updates the running statistics, without a
# gradient and without an optimizer. Here the model gets brighter images
# twenty times in the wrong mode, and its accuracy falls. A checkpoint saved
# afterwards contains the changed statistics.
kept = {n: b.clone() for n, b in model.named_buffers()}
model.train()
with torch.inference_mode():
    for _ in range(20):
        model(3 * x_test)
damaged = evaluate(model, x_test, y_test)
model.load_state_dict(kept, strict=False)
repaired = evaluate(model, x_test, y_test)
repaired == test_accuracy  # True
damaged < repaired - 0.1  # True

# %%
# Much worse in eval: running statistics not yet learned
# ------------------------------------------------------
#
# The running mean starts at 0 and the running variance at 1, and
# ``momentum`` says how far each batch moves them. A momentum of 0.1 in
# PyTorch is 0.9 in TensorFlow. With a momentum of 0.001 and two short
# epochs, the statistics are still near these values. The model predicts
# well in training mode, so its weights are good. Leaving out
# ``model.eval()`` is therefore not the solution.
slow = make_model(momentum=0.001)
optimizer = torch.optim.Adam(slow.parameters(), lr=0.01)
for _ in range(2):
    train(slow, optimizer)
slow_eval = evaluate(slow, x_test, y_test)
answers = wrong_mode(slow, x_test)
slow_batch = (answers == y_test).float().mean().item()
slow_batch > 0.85  # True
slow_eval < slow_batch - 0.1  # True

# %%
# The fix: compute the statistics again with ``update_bn``
# --------------------------------------------------------
#
# ``update_bn`` resets the statistics and averages them over all batches of
# a loader, and the weights do not change. In training, use the default
# ``momentum`` or take more steps. Batches of two or three samples are too
# small for batch normalization in training, whatever the momentum. Use
# ``nn.GroupNorm`` there, which does not depend on the batch.
weight = slow[0].weight.clone()
update_bn(x_train.split(64), slow)
slow_cured = evaluate(slow, x_test, y_test)
slow_cured > slow_eval + 0.1  # True
torch.equal(slow[0].weight, weight)  # True
list(nn.GroupNorm(8, 64).buffers())  # []

# %%
# Frozen BatchNorm in fine-tuning
# -------------------------------
#
# ``requires_grad_(False)`` freezes the weights, but in training mode the
# running statistics still follow the new data. Set the frozen part to
# ``eval()`` after each ``model.train()``. An overridden ``train`` method
# does this in every loop.
class FineTuned(nn.Module):
    def __init__(self, body, head):
        super().__init__()
        self.body, self.head = body.requires_grad_(False), head

    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, x):
        return self.head(self.body(x))


body = model[:3]
before = body[1].running_mean.clone()
tuned = FineTuned(body, nn.Linear(64, 10)).train()
tuned(3 * x_train).shape  # torch.Size([1200, 10])
torch.equal(body[1].running_mean, before)  # True
tuned.head.training, tuned.body.training  # (True, False)
nn.Module.train(tuned)
tuned(3 * x_train).shape  # torch.Size([1200, 10])
torch.equal(body[1].running_mean, before)  # False
model.load_state_dict(kept, strict=False)

# %%
# The result: a sample gets the same prediction in every batch
# ------------------------------------------------------------
#
# In evaluation mode, 100 test images get the same logits one by one and all
# together. In the wrong mode, the accuracy falls if the test set is read
# class by class. An image folder that is read without shuffling has this
# order.
model.eval()
with torch.inference_mode():
    together = model.double()(x_test[:100].double())
    alone = torch.cat([model(one.double()) for one in x_test[:100, None]])
torch.allclose(together, alone)  # True
model.float()
by_class = y_test.argsort()
sorted_x, sorted_y = x_test[by_class], y_test[by_class]
batches = sorted_x.split(40)
answers = torch.cat([wrong_mode(model, batch) for batch in batches])
wrong_accuracy = (answers == sorted_y).float().mean().item()
print(f"{test_accuracy=:.3f} {wrong_accuracy=:.3f} {damaged=:.3f}")
print(f"{slow_batch=:.3f} {slow_eval=:.3f} {slow_cured=:.3f}")
assert 0.9 < test_accuracy <= 1.0, test_accuracy
assert wrong_accuracy < test_accuracy - 0.2, wrong_accuracy
assert slow_cured > 0.9, slow_cured

# %%
# The right mode beside the wrong ones
# ------------------------------------
#
# The first three bars use the weights of one model, and the last two bars
# those of another. Blue bars are measured in evaluation mode with the right
# statistics. Orange bars lack either evaluation mode or the right
# statistics.
bars = {
    "eval()": test_accuracy,
    "no eval(),\nby class": wrong_accuracy,
    "no eval(),\nlater eval()": damaged,
    "momentum=0.001\neval()": slow_eval,
    "momentum=0.001\nupdate_bn, eval()": slow_cured,
}
figure, ax = plt.subplots(figsize=(9, 3.8))
colors = ["C0", "C1", "C1", "C1", "C0"]
drawn = ax.bar(list(bars), list(bars.values()), color=colors, width=0.6)
ax.bar_label(drawn, fmt="%.2f")
ax.set(ylabel="accuracy", ylim=(0, 1.1))
figure.tight_layout()

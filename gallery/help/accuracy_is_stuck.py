"""
Accuracy is stuck: the loss falls, or each epoch gives one number
=================================================================

Before you change the network, count how often each class is predicted. If
every sample gets the same class, check three things: the rule that turns
outputs into classes, the last layer, and the loss function. If both classes
are predicted and the accuracy still does not change, make sure that you
evaluate the model that is trained, and compare the accuracy with the loss.
With the right rule, the network of this page reaches more than 90 %
accuracy on the test set.

* Is the accuracy the same number in every epoch?

  * Does it equal the share of one class? See *One output and argmax: class
    0 for each sample* and *Wrong threshold: a probability against 0, a
    logit against 0.5*.
  * Are both classes predicted? See *The wrong model is evaluated*.

* Does the loss stay at 0.693? See *Loss 0.693: the outputs do not depend on
  the input*.

* Does the loss stop falling between 0.5 and 0.7? See *Sigmoid before
  BCEWithLogitsLoss*.

* Does the loss fall while the accuracy stays the same, or do both rise? See
  *The loss moves and the accuracy does not*.

* Is the loss 0.00 and the accuracy 1.00 from the first epoch? See *Loss 0
  and accuracy 1 from the first epoch: too good to be true*.

* Does the accuracy of a classifier stay at 0 although the loss is
  decreasing? See :doc:`loss_is_no_tensor`.

* Does the accuracy jump in steps? See *A small validation set*.

* Is the validation result better than the training result? See *Better on
  validation than on training*.
"""
import math
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# Digits: is the number 7 or larger?
# ----------------------------------
#
# The digits 7, 8 and 9 form the positive class. The model has one output, a
# logit of shape (N, 1). ``fit`` returns a loss and a test accuracy for each
# epoch, and ``rule`` turns the outputs into predictions.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data, dtype=torch.float32, device=device)[order]
y = torch.tensor(digits.target >= 7, dtype=torch.float32, device=device)
x, y = x / 16, y[order].unsqueeze(1)
x_train, y_train, x_test, y_test = x[:1300], y[:1300], x[1300:], y[1300:]


def make_model(*last):
    layers = [nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), *last]
    return nn.Sequential(*layers)


def accuracy(predicted, targets):
    return (predicted == targets.bool()).float().mean().item()


def above_zero(outputs):
    return outputs > 0


def fit(model, rule, epochs=8, evaluated=None):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses, accuracies = [], []
    for _ in range(epochs):
        for rows in torch.randperm(1300).split(64):
            optimizer.zero_grad()
            logits = model(x_train[rows])
            loss = F.binary_cross_entropy_with_logits(logits, y_train[rows])
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
        with torch.inference_mode():
            outputs = (evaluated or model)(x_test)
        accuracies.append(accuracy(rule(outputs), y_test))
    return losses, accuracies


# %%
# The first test: count the predictions
# -------------------------------------
#
# It is a good sign if both classes are predicted. If the model predicts the
# same class for every sample, its accuracy is exactly the share of that
# class.
model = make_model()
losses, right = fit(model, above_zero)
with torch.inference_mode():
    predicted = above_zero(model(x_test))
len(predicted.unique())  # 2
share_of_no = 1 - y_test.mean().item()
print(f"{right[-1]=:.3f} {share_of_no=:.3f}")
right[-1] > 0.9 > share_of_no  # True

# %%
# One output and argmax: class 0 for each sample
# ----------------------------------------------
#
# With a single output column, ``argmax(dim=1)`` returns 0 for every sample.
# The loss does not depend on the rule and still falls, while the accuracy
# of each epoch is the share of the negative class. If the model has one
# output, compare the logit with 0. If it has two outputs and you train with
# ``nn.CrossEntropyLoss``, use ``argmax(dim=1)``.
def by_argmax(outputs):
    return outputs.argmax(dim=1, keepdim=True).bool()


with torch.inference_mode():
    by_argmax(model(x_test)).any().item()  # False
wrong_losses, wrong = fit(make_model(), by_argmax)
wrong_losses[-1] < 0.3  # True
len(set(wrong)), abs(wrong[0] - share_of_no) < 1e-6  # (1, True)

# %%
# Wrong threshold: a probability against 0, a logit against 0.5
# -------------------------------------------------------------
#
# All probabilities here are greater than 0, so the rule "above 0" predicts
# the positive class for every sample. A logit of 0.5 is a probability of
# 0.62, so a threshold of 0.5 on logits can miss positive samples. Compare
# logits with 0 and probabilities with 0.5. ``round`` works on
# probabilities, not on logits.
with torch.inference_mode():
    logits = model(x_test)
(logits.sigmoid() > 0).all().item()  # True
torch.tensor(0.5).sigmoid()  # tensor(0.6225)
(logits > 0).equal(logits.sigmoid() > 0.5)  # True
(logits > 0).equal(logits.sigmoid().round().bool())  # True

# %%
# Loss 0.693: the outputs do not depend on the input
# --------------------------------------------------
#
# If the logit is 0 for each sample, the loss is ``log(2)``. Look at the
# standard deviation of the outputs: if it is 0, the outputs do not depend
# on the input. Here a ``nn.ReLU`` after the last layer turns all negative
# logits into 0 and lets no gradient through, so remove it. Other causes are
# a learning rate that is too large and layers that get no gradient, see
# :doc:`loss_does_not_fall`.
round(math.log(2), 4)  # 0.6931
dead = make_model(nn.ReLU())
nn.init.constant_(dead[2].bias, -10.0)
outputs = dead(x_train)
outputs.std().item()  # 0.0
loss = F.binary_cross_entropy_with_logits(outputs, y_train)
round(loss.item(), 4)  # 0.6931
loss.backward()
dead[2].weight.grad.any().item()  # False

# %%
# Sigmoid before BCEWithLogitsLoss
# --------------------------------
#
# ``nn.BCEWithLogitsLoss`` applies the sigmoid itself. With a second sigmoid
# in the model, even the perfect outputs 1 and 0 have losses of 0.31 and
# 0.69, so the loss stays high. The outputs are greater than 0, and the rule
# "above 0" predicts the positive class for every sample. Remove the layer.
perfect = torch.tensor([1.0, 0.0])
F.binary_cross_entropy_with_logits(
    perfect, perfect, reduction="none"
)  # tensor([0.3133, 0.6931])
twice = make_model(nn.Sigmoid())
twice_losses, always = fit(twice, above_zero)
min(twice_losses) > 0.3  # True
len(set(always)), abs(always[0] - (1 - share_of_no)) < 1e-6  # (1, True)

# %%
# The loss moves and the accuracy does not
# ----------------------------------------
#
# The accuracy changes only when an output crosses the threshold, but the
# loss also depends on how confident the model is. The loss falls if the
# same predictions become more confident in the right direction. It rises if
# a few wrong predictions become very confident. A validation loss that
# rises while the accuracy stays the same is often a sign of overfitting, so
# choose the model by the metric that you need.
targets = torch.tensor([1.0, 1.0, 0.0, 1.0])
unsure = torch.tensor([0.1, 0.1, -0.1, -0.1])
sure = torch.tensor([2.0, 2.0, -2.0, -0.1])
too_sure = torch.tensor([9.0, 9.0, -9.0, -9.0])
bce = F.binary_cross_entropy_with_logits
[accuracy(z > 0, targets) for z in (unsure, sure)]  # [0.75, 0.75]
accuracy(too_sure > 0, targets)  # 0.75
bce(unsure, targets)  # tensor(0.6694)
bce(sure, targets)  # tensor(0.2813)
bce(too_sure, targets)  # tensor(2.2501)

# %%
# The wrong model is evaluated
# ----------------------------
#
# A copy that was made before training, or a file that was saved then, gives
# the same accuracy in each epoch. Check whether the trained and the
# evaluated model are one object, and compare their weights. An average of
# the weights that is never updated has the same effect.
model = make_model()
copy = deepcopy(model)
_, of_copy = fit(model, above_zero, epochs=3, evaluated=copy)
len(set(of_copy))  # 1
copy is model, copy[0].weight.equal(model[0].weight)  # (False, False)

# %%
# A small validation set
# ----------------------
#
# With 20 samples, the accuracy moves in steps of 0.05. By chance alone, it
# differs from the accuracy p on a very large set by about ``sqrt(p * (1 -
# p) / n)``, where n is the number of samples. For p = 0.8 and n = 20 this
# is 0.09. Do not take a difference of that size for progress.
def standard_error(p, n):
    return round(math.sqrt(p * (1 - p) / n), 4)


standard_error(0.8, 20)  # 0.0894
standard_error(0.8, 2000)  # 0.0089

# %%
# Better on validation than on training
# -------------------------------------
#
# The training loss is measured with dropout switched on, and the weights
# still change during the epoch. To compare the losses, measure both in
# ``eval()`` mode with the same weights. Data augmentation that makes the
# training samples harder also raises the training loss.
torch.manual_seed(1)
model = make_model()
model.insert(2, nn.Dropout(0.8))
fit(model, above_zero)
with torch.inference_mode():
    in_training = bce(model.train()(x_train), y_train).item()
    in_eval = bce(model.eval()(x_train), y_train).item()
print(f"{in_training=:.3f} {in_eval=:.3f}")
in_training > in_eval  # True

# %%
# Loss 0 and accuracy 1 from the first epoch: too good to be true
# ---------------------------------------------------------------
#
# Cross-entropy over a single output is always 0, because softmax turns one
# number into the probability 1, and ``argmax`` is always 0. If all labels
# are 0 as well, the accuracy is 1. Other causes are a sorted dataset, whose
# first samples can all have one label, and a table that contains the label
# as a feature. Print the shape of the outputs, the count of each label and
# the columns that equal the label. If the result is too good on the
# validation set only, look for samples that are in both sets, see
# :doc:`/reference/data/splitting_data`.
outputs = torch.tensor([[0.3], [-2.0], [5.0], [0.0]])
same_label = torch.zeros(4, dtype=torch.long)
F.cross_entropy(outputs, same_label)  # tensor(0.)
outputs.softmax(dim=1).unique()  # tensor([1.])
(outputs.argmax(dim=1) == same_label).float().mean()  # tensor(1.)
in_order = y.flatten().long().sort().values
in_order[:1000].bincount(minlength=2)  # tensor([1000, 0])
table = torch.cat([x, y], dim=1)
[c for c in range(65) if table[:, c].equal(y[:, 0])]  # [64]

# %%
# The result: the loss falls either way, the accuracy needs the right rule
# ------------------------------------------------------------------------
#
# Left: the loss falls in both runs. Right: with the rule ``argmax(dim=1)``,
# the accuracy stays at the share of the negative class.
assert right[-1] > 0.9, right
assert max(wrong) < 0.8, wrong

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True)
axes[0].plot(losses, label="logits > 0")
axes[0].plot(wrong_losses, "--", label="argmax(dim=1)")
axes[1].plot(right, label="logits > 0")
axes[1].plot(wrong, "--", label="argmax(dim=1)")
axes[0].set(xlabel="epoch", ylabel="loss")
axes[1].set(xlabel="epoch", ylabel="accuracy")
axes[1].legend()
figure.tight_layout()

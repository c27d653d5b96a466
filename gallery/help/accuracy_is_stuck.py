"""
Accuracy is stuck: the loss falls, or each epoch gives one number
=================================================================

Count the predictions of each class before you change the network. If all of
them are one class, look at the rule that turns outputs into a class, at the
last layer and at the loss. If they differ and the accuracy stays, compare
them with the loss of each sample. A network with the right rule then tells
small digits from large ones in more than nine of ten cases.

* Is the accuracy the same number in each epoch?

  * Is it the share of one class? See *One output and argmax: class 0 for
    each sample* and *A probability against 0, a logit against 0.5*.
  * Do the predictions differ? See *Another model is evaluated*.

* Does the loss stay at 0.693? See *Loss 0.693: the outputs do not depend on
  the input*.

* Does the loss stay near 0.5? See *Sigmoid before BCEWithLogitsLoss*.

* Does the loss fall while the accuracy stays, or rise with the accuracy?
  See *The loss moves and the accuracy does not*.

* Does the accuracy jump in steps? See *A small validation set*.

* Is validation better than training? See *Better on validation than on
  training*.
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
# Three digits of ten are a yes. The model has one output, a logit of shape
# (N, 1). ``fit`` keeps the loss of each epoch and what ``rule`` makes of
# the test outputs.
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
# Two classes that are both predicted are a good sign. One class for every
# sample gives an accuracy that is exactly the share of this class.
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
# ``argmax(dim=1)`` of a single column is 0. The loss falls, since it does
# not see the rule, and the accuracy is the share of "no" in each epoch.
# With one output compare the logit with 0. With two outputs and
# ``nn.CrossEntropyLoss`` take ``argmax(dim=1)``.
def by_argmax(outputs):
    return outputs.argmax(dim=1, keepdim=True).bool()


with torch.inference_mode():
    by_argmax(model(x_test)).any().item()  # False
wrong_losses, wrong = fit(make_model(), by_argmax)
wrong_losses[-1] < 0.3  # True
len(set(wrong)), abs(wrong[0] - share_of_no) < 1e-6  # (1, True)

# %%
# A probability against 0, a logit against 0.5
# --------------------------------------------
#
# The probabilities are above 0, so a rule "above 0" says yes to each
# sample. A logit of 0.5 is a probability of 0.62, so a bound of 0.5 on
# logits finds fewer samples. ``round`` fits probabilities and does not fit
# logits.
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
# ``log(2)`` is the loss of a logit of 0 for each sample. Look at the
# standard deviation of the outputs: 0 says that the network is dead. Here a
# ``nn.ReLU`` after the last layer removed all negative logits, and no
# gradient passes. Remove it. Other causes are a learning rate that is too
# large, and layers that get no gradient: :doc:`loss_does_not_fall`.
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
# The loss contains the sigmoid. After a second one even perfect answers, 1
# and 0, cost 0.31 and 0.69, so the loss stays near 0.5 and the rule "above
# 0" is always yes. Remove the layer.
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
# The accuracy changes only when an output crosses the threshold. The loss
# also counts how sure the model is. It can fall while each answer stays as
# it was, and it can rise because a few wrong answers are very sure. A
# validation loss that rises while the accuracy holds is the start of
# overfitting: choose by the number that you need.
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
# Another model is evaluated
# --------------------------
#
# A copy that was made before the training, or a file that was saved then,
# gives the same number in each epoch. Ask whether both are one object, and
# compare their weights. The same holds for an average of the weights that
# is never updated.
model = make_model()
copy = deepcopy(model)
_, of_copy = fit(model, above_zero, epochs=3, evaluated=copy)
len(set(of_copy))  # 1
copy is model, copy[0].weight.equal(model[0].weight)  # (False, False)

# %%
# A small validation set
# ----------------------
#
# With 20 samples the accuracy moves in steps of 0.05, and by chance alone
# it differs by about ``sqrt(p * (1 - p) / n)`` from another sample of the
# same size. Do not call a difference of that size progress.
def standard_error(p, n):
    return round(math.sqrt(p * (1 - p) / n), 4)


standard_error(0.8, 20)  # 0.0894
standard_error(0.8, 2000)  # 0.0089

# %%
# Better on validation than on training
# -------------------------------------
#
# The loss of training is measured with dropout, and before the weights of
# the epoch are complete. Measure both in ``eval()`` with the same weights.
# An augmentation that makes training samples harder has the same effect.
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
# What was reached: the loss is the same, the rule is another
# -----------------------------------------------------------
#
# Both networks learned equally well. The line that does not move is the
# share of "no".
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

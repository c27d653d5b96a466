"""
Class imbalance: high accuracy, and the rare class is not found
===============================================================

If 3 of 100 samples belong to a rare class, a model that never predicts this
class has an accuracy of 97 %. Measure recall and precision of each class.
Then weight the loss, draw rare samples more often (oversampling), or move
the threshold. The same small network then finds more than 60 % of the rare
samples instead of fewer than 20 %.

* Is the accuracy high, but the rare class is never predicted?

  * Do you print the accuracy alone? See *The first run: accuracy looks
    good*.
  * Which numbers show the problem? See *Recall and precision of each
    class*.

* Can you train again?

  * Do you want to change the loss? See *First cure: class weights in the
    loss*.
  * Should each batch have many samples of both classes? See *Second cure:
    draw rare samples more often*.

* Is the model already trained, or does it give too many false alarms?

  * Do rare samples get higher scores than the others? See *Third cure: move
    the threshold*.
  * Are the probabilities too high? See *Weighted models predict
    probabilities that are too high*.
"""
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import precision_recall_curve
from torch import nn
from torch.utils.data import (
    DataLoader,
    TensorDataset,
    WeightedRandomSampler,
)

# %%
# A rare class: three nines in a hundred digits
# ---------------------------------------------
#
# The digit 9 is the rare class. The images are split first, so that all
# copies of an image stay in one set. Each image is then used four times
# with different noise. Each set keeps 3 nines for every 100 other digits.
# The validation and test sets are not balanced, so they have the share of
# nines that the model will meet later.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data, dtype=torch.float32, device=device)[order]
is_nine = torch.tensor(digits.target == 9, device=device).long()[order]


def part(first, last):
    images = (x[first:last] / 16).repeat(4, 1)
    images = images + 0.15 * torch.randn_like(images)
    targets = is_nine[first:last].repeat(4)
    rare, common = targets.nonzero()[:, 0], (targets == 0).nonzero()[:, 0]
    keep = rare[torch.randperm(len(rare))][: 3 * len(common) // 100]
    rows = torch.cat([common, keep])
    return TensorDataset(images[rows], targets[rows])


train_set, val_set = part(0, 900), part(900, 1300)
test_set = part(1300, 1797)
_, y_train = train_set.tensors
share = y_train.float().mean().item()
0.025 < share < 0.035  # True

# %%
# One training function for all cures
# -----------------------------------
#
# ``train`` passes ``weight`` to the loss and ``sampler`` to the data
# loader. Model, number of steps and learning rate are the same in all runs.
def train(weight=None, sampler=None, epochs=12):
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(
        train_set,
        batch_size=128,
        shuffle=sampler is None,
        sampler=sampler,
        generator=generator,
    )
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss(weight=weight)
    for _ in range(epochs):
        for images, targets in loader:
            optimizer.zero_grad()
            criterion(model(images), targets).backward()
            optimizer.step()
    return model


@torch.inference_mode()
def probability(model, dataset):
    return model.eval()(dataset.tensors[0]).softmax(dim=1)[:, 1]


# %%
# The first run: accuracy looks good
# ----------------------------------
#
# The validation accuracy is above 95 %. A model that always predicts class
# 0 has nearly the same accuracy. Count the predictions of each class with
# ``bincount`` to see whether the rare class is among them.
plain = train()
y_val = val_set.tensors[1]
answers = (probability(plain, val_set) > 0.5).long()
accuracy = (answers == y_val).float().mean().item()
constant = (y_val == 0).float().mean().item()
accuracy > 0.95  # True
abs(accuracy - constant) < 0.01  # True
print(answers.bincount(minlength=2).tolist())
print(y_val.bincount().tolist())

# %%
# Recall and precision of each class
# ----------------------------------
#
# Recall is the share of a class that the model finds. Precision is the
# share of the predictions of a class that are correct. Both come from the
# confusion matrix, which has one row for each true class and one column for
# each predicted class. The first model finds fewer than 20 % of the nines.
def confusion(targets, answers, classes=2):
    cells = classes * targets + answers
    return cells.bincount(minlength=classes**2).view(classes, classes)


def recall_and_precision(targets, answers):
    table = confusion(targets, answers)
    hits = table.diagonal()
    found = hits / table.sum(dim=1).clamp(min=1)
    right = hits / table.sum(dim=0).clamp(min=1)
    return found.cpu(), right.cpu()


truth, said = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 1])
confusion(truth, said)  # tensor([[2, 1], [0, 1]])
recall, precision = recall_and_precision(truth, said)
recall  # tensor([0.6667, 1.0000])
precision  # tensor([1.0000, 0.5000])
recall, precision = recall_and_precision(y_val, answers)
(recall[1] < 0.2).item()  # True

# %%
# First cure: class weights in the loss
# -------------------------------------
#
# The weight of a class is 1 divided by its share and by the number of
# classes. An error on a nine then costs more than thirty times as much as
# an error on another digit. :doc:`/reference/data/class_imbalance` explains
# how the weights enter the mean of the loss. It also explains the argument
# ``pos_weight`` of ``nn.BCEWithLogitsLoss``.
counts = y_train.bincount(minlength=2)
weight = len(y_train) / (2 * counts)
(weight[1] / weight[0] > 30).item()  # True
weighted = train(weight=weight)
answers = (probability(weighted, val_set) > 0.5).long()
recall, precision = recall_and_precision(y_val, answers)
(recall[1] > 0.6).item()  # True

# %%
# Second cure: draw rare samples more often
# -----------------------------------------
#
# ``WeightedRandomSampler`` takes one weight for each sample, not for each
# class. About half of the drawn samples are now nines. The same nines come
# again and again, so data augmentation helps. Use the sampler in the
# training loader alone, and do not combine it with class weights, because
# the rare class would count twice.
per_sample = (1 / counts)[y_train]
generator = torch.Generator(device=device).manual_seed(0)
sampler = WeightedRandomSampler(
    per_sample, num_samples=len(y_train), generator=generator
)
drawn = y_train[list(sampler)].float().mean().item()
0.4 < drawn < 0.6  # True
sampled = train(sampler=sampler)
answers = (probability(sampled, val_set) > 0.5).long()
recall, precision = recall_and_precision(y_val, answers)
(recall[1] > 0.6).item()  # True

# %%
# Third cure: move the threshold
# ------------------------------
#
# The first model gives nines higher probabilities than other digits, but
# mostly below 0.5. Choose a lower threshold on the validation set, without
# training again. Here it is the threshold with the best F1, the harmonic
# mean of recall and precision. If you know the cost of a miss and of a
# false alarm, choose the threshold with the lowest total cost.
def best_threshold(model, dataset):
    scores = probability(model, dataset).cpu().numpy()
    truth = dataset.tensors[1].cpu().numpy()
    precision, recall, thresholds = precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / (precision + recall).clip(min=1e-9)
    return float(thresholds[f1[:-1].argmax()])


threshold = best_threshold(plain, val_set)
threshold < 0.5  # True
answers = (probability(plain, val_set) >= threshold).long()
recall, precision = recall_and_precision(y_val, answers)
(recall[1] > 0.3).item()  # True

# %%
# Weighted models predict probabilities that are too high
# -------------------------------------------------------
#
# After training with class weights, the mean predicted probability of a
# nine is far above its share. With the weights, each class counts as half
# of the training data. To correct the probabilities, divide the true share
# of each class by 0.5 and add the logarithm of the result to the logits.
# The plain model needs no correction.
true_share = torch.tensor([1 - share, share])
mean_plain = probability(plain, val_set).mean().item()
mean_weighted = probability(weighted, val_set).mean().item()
with torch.inference_mode():
    logits = weighted(val_set.tensors[0]) + (true_share / 0.5).log()
    mean_corrected = logits.softmax(dim=1)[:, 1].mean().item()
mean_plain < 0.06  # True
mean_weighted > 2 * mean_plain  # True
mean_corrected < 0.06  # True

# %%
# The result: five variants of the same network
# ---------------------------------------------
#
# At the threshold 0.5, ``weight=`` and ``sampler=`` find more than 60 % of
# the nines in the test set, yet their accuracy is lower than the accuracy
# of the plain model. Accuracy is therefore the wrong measure here. The
# precision of the two models is below 60 %, because a small share of false
# alarms among the many other digits is large compared with the few nines.
# With a threshold from the validation set, the weighted model gives up some
# recall and gains precision.
y_test = test_set.tensors[1]
both = best_threshold(weighted, val_set)
rows = {
    "plain": (plain, 0.5),
    "plain,\nthreshold": (plain, threshold),
    "weight=": (weighted, 0.5),
    "sampler=": (sampled, 0.5),
    "weight=,\nthreshold": (weighted, both),
}
reached = {}
for name, (model, limit) in rows.items():
    answers = (probability(model, test_set) >= limit).long()
    recall, precision = recall_and_precision(y_test, answers)
    accuracy = (answers == y_test).float().mean().item()
    reached[name] = accuracy, recall[1].item(), precision[1].item()
    print(name.replace("\n", " "), [round(v, 2) for v in reached[name]])
assert reached["plain"][0] > 0.95 and reached["plain"][1] < 0.2
for name in ("weight=", "sampler="):
    accuracy, recall, precision = reached[name]
    assert recall > 0.6 and 0.1 < precision < 0.6, reached[name]
    assert accuracy < reached["plain"][0], reached[name]
_, recall, precision = reached["weight="]
_, moved_recall, moved_precision = reached["weight=,\nthreshold"]
assert moved_recall < recall and moved_precision > precision

# %%
# Accuracy, recall and precision, drawn
# -------------------------------------
#
# Left: accuracy, recall and precision of the five variants on the test set.
# Right: precision and recall of two models for all thresholds. Another
# threshold is another point on the curve of the same model, without more
# training.
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 4), width_ratios=[3, 2]
)
for i, name in enumerate(["accuracy", "recall", "precision"]):
    heights = [values[i] for values in reached.values()]
    places = [k + 0.27 * (i - 1) for k in range(len(reached))]
    left.bar(places, heights, width=0.25, label=name)
left.set_xticks(range(len(reached)), reached)
left.set_ylim(0, 1.35)
left.legend(ncols=3, loc="upper center")
for model, label in ((plain, "plain"), (weighted, "weight=")):
    scores = probability(model, test_set).cpu().numpy()
    curve = precision_recall_curve(y_test.cpu().numpy(), scores)
    right.plot(curve[1], curve[0], label=label)
right.set(xlabel="recall", ylabel="precision")
right.legend()
figure.tight_layout()

"""
The whole workflow on one page: linear regression
=================================================

This page predicts the progression of diabetes from ten measurements per
patient and goes through the whole workflow. It prepares the data, trains a
linear model, evaluates it once on the test set and saves it. The loaded
model gives exactly the same predictions.
"""
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# %%
# Data: a table becomes tensors
# -----------------------------
#
# The table has ten measurements for each of 442 patients. The target is how
# far their diabetes has progressed after one year. NumPy arrays are
# float64, while layers expect float32 by default. The targets get a second
# dimension to match the output shape ``(N, 1)``, because targets of shape
# ``(N,)`` would make the loss broadcast to ``(N, N)``.
torch.manual_seed(0)
device = torch.get_default_device()
table = load_diabetes(scaled=False)
features = torch.tensor(table.data, dtype=torch.float32, device=device)
targets = torch.tensor(table.target, dtype=torch.float32, device=device)
targets = targets.unsqueeze(1)
features.shape  # torch.Size([442, 10])
targets.shape  # torch.Size([442, 1])

# %%
# Split, then standardize with the statistics of the training set
# ---------------------------------------------------------------
#
# The test set must not influence the training, and this includes its mean
# and standard deviation. Both statistics are therefore computed from the
# training set alone.
order = torch.randperm(len(features))
train, val, test = order.split([300, 71, 71])
mean, std = features[train].mean(dim=0), features[train].std(dim=0)
features = (features - mean) / std
y_mean, y_std = targets[train].mean(), targets[train].std()
targets = (targets - y_mean) / y_std
features[train].std(dim=0).mean().item()  # 1.0000
targets[train].mean().abs().item() < 1e-6  # True

# %%
# Model, loss, optimizer
# ----------------------
#
# One ``nn.Linear`` holds a weight for each of the ten measurements and one
# bias. The predictions before training are kept, so that the figure below
# can show them beside those after training.
model = nn.Linear(10, 1)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
sum(parameter.numel() for parameter in model.parameters())  # 11
with torch.inference_mode():
    before = model(features[test])
before.shape  # torch.Size([71, 1])

# %%
# The loop: forward, backward, step
# ---------------------------------
#
# For each batch, the loop clears the gradients, computes new ones and
# updates the parameters. The loss of an epoch is weighted by batch size,
# because the last batch is smaller.
generator = torch.Generator(device=device).manual_seed(0)
batches = DataLoader(
    TensorDataset(features[train], targets[train]),
    batch_size=32,
    shuffle=True,
    generator=generator,
)
train_losses, val_losses = [], []
for epoch in range(1, 61):
    model.train()
    total = 0.0
    for inputs, labels in batches:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(inputs)
    train_losses.append(total / len(train))
    model.eval()
    with torch.inference_mode():
        val_loss = criterion(model(features[val]), targets[val]).item()
    val_losses.append(val_loss)
    if epoch % 20 == 0:
        print(f"{epoch=} train={train_losses[-1]:.3f} val={val_loss:.3f}")
train_losses[-1] < 0.6 * train_losses[0]  # True

# %%
# Evaluate once on the test set
# -----------------------------
#
# R² is the share of the variance of the targets that the model explains. A
# value of 0 is no better than predicting the mean. Here the model explains
# roughly half of the variance; with only 71 test samples, the value depends
# on the split. The exact least-squares solution from ``torch.linalg.lstsq``
# shows that no other linear model has a much lower loss on the training
# set.
with torch.inference_mode():
    after = model(features[test])
residual = (targets[test] - after).square().sum()
spread = (targets[test] - targets[test].mean()).square().sum()
r2 = (1 - residual / spread).item()
print(f"{r2=:.2f}")
assert 0.25 < r2 < 0.75, r2

ones = torch.ones(len(train), 1)
design = torch.cat([features[train], ones], dim=1)
exact = torch.linalg.lstsq(design, targets[train]).solution
best = criterion(design @ exact, targets[train]).item()
with torch.inference_mode():
    reached = criterion(model(features[train]), targets[train]).item()
best <= reached < 1.1 * best  # True

# %%
# Draw the losses and the predictions
# -----------------------------------
#
# Left: the loss on the training and validation sets. Right: predictions
# against targets, before training (crosses) and after training (dots). The
# closer a point is to the diagonal, the better the prediction.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
epochs = range(1, 61)
left.plot(epochs, train_losses, label="train")
left.plot(epochs, val_losses, label="val", linestyle="--")
left.set(xlabel="epoch", ylabel="MSELoss")
left.legend()
truth = (targets[test] * y_std + y_mean).cpu()
for predictions, marker in ((before, "x"), (after, "o")):
    scale = (predictions * y_std + y_mean).cpu()
    right.scatter(truth, scale, marker=marker, alpha=0.7)
right.axline((150, 150), slope=1, linestyle=":", color="grey")
right.set(xlabel="targets", ylabel="predictions")
figure.tight_layout()

# %%
# Save and load: the predictions stay the same
# --------------------------------------------
#
# Save the ``state_dict`` of the model together with the statistics of the
# training set, because new data must be standardized with them. To load,
# create the model first and then fill in the saved parameters.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "linear.pt"
    checkpoint = {"model": model.state_dict(), "mean": mean, "std": std}
    checkpoint |= {"y_mean": y_mean, "y_std": y_std}
    torch.save(checkpoint, path)
    loaded = torch.load(path, map_location=device, weights_only=True)
restored = nn.Linear(10, 1)
restored.load_state_dict(loaded["model"])
restored.eval()
with torch.inference_mode():
    again = restored(features[test])
torch.equal(again, after)  # True

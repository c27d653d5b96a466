"""
Standardization
===============

Scale features to mean 0 and standard deviation 1, with statistics of the
training set.
"""
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

# %%
# Standardize features: ``Tensor.mean`` and ``Tensor.std`` over samples
# ---------------------------------------------------------------------
#
# Compute one mean and one standard deviation for each column of the
# training set. Features in different units, such as metres and euros, then
# have the same scale. By default, ``std`` divides by the number of samples
# minus 1, and with ``correction=0`` by the number of samples. Use the same
# one everywhere.
train = torch.tensor([[1.0, 100.0], [2.0, 300.0], [3.0, 500.0]])
mean = train.mean(dim=0)
std = train.std(dim=0)
mean, std  # (tensor([2., 300.]), tensor([1., 200.]))
(train - mean) / std  # tensor([[-1., -1.], [0., 0.], [1., 1.]])

# %%
# Validation and test data: standardize by the training statistics
# ----------------------------------------------------------------
#
# Do not use the statistics of the test set itself. The model would then get
# different numbers for the same value in training and in the test. For a
# single test sample, the standard deviation would even be ``nan``.
# Standardized test data need not have mean 0.
train = torch.tensor([[10.0, 5.0], [20.0, 6.0], [30.0, 7.0]])
test = torch.tensor([[40.0, 6.0], [50.0, 7.0], [60.0, 8.0]])
mean, std = train.mean(dim=0), train.std(dim=0)
(test - mean) / std  # tensor([[2., 0.], [3., 1.], [4., 2.]])
wrong = (test - test.mean(dim=0)) / test.std(dim=0)
wrong  # tensor([[-1., -1.], [0., 0.], [1., 1.]])

# %%
# Data leakage: statistics computed before the split
# --------------------------------------------------
#
# A mean and a standard deviation of all data contain information about the
# test samples. Here a single outlier in the test set changes the training
# data. Split first, and compute the statistics on the training set.
data = torch.tensor([1.0, 2.0, 3.0, 94.0])
train, test = data[:3], data[3:]
(train - train.mean()) / train.std()  # tensor([-1., 0., 1.])
data.mean()  # tensor(25.)
leaked = (train - data.mean()) / data.std()
leaked.round(decimals=2)  # tensor([-0.5200, -0.5000, -0.4800])

# %%
# Mean and standard deviation of image channels (N, C, H, W)
# ----------------------------------------------------------
#
# Reduce all dimensions except the channels. With ``keepdim=True`` the
# results broadcast against the images. Without it, reshape them to ``(C, 1,
# 1)``. Do not compute one number for each pixel, because objects can appear
# at any place of an image.
level = torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1)
images = level + level * torch.randn(256, 3, 32, 32)
mean = images.mean(dim=(0, 2, 3), keepdim=True)
std = images.std(dim=(0, 2, 3), keepdim=True)
mean.shape  # torch.Size([1, 3, 1, 1])
mean.flatten().round(decimals=1)  # tensor([1., 2., 3.])
std.flatten().round(decimals=1)  # tensor([1., 2., 3.])
scaled = (images - mean) / std
zero = torch.zeros(3)
torch.allclose(scaled.mean(dim=(0, 2, 3)), zero, atol=1e-5)  # True

# %%
# Statistics over batches: sums of values and squares
# ---------------------------------------------------
#
# If the data do not fit into memory, add up the values and their squares
# batch by batch. Use float64, because the variance is a small difference of
# large numbers. Compute the standard deviation from the sums at the end,
# and do not average the standard deviations of the batches.
data = 5 + torch.randn(1000, 2)
total = squares = n = 0
for (batch,) in DataLoader(TensorDataset(data), batch_size=64):
    total += batch.double().sum(dim=0)
    squares += batch.double().square().sum(dim=0)
    n += len(batch)
mean = total / n
std = (squares / n - mean**2).sqrt()
torch.allclose(mean, data.double().mean(dim=0))  # True
torch.allclose(std, data.double().std(dim=0, correction=0))  # True

# %%
# The mean of batch standard deviations is not the overall ``std``
# ----------------------------------------------------------------
#
# The mean of the batch standard deviations misses the differences between
# batches, above all if the data are sorted. The mean of the batch means is
# correct if all batches have the same size.
data = torch.tensor([0.0, 2.0, 10.0, 12.0])
batches = data.split(2)
stds = torch.stack([batch.std(correction=0) for batch in batches])
stds.mean()  # tensor(1.)
data.std(correction=0)  # tensor(5.0990)

# %%
# Undo standardization for predictions: multiply and add
# ------------------------------------------------------
#
# Training is easier with standardized targets, but you should report errors
# in the units of the data. To convert a squared error, multiply it by the
# square of the standard deviation.
targets = torch.tensor([100.0, 200.0, 300.0])
mean, std = targets.mean(), targets.std()
z = (targets - mean) / std
z * std + mean  # tensor([100., 200., 300.])
prediction = torch.tensor([0.5, 0.5, 0.5])
loss = (prediction - z).square().mean()
in_units = (prediction * std + mean - targets).square().mean()
torch.allclose(in_units, loss * std**2)  # True

# %%
# Statistics in the checkpoint: ``Module.register_buffer``
# --------------------------------------------------------
#
# Let the model standardize its own inputs, so that it is always used with
# the right statistics. A buffer is moved together with the model and, by
# default, saved with it, and it is not trained.
class Standardize(nn.Module):
    def __init__(self, train):
        super().__init__()
        self.register_buffer("mean", train.mean(dim=0))
        self.register_buffer("std", train.std(dim=0))

    def forward(self, x):
        return (x - self.mean) / self.std


train = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
model = nn.Sequential(Standardize(train), nn.Linear(2, 1))
list(model.state_dict())  # ['0.mean', '0.std', '1.weight', '1.bias']
len(list(model.parameters()))  # 2
model[0](torch.tensor([[5.0, 40.0]]))  # tensor([[3., 2.]])

# %%
# Same numbers as scikit-learn: ``StandardScaler``
# ------------------------------------------------
#
# ``StandardScaler`` divides by n, as ``correction=0`` does, while
# ``Tensor.std`` divides by n - 1 by default. It also replaces a standard
# deviation of 0 by 1.
train = torch.tensor([[1.0, 7.0], [2.0, 7.0], [4.0, 7.0]])
scaler = StandardScaler().fit(train.cpu().numpy())
scaled = torch.tensor(scaler.transform(train.cpu().numpy()))
std = train.std(dim=0, correction=0)
std[std == 0] = 1
torch.allclose((train - train.mean(dim=0)) / std, scaled)  # True

# %%
# ``nan`` after standardizing: a constant feature has ``std`` 0
# -------------------------------------------------------------
#
# A constant feature has a standard deviation of 0, and 0 / 0 is ``nan``,
# which spreads to the loss and the weights. Replace such a standard
# deviation by 1, or drop the column. If you add a small number instead, new
# values become huge: here 8 becomes about a million.
train = torch.tensor([[1.0, 7.0], [3.0, 7.0]])
mean, std = train.mean(dim=0), train.std(dim=0)
((train - mean) / std).isnan().any(dim=0)  # tensor([False, True])
safe = torch.where(std == 0, 1.0, std)
((train - mean) / safe)[:, 1]  # tensor([0., 0.])
new = torch.tensor([[2.0, 8.0]])
((new - mean) / safe)[0, 1]  # tensor(1.)
((new - mean) / (std + 1e-6))[0, 1] > 900_000  # tensor(True)

# %%
# Centre each sample on its own: ``keepdim=True``
# -----------------------------------------------
#
# To subtract from each sample the mean of this sample, use ``dim=1`` with
# ``keepdim=True``. Without ``keepdim``, a square tensor broadcasts along
# the wrong dimension, and there is no error.
x = torch.tensor([[1.0, 3.0], [10.0, 30.0]])
x - x.mean(dim=1, keepdim=True)  # tensor([[-1., 1.], [-10., 10.]])
x - x.mean(dim=1)  # tensor([[-1., -17.], [8., 10.]])

# %%
# Whitening, no correlation between features: ``v2.LinearTransformation``
# -----------------------------------------------------------------------
#
# Standardized features can still be correlated, as neighbouring pixels are.
# Whitening multiplies them by a matrix, and afterwards the variances are 1
# and the correlations are 0. ``v2.LinearTransformation`` flattens an image,
# subtracts the mean and multiplies by this matrix. The card computes the
# matrix from the covariance of the training set.
colour = torch.rand(500, 1, 1, 1)
images = colour + 0.2 * torch.rand(500, 3, 2, 2)
flat = images.flatten(1)
mean, covariance = flat.mean(dim=0), flat.T.cov()
values, vectors = torch.linalg.eigh(covariance)
matrix = vectors @ torch.diag(values.rsqrt()) @ vectors.T
whiten = v2.LinearTransformation(matrix, mean)
white = torch.stack([whiten(image) for image in images])
white.shape  # torch.Size([500, 3, 2, 2])
flat.T.corrcoef()[0, 1] > 0.9  # tensor(True)
unit = white.flatten(1).T.cov()
torch.allclose(unit, torch.eye(12), atol=1e-2)  # True

"""
Standardization
===============

Bring features to mean 0 and deviation 1, by numbers of the training set.
"""
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# %%
# Standardize features: ``Tensor.mean`` and ``Tensor.std`` over samples
# ---------------------------------------------------------------------
#
# One mean and deviation for each column, from the training set. Features
# in metres and in euros then have gradients of one size. The factor
# between ``correction=0`` and 1 does not matter, if you keep to one.
train = torch.tensor([[1.0, 100.0], [2.0, 300.0], [3.0, 500.0]])
mean = train.mean(dim=0)
std = train.std(dim=0)
mean, std  # (tensor([2., 300.]), tensor([1., 200.]))
(train - mean) / std  # tensor([[-1., -1.], [0., 0.], [1., 1.]])

# %%
# Validation and test data: standardize by the training statistics
# ----------------------------------------------------------------
#
# Never by their own: the model would see the same number for different
# values, and a single sample has no deviation at all. Test data need not
# have mean 0 afterwards.
train = torch.tensor([[10.0, 5.0], [20.0, 6.0], [30.0, 7.0]])
test = torch.tensor([[40.0, 6.0], [50.0, 7.0], [60.0, 8.0]])
mean, std = train.mean(dim=0), train.std(dim=0)
(test - mean) / std  # tensor([[2., 0.], [3., 1.], [4., 2.]])
wrong = (test - test.mean(dim=0)) / test.std(dim=0)
wrong  # tensor([[-1., -1.], [0., 0.], [1., 1.]])

# %%
# Statistics of all data leak the test set
# ----------------------------------------
#
# Computed before the split, mean and deviation already tell of the test
# samples: here one outlier among them moves the training data. Split
# first.
data = torch.tensor([1.0, 2.0, 3.0, 94.0])
train, test = data[:3], data[3:]
(train - train.mean()) / train.std()  # tensor([-1., 0., 1.])
data.mean()  # tensor(25.)
leaked = (train - data.mean()) / data.std()
leaked.round(decimals=2)  # tensor([-0.5200, -0.5000, -0.4800])

# %%
# Mean and deviation of image channels (N, C, H, W)
# -------------------------------------------------
#
# Reduce all dimensions but the channels. ``keepdim=True`` leaves shapes
# that broadcast; else reshape to ``(C, 1, 1)``. Not one number for each
# pixel: objects move, channels stay.
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
# For data that do not fit into memory. Add up in float64: the variance is
# a small difference of large numbers. Divide the sums at the end, rather
# than average the deviations of batches.
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
# Average of batch deviations is not the deviation
# ------------------------------------------------
#
# It misses what differs between batches, most of all if the data are
# sorted. The mean of batch means is right only where batches have one
# size.
data = torch.tensor([0.0, 2.0, 10.0, 12.0])
batches = data.split(2)
stds = torch.stack([batch.std(correction=0) for batch in batches])
stds.mean()  # tensor(1.)
data.std(correction=0)  # tensor(5.0990)

# %%
# Undo it for predictions: multiply and add
# -----------------------------------------
#
# Standardized targets train well, but errors should be told in the units
# of the data. A squared error scales with the square of the deviation.
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
# A model that standardizes its inputs itself cannot be used without the
# right numbers: buffers are saved and moved with it, and not trained.
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
# It divides by n, as ``correction=0`` does; by default ``Tensor.std``
# divides by n - 1. It also turns a deviation of 0 into 1.
train = torch.tensor([[1.0, 7.0], [2.0, 7.0], [4.0, 7.0]])
scaler = StandardScaler().fit(train.cpu().numpy())
scaled = torch.tensor(scaler.transform(train.cpu().numpy()))
std = train.std(dim=0, correction=0)
std[std == 0] = 1
torch.allclose((train - train.mean(dim=0)) / std, scaled)  # True

# %%
# ``nan`` after standardizing: a constant feature, deviation 0
# ------------------------------------------------------------
#
# Its deviation is 0, and 0 / 0 is ``nan``, which spreads to the loss and
# all weights. Replace such deviations by 1, or drop the column. Adding a
# small number instead blows up new values: 8 becomes a million.
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
# Subtracting from each sample its own mean wants ``dim=1`` with
# ``keepdim=True``. Without, square data broadcast along the wrong
# dimension, with no error.
x = torch.tensor([[1.0, 3.0], [10.0, 30.0]])
x - x.mean(dim=1, keepdim=True)  # tensor([[-1., 1.], [-10., 10.]])
x - x.mean(dim=1)  # tensor([[-1., -17.], [8., 10.]])

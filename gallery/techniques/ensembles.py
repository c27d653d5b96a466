"""
Ensembles: average the predictions of five models, with ``torch.func.vmap``
===========================================================================

Five networks are trained from different initial weights on different
samples of the data, so they make different mistakes. The mean of their
probabilities has a higher accuracy than the networks have on average, and a
lower loss. One call of ``vmap`` evaluates all five networks.
"""
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F
from tqdm import tqdm

# %%
# A small training set and a large test set
# -----------------------------------------
#
# The training set has 200 images. With so few, the trained models differ.
# The other 1,597 images are the test set.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
labels = torch.tensor(digits.target, device=device)
generator = torch.Generator(device=device).manual_seed(0)
order = torch.randperm(len(labels), generator=generator, device=device)
images, labels = images[order], labels[order]
train_inputs, train_targets = images[:200], labels[:200]
test_inputs, test_targets = images[200:], labels[200:]
test_inputs.shape  # torch.Size([1597, 64])


# %%
# Train the members
# -----------------
#
# Each member starts from its own random weights and gets its own training
# set, drawn with replacement (bagging). Such a draw holds about 63 % of the
# 200 images, some of them several times.
def train_member(seed, steps=300):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    drawn = torch.randint(0, 200, (200,), device=device)
    inputs, targets = train_inputs[drawn], train_targets[drawn]
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return model.eval()


models = [train_member(seed) for seed in tqdm(range(5), disable=None)]

# %%
# Compute all predictions with a loop
# -----------------------------------
#
# The logits of all members are stacked, with one entry for each model along
# the first dimension.
with torch.inference_mode():
    logits = torch.stack([model(test_inputs) for model in models])
logits.shape  # torch.Size([5, 1597, 10])

# %%
# All predictions at once: ``stack_module_state`` and ``vmap``
# ------------------------------------------------------------
#
# ``stack_module_state`` stacks the parameters of the five models, name by
# name. ``functional_call`` runs a module with given parameters, and
# ``vmap`` maps it over the first dimension of the stacks; ``None`` gives
# the same inputs to all models. The module itself only provides the
# structure and can be on ``"meta"``, without data. The models must have the
# same structure and be in the same mode.
params, buffers = stack_module_state(models)
params["0.weight"].shape  # torch.Size([5, 64, 64])
base = deepcopy(models[0]).to("meta")


def call(params, buffers, inputs):
    return functional_call(base, (params, buffers), (inputs,))


call_all = vmap(call, in_dims=(0, 0, None))
with torch.inference_mode():
    at_once = call_all(params, buffers, test_inputs)
torch.allclose(at_once, logits, atol=1e-4)  # True

# %%
# The stacked parameters are copies
# ---------------------------------
#
# A later change of a model does not change the stacked parameters. Stack
# them again after further training.
params["0.weight"].data_ptr() == models[0][0].weight.data_ptr()  # False
changed = deepcopy(models)
stacked, _ = stack_module_state(changed)
with torch.no_grad():
    changed[0][0].weight.zero_()
stacked["0.weight"][0].count_nonzero() > 0  # tensor(True)

# %%
# Mean of probabilities or mean of logits
# ---------------------------------------
#
# The mean of the logits corresponds to the geometric mean of the
# probabilities, in which a very confident member counts more. Here two
# members lean towards class 0 and one is confident of class 1. The two
# means predict different classes.
three = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
three.softmax(dim=1).mean(dim=0)  # tensor([0.5032, 0.4968])
three.mean(dim=0).softmax(dim=0)  # tensor([0.4174, 0.5826])
probabilities = logits.softmax(dim=2)
mean_probabilities = probabilities.mean(dim=0)
mean_logits = logits.mean(dim=0).softmax(dim=1)
log_probabilities = logits.double().softmax(dim=2).log()
geometric = log_probabilities.mean(dim=0).softmax(dim=1)
torch.allclose(mean_logits, geometric.float(), atol=1e-4)  # True

# %%
# The mean of the weights is not an ensemble
# ------------------------------------------
#
# The hidden units of separately trained networks do not correspond to each
# other. A model with the mean of the weights has less than 60 % accuracy on
# the test set.
mean_model = deepcopy(models[0])
mean_model.load_state_dict({k: v.mean(dim=0) for k, v in params.items()})


def accuracy(scores):
    right = scores.argmax(dim=-1) == test_targets
    return right.float().mean(dim=-1)


with torch.inference_mode():
    of_mean_weights = accuracy(mean_model(test_inputs)).item()

# %%
# How different are the members?
# ------------------------------
#
# The figure shows the share of test images for which two members predict
# different classes. Five copies of one model would agree on each image, and
# their mean would gain nothing.
votes = logits.argmax(dim=2)
disagreement = (votes[:, None] != votes[None]).float().mean(dim=2)
figure, ax = plt.subplots(figsize=(9, 3.6))
picture = ax.imshow(disagreement.cpu().numpy(), cmap="viridis")
ax.set(xlabel="model", ylabel="model")
figure.colorbar(picture, ax=ax)
figure.tight_layout()

# %%
# More members, better predictions
# --------------------------------
#
# The code measures the accuracy of every subset of the five models, and
# collects them by size.
subsets = {size: [] for size in range(1, 6)}
for mask in range(1, 32):
    members = [k for k in range(5) if mask >> k & 1]
    mean = probabilities[members].mean(dim=0)
    subsets[len(members)].append(accuracy(mean).item())

# %%
# What was reached
# ----------------
#
# The ensemble is more than 1 percentage point better than its members on
# average, and both kinds of mean give almost the same accuracy here. The
# loss of the mean probabilities is at most the mean loss of the members.
# This holds for every ensemble, because the logarithm is concave. The
# figure shows the accuracy of each subset as a dot, and the mean of each
# size as a line.
alone = accuracy(logits)
together, by_logits = accuracy(mean_probabilities), accuracy(mean_logits)
losses = torch.stack([F.cross_entropy(z, test_targets) for z in logits])
loss = F.nll_loss(mean_probabilities.log(), test_targets)
print(f"{alone.mean()=:.3f} {together=:.3f} {by_logits=:.3f}")
print(f"{losses.mean()=:.3f} {loss=:.3f} {of_mean_weights=:.3f}")
assert 0.8 < alone.mean() < 0.95, alone
assert together > alone.mean() + 0.01, (alone, together)
assert (together - by_logits).abs() < 0.02, (together, by_logits)
assert loss < 0.9 * losses.mean(), (loss, losses)
assert of_mean_weights < 0.6, of_mean_weights

figure, ax = plt.subplots(figsize=(9, 3.6))
for size, values in subsets.items():
    ax.plot([size] * len(values), values, "o", color="C0", alpha=0.6)
means = [sum(values) / len(values) for values in subsets.values()]
ax.plot(range(1, 6), means, color="C1")
ax.set(xlabel="models", ylabel="test accuracy", xticks=range(1, 6))
figure.tight_layout()

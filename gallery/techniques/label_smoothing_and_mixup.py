"""
Label smoothing, MixUp and CutMix: less overconfident predictions
=================================================================

A network trained on few images becomes overconfident: its mean confidence
is higher than its accuracy. Label smoothing, MixUp and CutMix lower the
confidence, most of all for wrong predictions, and cost less than 3
percentage points of accuracy. Here they even go too far, and the confidence
falls below the accuracy.
"""
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split
from torchvision.transforms import v2

# %%
# 100 images for training, and 1,697 for the test
# -----------------------------------------------
#
# The loader shuffles, because MixUp and CutMix pair the images of one
# batch.
torch.manual_seed(0)
device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images.unsqueeze(1) / 16, labels)
train_set, test_set = random_split(
    dataset, [100, 1697], generator=generator
)
loader = DataLoader(
    train_set, batch_size=50, shuffle=True, generator=generator
)
test_inputs, test_targets = test_set[:]

# %%
# Label smoothing and its formula
# -------------------------------
#
# ``label_smoothing=0.1`` takes 0.1 from the label and spreads it evenly
# over all ten classes. If you pass these probabilities as targets, the loss
# is the same.
logits = torch.randn(4, 10, dtype=torch.float64)
targets = torch.tensor([3, 0, 9, 3])
smooth = 0.9 * F.one_hot(targets, 10).double() + 0.1 / 10
smooth[1, :3]  # tensor([0.9100, 0.0100, 0.0100], dtype=torch.float64)
loss = F.cross_entropy(logits, targets, label_smoothing=0.1)
torch.allclose(loss, F.cross_entropy(logits, smooth))  # True
by_hand = -(smooth * logits.log_softmax(dim=1)).sum(dim=1).mean()
torch.allclose(loss, by_hand)  # True

# %%
# With label smoothing, the loss does not fall to zero
# ----------------------------------------------------
#
# The loss is smallest if the prediction equals the smoothed label, and a
# more confident prediction has a higher loss. Do not compare losses with
# and without smoothing. For validation, use the plain loss.
best = F.cross_entropy(smooth.log(), smooth)
best  # tensor(0.5003, dtype=torch.float64)
surer = F.cross_entropy(3 * smooth.log(), smooth)
surer > best  # tensor(True)
plain_loss = F.cross_entropy(3 * smooth.log(), targets)
plain_loss < 0.001  # tensor(True)

# %%
# MixUp: two images in one, and two labels
# ----------------------------------------
#
# ``v2.MixUp`` blends each image of a batch with the image before it, and
# mixes their labels in the same proportion. The proportion is drawn once
# for the whole batch.
mixup = v2.MixUp(alpha=0.4, num_classes=10)
inputs, targets = next(iter(loader))
mixed, mixed_targets = mixup(inputs, targets)
mixed_targets.shape  # torch.Size([50, 10])
one_hot = F.one_hot(targets, 10).float()
pairs = targets != targets.roll(1)
share = mixed_targets.gather(1, targets[:, None])[pairs][0]
by_hand = share * inputs + (1 - share) * inputs.roll(1, 0)
torch.allclose(mixed, by_hand, atol=1e-5)  # True
by_hand = share * one_hot + (1 - share) * one_hot.roll(1, 0)
torch.allclose(mixed_targets, by_hand, atol=1e-5)  # True

# %%
# CutMix: a rectangle of the other image
# --------------------------------------
#
# ``v2.CutMix`` mixes the labels by the share of the pixels. Top: eight
# images. Middle: the same images after MixUp. Bottom: the images after
# CutMix, where the border can cut off a part of the rectangle.
cutmix = v2.CutMix(num_classes=10)
rows = [inputs[:8]]
for transform in (v2.MixUp, v2.CutMix):
    half = transform(alpha=100.0, num_classes=10)
    rows.append(half(inputs, targets)[0][:8])
pictures = torch.cat(rows)[:, 0].cpu().numpy()
figure, axes = plt.subplots(3, 8, figsize=(9, 3.6))
for ax, picture in zip(axes.flat, pictures, strict=True):
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
    ax.set_axis_off()
figure.tight_layout()


# %%
# Train four models with one loop
# -------------------------------
#
# ``nn.CrossEntropyLoss`` accepts class indices or probabilities as targets,
# so mixed batches need no other loss. All four models start from the same
# weights.
def train(mix=None, label_smoothing=0.0, epochs=200):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 10),
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(epochs):
        for inputs, targets in loader:
            if mix is not None:
                inputs, targets = mix(inputs, targets)
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
    return model.eval()


models = {"plain": train(), "smoothing": train(label_smoothing=0.1)}
models |= {"MixUp": train(mixup), "CutMix": train(cutmix)}


# %%
# Confidence and calibration
# --------------------------
#
# The confidence is the largest of the predicted probabilities. If a model
# is calibrated, 80 % of the predictions with a confidence of 0.8 are right.
# The expected calibration error (ECE) is the mean distance between
# confidence and accuracy over ten bins, weighted by the number of samples
# in each bin.
def calibration(confidence, right, bins=10):
    index = (confidence * bins).long().clamp(max=bins - 1)
    zeros = torch.zeros(bins, device=device)
    count = zeros.index_add(0, index, torch.ones_like(confidence))
    confidence_sum = zeros.index_add(0, index, confidence)
    right_sum = zeros.index_add(0, index, right)
    error = (confidence_sum - right_sum).abs().sum() / len(confidence)
    filled = count >= 10
    x = confidence_sum[filled] / count[filled]
    return error.item(), x, right_sum[filled] / count[filled]


confidence = torch.full((50,), 0.84)
right = torch.tensor([1.0] * 32 + [0.0] * 18)
calibration(confidence, right)[0]  # 0.2000

# %%
# Evaluate the four models on the test set
# ----------------------------------------
#
# The plain loss is printed for all four models, even for those that were
# trained with another loss.
scores, curves = {}, {}
for name, model in models.items():
    with torch.inference_mode():
        logits = model(test_inputs)
    confidence, predicted = logits.softmax(dim=1).max(dim=1)
    right = (predicted == test_targets).float()
    error, *curves[name] = calibration(confidence, right)
    scores[name] = {
        "accuracy": right.mean().item(),
        "confidence": confidence.mean().item(),
        "when wrong": confidence[right == 0].mean().item(),
        "ECE": error,
        "loss": F.cross_entropy(logits, test_targets).item(),
    }
    print(f"{name:9}", *(f"{k}={v:.3f}" for k, v in scores[name].items()))

# %%
# What was reached
# ----------------
#
# The plain network is overconfident. The other three lose less than 3
# percentage points of accuracy, and their confidence is now below their
# accuracy. Smoothing and CutMix even have a higher ECE than the plain
# network. Left: the accuracy at each confidence. Points above the dotted
# line are right more often than their confidence says. Right: the accuracy,
# the mean confidence, and the mean confidence of wrong predictions.
plain = scores.pop("plain")
assert 0.8 < plain["accuracy"] < plain["confidence"], plain
for name, score in scores.items():
    assert score["accuracy"] > plain["accuracy"] - 0.03, (name, score)
    assert 0.6 < score["confidence"] < score["accuracy"], (name, score)
    assert score["confidence"] < plain["confidence"] - 0.05, (name, score)
    assert score["when wrong"] < plain["when wrong"] - 0.1, (name, score)
for name in ("smoothing", "CutMix"):
    assert scores[name]["ECE"] > plain["ECE"] + 0.02, (name, scores)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.plot([0, 1], [0, 1], ":", color="C4")
for name, style in zip(curves, ("o-", "s--", "^-.", "v:"), strict=True):
    left.plot(*(z.cpu().numpy() for z in curves[name]), style, label=name)
left.set(xlabel="confidence", ylabel="test accuracy")
left.legend()
for i, score in enumerate((plain, *scores.values())):
    values = score["accuracy"], score["confidence"], score["when wrong"]
    right.bar([x + 0.2 * i for x in range(3)], values, width=0.18)
right.set_xticks([x + 0.3 for x in range(3)])
right.set_xticklabels(["accuracy", "confidence", "when wrong"])
figure.tight_layout()

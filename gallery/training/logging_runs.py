"""
Logging: TensorBoard, Weights & Biases offline, Python's ``logging``
====================================================================

``SummaryWriter`` writes scalars and histograms into a folder that
``tensorboard --logdir`` displays. This page reads them back, checks that
they are what the loop reported, and draws them. Weights & Biases records
the same run without an account or a network connection, and a Python logger
keeps a text log.
"""
import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import torch
import wandb
from sklearn.datasets import load_digits
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

# %%
# Something to log: handwritten digits and two functions
# ------------------------------------------------------
#
# The two functions work like those of :doc:`training_loop`. ``train`` sums
# the loss over all samples and divides once at the end. Every fourth image
# belongs to the validation set.
torch.manual_seed(0)
device = torch.get_default_device()
inputs, targets = load_digits(return_X_y=True)
inputs = torch.tensor(inputs / 16, dtype=torch.float32, device=device)
targets = torch.tensor(targets, device=device)
kept = torch.arange(len(inputs), device=device) % 4 == 0
train_set = TensorDataset(inputs[~kept], targets[~kept])
val_inputs, val_targets = inputs[kept], targets[kept]


def train(model, loader, optimizer):
    model.train()
    loss_sum, seen = 0.0, 0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(targets)
        seen += len(targets)
    return (loss_sum / seen).item()


@torch.inference_mode()
def evaluate(model):
    logits = model.eval()(val_inputs)
    loss = nn.functional.cross_entropy(logits, val_targets).item()
    correct = (logits.argmax(dim=1) == val_targets).float()
    return loss, correct.mean().item()


# %%
# A Python logger of your own that writes to a file
# -------------------------------------------------
#
# ``logging.basicConfig`` configures the root logger, which also receives
# the messages of other libraries. Use a logger with a name of its own
# instead. Messages below its level are dropped. Pass numbers as arguments,
# because they are then formatted only if the line is written.
folder = TemporaryDirectory()
logger = logging.getLogger("proofsheet.training")
logger.setLevel(logging.INFO)
logger.propagate = False
log_file = Path(folder.name) / "training.log"
handler = logging.FileHandler(log_file, encoding="utf-8")
handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
logger.addHandler(handler)

logger.debug("not written: below %s", "INFO")
logger.info("device %s, %d samples", device.type, len(train_set))
len(log_file.read_text().splitlines())  # 1

# %%
# The loop writes to all three
# ----------------------------
#
# TensorBoard groups names by the part before the slash. The third argument
# of ``add_scalar`` is the step on the x axis. With ``mode="offline"``, as
# below, Weights & Biases writes to a folder, which ``wandb sync`` can
# upload later. ``"online"`` uploads at once.
def fit(model, writer, run, epochs=12):
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(train_set, 64, shuffle=True, generator=generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    scheduler = CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        lr = scheduler.get_last_lr()[0]
        loss = train(model, loader, optimizer)
        val_loss, accuracy = evaluate(model)
        scheduler.step()
        scalars = {"loss/train": loss, "loss/val": val_loss, "lr": lr}
        scalars["accuracy/val"] = accuracy
        for name, value in scalars.items():
            writer.add_scalar(name, value, epoch)
        for name, parameter in model.named_parameters():
            writer.add_histogram(name, parameter, epoch)
        run.log(scalars)
        form = "epoch %d: loss %.3f, val accuracy %.3f"
        logger.info(form, epoch, loss, accuracy)
        yield scalars


# %%
# Train, and close the run and the writer
# ---------------------------------------
#
# The run and the writer are context managers, so the last records are
# written even if the loop raises an error. The environment variables keep
# the caches of Weights & Biases in the temporary folder. ``teardown`` ends
# its background process, and the environment is restored afterwards.
environment = dict(os.environ)
os.environ["WANDB_CACHE_DIR"] = os.environ["WANDB_DATA_DIR"] = folder.name
os.environ["WANDB_ERROR_REPORTING"] = "false"
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
settings = wandb.Settings(silent=True, console="off")
run = wandb.init(
    project="digits",
    config={"lr": 5e-3, "epochs": 12},
    mode="offline",
    dir=folder.name,
    settings=settings,
)
with run, SummaryWriter(f"{folder.name}/board") as writer:
    history = list(fit(model, writer, run))
    summary = dict(run.summary)
wandb.teardown()
os.environ.clear()
os.environ.update(environment)

# %%
# The text log
# ------------
#
# Each call of the logger wrote one line, which begins with the level of the
# message. Remove and close the handler at the end. If it stayed, a second
# run of the cell would write each line twice.
logger.removeHandler(handler)
handler.close()
lines = log_file.read_text().splitlines()
print(*lines[:3], lines[-1], sep="\n")
len(lines)  # 13
lines[1].startswith("INFO epoch 0: loss ")  # True

# %%
# The record of Weights & Biases
# ------------------------------
#
# ``run.summary`` holds the last value of each name that was logged. The
# folder contains one file with the whole run.
summary["loss/train"] == history[-1]["loss/train"]  # True
summary["accuracy/val"] == history[-1]["accuracy/val"]  # True
(record,) = Path(folder.name).glob("wandb/offline-run-*/run-*.wandb")
record.stat().st_size > 1000  # True

# %%
# Read TensorBoard's files back
# -----------------------------
#
# ``EventAccumulator`` reads the folder as TensorBoard does. By default it
# keeps one histogram and at most 10,000 scalars of each name.
# ``size_guidance`` changes these numbers, and 0 means that all are kept.
# TensorBoard stores scalars as ``float32``, so the values come back
# rounded.
events = EventAccumulator(
    f"{folder.name}/board", size_guidance={"histograms": 0}
)
events.Reload()
default = EventAccumulator(f"{folder.name}/board").Reload()
len(default.Histograms("0.weight"))  # 1
sorted(events.Tags()["scalars"])[:2]  # ['accuracy/val', 'loss/train']
sorted(events.Tags()["histograms"])[:2]  # ['0.bias', '0.weight']
curves = {
    name: torch.tensor([event.value for event in events.Scalars(name)])
    for name in events.Tags()["scalars"]
}
for name, curve in curves.items():
    written = torch.tensor([scalars[name] for scalars in history])
    assert torch.equal(curve, written), name
len(curves["loss/val"])  # 12

# %%
# Mistakes: ``add_scalar`` without a step, and two runs in one folder
# -------------------------------------------------------------------
#
# Without the third argument, ``add_scalar`` writes each point at step 0,
# which looks like a vertical line. A second writer in the same folder adds
# its points to those of the first one, so give each run its own folder.
def points(folder):
    events = EventAccumulator(str(folder)).Reload()
    return [(event.step, event.value) for event in events.Scalars("loss")]


board = Path(folder.name) / "no-step"
with SummaryWriter(board) as writer:
    for loss in (2.0, 1.0):
        writer.add_scalar("loss", loss)
points(board)  # [(0, 2.0), (0, 1.0)]

board = Path(folder.name) / "two-runs"
for losses in ((2.0, 1.0), (3.0, 1.5)):
    with SummaryWriter(board, filename_suffix=str(losses[0])) as writer:
        for step, loss in enumerate(losses):
            writer.add_scalar("loss", loss, step)
len(points(board))  # 4

# %%
# A progress bar with the loss: ``tqdm`` and ``set_postfix``
# ----------------------------------------------------------
#
# ``tqdm`` around the loader shows how much is done and how much time is
# left. ``set_postfix`` adds numbers at the end of the bar. ``loss.item()``
# waits until the GPU has computed the loss, so call it only every few
# batches. For a source without a length, such as a generator, pass
# ``total=``.
loader = DataLoader(train_set, 64, generator=torch.Generator(device=device))
bar = tqdm(loader, desc="epoch 0", disable=None)
for batch, _ in enumerate(bar):
    if batch % 10 == 0:
        bar.set_postfix(loss=f"{1 / (batch + 1):.3f}")
batch + 1 == len(loader) == bar.total  # True
tqdm((i for i in range(5)), disable=True).total is None  # True

# %%
# Training and validation loss in one chart: one tag, two writers
# ---------------------------------------------------------------
#
# The tag is the name that you pass to ``add_scalar``. TensorBoard draws all
# points with the same tag in one chart, so give training and validation one
# writer each and use the same tag. ``add_scalars`` does this for you. It
# makes a folder for each name, and TensorBoard lists the folders as runs.
board = Path(folder.name) / "one-chart"
for part, losses in {"train": (2.0, 1.0), "val": (2.2, 1.4)}.items():
    with SummaryWriter(board / part) as writer:
        for step, loss in enumerate(losses):
            writer.add_scalar("loss", loss, step)
points(board / "train")  # [(0, 2.0), (1, 1.0)]
board = Path(folder.name) / "add-scalars"
with SummaryWriter(board) as writer:
    writer.add_scalars("loss", {"train": 1.0, "val": 1.5}, 0)
names = sorted(path.name for path in board.iterdir() if path.is_dir())
names  # ['loss_train', 'loss_val']

# %%
# How far do the weights spread?
# ------------------------------
#
# Besides the limits and counts of its buckets, a histogram stores the
# number, the sum and the sum of squares of its values. ``spread`` computes
# the standard deviation from them.
def spread(histogram):
    mean = histogram.sum / histogram.num
    return (histogram.sum_squares / histogram.num - mean**2) ** 0.5


histograms = [e.histogram_value for e in events.Histograms("0.weight")]
widening = spread(histograms[-1]) / spread(histograms[0])
len(histograms)  # 12

# %%
# The result, drawn from TensorBoard's files
# ------------------------------------------
#
# Both panels were drawn from TensorBoard's folder. Left: the training and
# validation loss. Right: histograms of the weights of the first layer,
# which spread during training. If the layer were frozen, its weights would
# not spread and the assertion below would fail.
accuracy = curves["accuracy/val"][-1].item()
print(f"{accuracy=:.3f} {widening=:.2f}")
assert 0.9 < accuracy <= 1.0, accuracy
assert widening > 1.1, widening

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.semilogy(curves["loss/train"].cpu(), label="loss/train")
left.semilogy(curves["loss/val"].cpu(), "--", label="loss/val")
left.set(xlabel="epoch", ylabel="loss")
left.legend()
for epoch in (0, 5, 11):
    histogram = histograms[epoch]
    right.hist(
        histogram.bucket_limit,
        weights=histogram.bucket,
        bins=24,
        range=(-0.6, 0.6),
        histtype="step",
        linewidth=1.5,
        label=f"epoch {epoch}",
    )
right.set(xlabel="0.weight", ylabel="count")
right.legend()
figure.tight_layout()
folder.cleanup()

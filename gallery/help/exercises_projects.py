"""
Exercises: from a data set to a service
=======================================

Seven larger exercises with solutions: a dataset from a file, a custom
autograd function, a model that does not learn, mixed precision with
gradient accumulation, a learning rate search in TensorBoard, an export to
ONNX, and a model behind HTTP. Each one gives you a function to finish and a
``check``. Click to open the hint and the solution.
"""
import csv
import json
import tempfile
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import matplotlib.pyplot as plt
import onnxruntime
import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes, load_digits
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)
from torch import nn
from torch.utils.benchmark import Timer
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torch.utils.tensorboard import SummaryWriter

# %%
# 1. A data set that reads a CSV file
# -----------------------------------
#
# The last number of each row is the target. Each item of the dataset is a
# pair of float32 tensors: the features of shape (2,) and the target of
# shape (1,).
#
# .. hint::
#
#    Read the file once in ``__init__``. Apart from that, a map-style
#    dataset needs ``__len__`` and ``__getitem__``.
device = torch.get_default_device()


class Table(Dataset):
    def __init__(self, path):
        raise NotImplementedError("your turn")


def check_table(cls):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text("a,b,target\n1,2,3\n4,5,9\n0,1,1\n")
        table = cls(path)
    assert len(table) == 3
    inputs, targets = next(iter(DataLoader(table, batch_size=3)))
    assert inputs.tolist() == [[1, 2], [4, 5], [0, 1]]
    assert targets.tolist() == [[3], [9], [1]]
    assert inputs.dtype == targets.dtype == torch.float32


with suppress(NotImplementedError):
    check_table(Table)  # NotImplementedError: your turn

# %%
# Solution 1
# ----------
#
# One tensor holds the table, and each item is a view of it. The file is
# closed before the first item is read.
class Table(Dataset):
    def __init__(self, path):
        with open(path, newline="") as file:
            rows = [*csv.reader(file)][1:]
        numbers = [[float(cell) for cell in row] for row in rows]
        self.rows = torch.tensor(numbers)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index, :-1], self.rows[index, -1:]


check_table(Table)

# %%
# 2. A function with a backward pass of its own
# ---------------------------------------------
#
# ``Swish`` returns x times the sigmoid of x. Write the forward pass and the
# backward pass, and save only x for the backward pass.
#
# .. hint::
#
#    If s is the sigmoid of x, the derivative is s + x s (1 - s).
class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        raise NotImplementedError("your turn")


def check_swish(function):
    x = torch.linspace(-3, 3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(function.apply(x), F.silu(x))
    assert torch.autograd.gradcheck(function.apply, x)


with suppress(NotImplementedError):
    check_swish(Swish)  # NotImplementedError: your turn

# %%
# Solution 2
# ----------
#
# ``gradcheck`` changes the input a little and measures how much the output
# of the forward pass changes. It compares the result with the backward
# pass, in float64.
class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x.sigmoid()

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        s = x.sigmoid()
        return grad * (s + x * s * (1 - s))


check_swish(Swish)

# %%
# 3. Four faults keep this model from learning
# --------------------------------------------
#
# Write a function ``make_model`` that returns a repaired ``(model,
# criterion)``, and a repaired ``step``. They must pass
# ``check_learning(make_model, step)``. The shapes and the number of steps
# are right, and none of the faults raises an error.
#
# .. hint::
#
#    Which parameters does the optimizer get? What input does the criterion
#    expect? What must be cleared, and when?
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
labels = torch.tensor(digits.target, device=device)


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(64, 32), nn.Linear(32, 10)]
        self.bias = nn.Parameter(torch.zeros(10))

    def forward(self, x):
        x = self.layers[1](self.layers[0](x).relu()) + self.bias
        return x.softmax(dim=1)


def broken_step(model, criterion, optimizer, inputs, targets):
    loss = criterion(model(inputs).relu(), targets)
    loss.backward()
    optimizer.step()


def check_learning(make_model, step):
    torch.manual_seed(0)
    model, criterion = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for _ in range(150):
        step(model, criterion, optimizer, images[:1400], labels[:1400])
    right = model(images[1400:]).argmax(dim=1) == labels[1400:]
    assert right.float().mean() > 0.85, "does not learn"


def make_broken():
    return Broken(), nn.CrossEntropyLoss()


with suppress(AssertionError):
    check_learning(make_broken, broken_step)  # AssertionError: not learn

# %%
# Solution 3
# ----------
#
# ``nn.Sequential`` registers its layers, but layers in a plain list are
# missing from ``parameters()``. The logits go to the loss without
# ``softmax`` and without ``relu``. The gradients are cleared in each step.
def make_model():
    layers = nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    return nn.Sequential(*layers), nn.CrossEntropyLoss()


def step(model, criterion, optimizer, inputs, targets):
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss


check_learning(make_model, step)

# %%
# 4. Accumulated gradients under autocast
# ---------------------------------------
#
# Compute the gradient of the mean loss over all samples, and leave it in
# ``grad`` of the parameters. Use batches of 64 samples under ``autocast``.
# The last batch is smaller.
#
# .. hint::
#
#    Divide the sum of the losses of each batch by the number of all
#    samples. Call ``backward`` outside ``autocast``.
def accumulate(model, dataset):
    raise NotImplementedError("your turn")


def check_accumulate(function):
    torch.manual_seed(0)
    model, dataset = nn.Linear(64, 10), TensorDataset(images, labels)
    function(model, dataset)
    found, model.weight.grad = model.weight.grad, None
    F.cross_entropy(model(images), labels).backward()
    assert found.dtype == torch.float32
    assert torch.allclose(found, model.weight.grad, atol=5e-3)
    assert not torch.equal(found, model.weight.grad)


with suppress(NotImplementedError):
    check_accumulate(accumulate)  # NotImplementedError: your turn

# %%
# Solution 4
# ----------
#
# The weights and their gradients stay float32. The matrix products inside
# ``autocast`` are bfloat16, which causes the small difference.
def accumulate(model, dataset):
    for inputs, targets in DataLoader(dataset, batch_size=64):
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits = model(inputs)
        losses = F.cross_entropy(logits.float(), targets, reduction="sum")
        (losses / len(dataset)).backward()


check_accumulate(accumulate)

# %%
# 5. A learning rate search in TensorBoard
# ----------------------------------------
#
# Train the model of task 3 (``make_model``, ``step``) for 150 steps with
# each learning rate, and measure its accuracy on images that it was not
# trained on. Write each run to its own folder, such as ``lr=0.5``, with the
# ``loss`` of each step and the ``accuracy`` at the end. Return the best
# learning rate.
#
# .. hint::
#
#    ``SummaryWriter(folder)`` from ``torch.utils.tensorboard`` writes
#    numbers with ``add_scalar(name, value, step)``.
def search(rates, folder):
    raise NotImplementedError("your turn")


def check_search(function):
    with tempfile.TemporaryDirectory() as folder:
        best = function([1e-5, 0.5], folder)
        runs = sorted(Path(folder).iterdir())
        logs = [EventAccumulator(str(run)).Reload() for run in runs]
    assert [run.name for run in runs] == ["lr=0.5", "lr=1e-05"]
    assert [len(log.Scalars("loss")) for log in logs] == [150, 150]
    accuracy = [log.Scalars("accuracy")[-1].value for log in logs]
    assert best == 0.5 and accuracy[0] > 0.8 > accuracy[1]


with suppress(NotImplementedError):
    check_search(search)  # NotImplementedError: your turn

# %%
# Solution 5
# ----------
#
# Each run starts from the same seed. The ``with`` block closes the writer,
# so the last values reach the file. ``tensorboard --logdir FOLDER`` draws
# all runs in one chart.
def search(rates, folder):
    reached = {}
    for lr in rates:
        torch.manual_seed(0)
        model, criterion = make_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        with SummaryWriter(f"{folder}/lr={lr}") as writer:
            for n in range(150):
                batch = images[:1000], labels[:1000]
                loss = step(model, criterion, optimizer, *batch)
                writer.add_scalar("loss", loss, n)
            guesses = model(images[1000:1400]).argmax(dim=1)
            right = guesses == labels[1000:1400]
            reached[lr] = right.float().mean().item()
            writer.add_scalar("accuracy", reached[lr])
    return max(reached, key=reached.get)


check_search(search)

# %%
# 6. Export a model to ONNX and compare
# -------------------------------------
#
# Export the model of task 3 with ``torch.onnx.export``. The input must be
# called ``images``, and ONNX Runtime must accept batches of any size.
# ``check_export`` compares the outputs and prints how long each model
# takes.
#
# .. hint::
#
#    ``dynamic_shapes`` lists the dimensions of each input that may change.
#    ``torch.export.Dim.DYNAMIC`` leaves their range open.
def export(model, path):
    raise NotImplementedError("your turn")


def check_export(function):
    model = make_model()[0].cpu().eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        function(model, path)
        session = onnxruntime.InferenceSession(path.read_bytes())
    for size in (1, 7):
        batch = images[:size].cpu()
        (found,) = session.run(None, {"images": batch.numpy()})
        with torch.inference_mode():
            expected = model(batch)
        answers = torch.tensor(found, device="cpu")
        assert torch.allclose(answers, expected, atol=1e-5)
    feed = {"images": batch.numpy()}
    for name, run in (
        ("PyTorch", torch.inference_mode()(lambda: model(batch))),
        ("ONNX Runtime", lambda: session.run(None, feed)),
    ):
        timer = Timer("run()", globals={"run": run})
        seconds = timer.blocked_autorange(min_run_time=0.1).median
        print(f"{name}: {1e6 * seconds:.0f} microseconds")


with suppress(NotImplementedError):
    check_export(export)  # NotImplementedError: your turn

# %%
# Solution 6
# ----------
#
# The example input has two rows, because the export would treat a batch
# size of 1 as a constant.
def export(model, path):
    torch.onnx.export(
        model,
        (images[:2].cpu(),),
        path,
        input_names=["images"],
        dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
        external_data=False,
        verbose=False,
    )


check_export(export)

# %%
# The service for task 7
# ----------------------
#
# A server from Python's standard library listens on a free port of this
# machine and gets one request for each row. A real service would use a web
# framework around the same function.
def serve(predict, rows):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            answer = predict(json.loads(self.rfile.read(size)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        opener = build_opener(ProxyHandler({}))
        asked = [json.dumps(row).encode() for row in rows]
        answers = [json.load(opener.open(address, row)) for row in asked]
        server.shutdown()
    return answers


# %%
# 7. A model behind HTTP
# ----------------------
#
# ``make_predict`` returns a function ``predict(row)``, which takes the ten
# numbers of a patient as a list and returns one number. The service calls
# it for each ``POST`` request with JSON. Train a model whose mean absolute
# error on the last 100 patients is below 60. Always predicting the mean
# gives more than 60.
#
# .. hint::
#
#    The mean and the standard deviation of the training rows belong to the
#    model, because the caller sends raw numbers.
table = load_diabetes(scaled=False)
rows, values = table.data.tolist(), table.target.tolist()


def make_predict(rows, values):
    raise NotImplementedError("your turn")


def check_service(function):
    predict = function(rows[:342], values[:342])
    served = serve(predict, rows[342:])
    truth = torch.tensor(values[342:])
    mean = sum(values[:342]) / 342
    assert (truth - mean).abs().mean() > 60
    assert (torch.tensor(served) - truth).abs().mean() < 60
    return served, truth


with suppress(NotImplementedError):
    check_service(make_predict)  # NotImplementedError: your turn

# %%
# Solution 7
# ----------
#
# ``predict`` keeps the mean and the standard deviation of the training rows
# and scales each request with them. It runs in ``inference_mode`` and
# returns a plain float.
def make_predict(rows, values):
    torch.manual_seed(0)
    inputs = torch.tensor(rows, device=device)
    targets = torch.tensor(values, device=device).unsqueeze(1)
    mean, std = inputs.mean(dim=0), inputs.std(dim=0)
    model = nn.Linear(10, 1)
    nn.init.constant_(model.bias, targets.mean().item())
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
    for _ in range(300):
        optimizer.zero_grad()
        F.mse_loss(model((inputs - mean) / std), targets).backward()
        optimizer.step()

    def predict(row):
        with torch.inference_mode():
            x = torch.tensor([row], device=device)
            return model((x - mean) / std).item()

    return predict


served, truth = check_service(make_predict)
figure, ax = plt.subplots()
ax.scatter(truth.cpu(), served, alpha=0.7)
ax.axline((150, 150), slope=1, linestyle=":", color="C1")
ax.set(xlabel="targets", ylabel="predict(row)")
figure.tight_layout()

"""
Serve an int8 model: ``torchao`` weights, size and accuracy
===========================================================

``quantize_`` converts the weights of a trained network to int8. This page
saves the int8 weights and the float32 weights, serves each over HTTP, and
compares the two services on the same test set. The int8 file is less than a
third as large, and the accuracy differs by less than one percentage point.
"""
import atexit
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from importlib import metadata
from pathlib import Path

import fastapi
import httpx
import matplotlib.pyplot as plt
import torch
import torchao
import uvicorn
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torchao.quantization import Int8WeightOnlyConfig, quantize_

# %%
# Train a network and quantize a copy: ``quantize_``
# --------------------------------------------------
#
# ``quantize_`` converts the weights of the three linear layers to int8. For
# each row it also stores a scale, the factor that turns the integers back
# into weights. ``quantize_`` changes the copy, and the weights of the
# trained network stay float32.
torch.manual_seed(0)
data = load_digits()
pixels = torch.tensor(data.data, dtype=torch.float32) / 16
labels = torch.tensor(data.target)
order = torch.randperm(len(pixels))
train_rows, test_rows = order[:1200], order[1200:]
model = nn.Sequential(
    nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 128), nn.ReLU(),
    nn.Linear(128, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for _ in range(12):
    for rows in train_rows.split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(pixels[rows]), labels[rows]).backward()
        optimizer.step()
model = model.cpu().eval()
int8_model = deepcopy(model)
quantize_(int8_model, Int8WeightOnlyConfig(set_inductor_config=False))
int8_model[2].weight.qdata  # shape (128, 512), dtype int8
model[2].weight.dtype  # torch.float32
for package in (fastapi, uvicorn, torchao):
    print(package.__name__, metadata.version(package.__name__))

# %%
# Save both: file size before and after
# -------------------------------------
#
# An int8 weight needs one byte instead of four. The biases and the scales
# stay float32.
cleanup = ExitStack()
atexit.register(cleanup.close)
folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
torch.save(model.state_dict(), folder / "float32.pt")
torch.save(int8_model.state_dict(), folder / "int8.pt")
names = "float32", "int8"
size = {name: (folder / f"{name}.pt").stat().st_size for name in names}
size["float32"] / size["int8"] > 3  # True

# %%
# One service for both files
# --------------------------
#
# ``assign=True`` replaces the parameters with the int8 tensors. The int8
# file contains objects of torchao classes, and ``weights_only=True`` allows
# these classes only after ``import torchao``. The environment variable
# ``WEIGHTS`` tells the service which file to load.
(folder / "service.py").write_text('''
import os
from typing import Annotated

import torch
import torchao
from fastapi import FastAPI
from pydantic import BaseModel, Field
from torch import nn

torch.set_num_threads(1)
model = nn.Sequential(
    nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 128), nn.ReLU(),
    nn.Linear(128, 10),
)
weights = torch.load(os.environ["WEIGHTS"], weights_only=True)
model.load_state_dict(weights, assign=True)
model.eval()
app = FastAPI()
Digit = Annotated[list[float], Field(min_length=64, max_length=64)]


class Request(BaseModel):
    digits: Annotated[list[Digit], Field(min_length=1, max_length=1000)]


@torch.inference_mode()
def logits(digits):
    return model(torch.tensor(digits, dtype=torch.float32))


@app.get("/health")
def health():
    return {"weight": type(model[2].weight.data).__name__,
            "inference": logits([[0.0] * 64]).is_inference()}


@app.post("/predict")
def predict(request: Request) -> list[list[float]]:
    return logits(request.digits).tolist()
''')


# %%
# Start and stop the server
# -------------------------
#
# These are the functions of :doc:`fastapi_service`, with the name of the
# weights file as an additional argument.
started = []


@contextmanager
def served(folder, weights, limit=120.0):
    log = folder / f"{weights}.log"
    environment = os.environ | {"WEIGHTS": weights}
    command = [sys.executable, "-m", "uvicorn", "service:app"]
    command += ["--host", "127.0.0.1", "--port", "0"]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment,
            stdout=output, stderr=subprocess.STDOUT,
        )
    started.append(process)
    try:
        yield address(process, log, time.monotonic() + limit)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def address(process, log, deadline):
    problem = "it has not written its address"
    while time.monotonic() < deadline:
        ended = process.poll()
        text = log.read_text()
        if ended is not None:
            raise RuntimeError(f"the server ended with {ended}: {text}")
        if found := re.search(r"http://127\.0\.0\.1:\d+(?=\s)", text):
            try:
                url = f"{found[0]}/health"
                httpx.get(url, trust_env=False).raise_for_status()
                return found[0]
            except httpx.HTTPError as error:
                problem = error
        time.sleep(0.05)
    raise TimeoutError(f"the server does not answer: {problem}; {text}")


# %%
# Send the test set to both services
# ----------------------------------
#
# ``/health`` shows the type of the weights of a service. Each service
# returns the same logits as the model with the same weights in this
# process. The logits of the two services differ a little, because the int8
# weights are rounded.
def ask(file):
    with served(folder, file) as url, httpx.Client(
        base_url=url, trust_env=False, timeout=120
    ) as client:
        weight = client.get("/health").json()
        digits = {"digits": pixels[test_rows].tolist()}
        response = client.post("/predict", json=digits).raise_for_status()
        return weight, torch.tensor(response.json(), device="cpu")


health, served_logits = {}, {}
for name in names:
    health[name], served_logits[name] = ask(f"{name}.pt")
health["float32"]  # {'weight': 'Tensor', 'inference': True}
health["int8"]  # {'weight': 'Int8Tensor', 'inference': True}
inputs = pixels[test_rows].cpu()
with torch.inference_mode():
    own = {"float32": model(inputs), "int8": int8_model(inputs)}
for name in names:
    torch.allclose(served_logits[name], own[name], atol=1e-3)  # True
difference = (served_logits["int8"] - served_logits["float32"]).abs()
0.001 < difference.max().item() < 1.0  # True
[process.poll() is None for process in started]  # [False, False]

# %%
# The result: a third of the size, and nearly the same accuracy
# -------------------------------------------------------------
#
# Left: the sizes of the two files. Right: the accuracy of the two services,
# measured over HTTP on the 597 test images.
cleanup.close()
atexit.unregister(cleanup.close)
targets = labels[test_rows].cpu()
accuracy = {
    name: (output.argmax(dim=1) == targets).double().mean().item()
    for name, output in served_logits.items()
}
print(size)
print({name: f"{value:.3f}" for name, value in accuracy.items()})
assert 0.93 < accuracy["float32"] <= 1.0, accuracy
assert abs(accuracy["int8"] - accuracy["float32"]) < 0.01, accuracy
assert 3 < size["float32"] / size["int8"] < 4, size

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
bars = left.barh(names, [size[name] / 1000 for name in names])
left.bar_label(bars, fmt="%.0f kB", color="grey", padding=4)
left.set(xlabel="kB")
left.margins(x=0.2)
right.barh(names, [accuracy[name] for name in names], color="C1")
right.set(xlabel="accuracy (test)", xlim=(0.8, 1.0))
figure.tight_layout()

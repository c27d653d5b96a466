"""
A service without PyTorch: ``onnxruntime`` behind ``FastAPI``
=============================================================

This page trains a model with PyTorch, exports it to a file in the ONNX
format and serves it with ONNX Runtime. The service does not import torch,
and the page compares how much memory a process needs with and without
torch. The service gives the same predictions as PyTorch for single images
and for batches of several sizes.
"""
import atexit
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stdout
from importlib import metadata
from io import StringIO
from pathlib import Path

import fastapi
import httpx
import matplotlib.pyplot as plt
import onnx
import onnxruntime
import onnxscript
import torch
import uvicorn
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# Train a model
# -------------
#
# After the training, the model moves to the CPU and is switched to
# ``eval()``, so that dropout is off in the exported file.
torch.manual_seed(0)
data = load_digits()
images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
labels = torch.tensor(data.target)
order = torch.randperm(len(images))
train_rows, test_rows = order[:1200], order[1200:]
model = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Dropout(0.2), nn.Linear(16 * 4 * 4, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for _ in range(15):
    for rows in train_rows.split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()
model = model.cpu().eval()
test_images = images[test_rows].cpu()

# %%
# Export to ONNX with a dynamic batch size
# ----------------------------------------
#
# The softmax is exported together with the model, so the service does not
# compute it. ``external_data=False`` puts the weights into the same file.
# ``onnx.checker.check_model`` checks the file before it is used.
cleanup = ExitStack()
atexit.register(cleanup.close)
folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
example = torch.rand(2, 1, 8, 8, device="cpu")
whole = nn.Sequential(model, nn.Softmax(dim=1)).eval()
with redirect_stdout(StringIO()):
    torch.onnx.export(
        whole, (example,), folder / "model.onnx",
        input_names=["images"], output_names=["probabilities"],
        dynamic_shapes=({0: "batch"},), external_data=False,
    )
torch.save(model.state_dict(), folder / "weights.pt")
file = onnx.load(folder / "model.onnx")
onnx.checker.check_model(file)
kinds = [node.op_type for node in file.graph.node]
kinds[:3]  # ['Conv', 'Relu', 'MaxPool']
for package in (fastapi, uvicorn, onnxruntime, onnxscript):
    print(package.__name__, metadata.version(package.__name__))

# %%
# The service: no torch in the process
# ------------------------------------
#
# ``/health`` tells whether the process has imported torch, and returns its
# peak memory, which Linux keeps in ``/proc/self/status``.
# ``intra_op_num_threads`` is 1, so each call uses one core and several
# requests share the cores.
(folder / "peak_memory.py").write_text('''
def peak():
    """Kilobytes that this process has used at most; 0 if not on Linux."""
    try:
        with open("/proc/self/status") as file:
            return int(file.read().split("VmHWM:")[1].split()[0])
    except OSError:
        return 0
''')
(folder / "service.py").write_text('''
import sys
from typing import Annotated

import numpy as np
import onnxruntime
from fastapi import FastAPI
from peak_memory import peak
from pydantic import BaseModel, Field

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(
    "model.onnx", options, providers=["CPUExecutionProvider"]
)
app = FastAPI()
Pixel = Annotated[float, Field(ge=0, le=1)]
Digit = Annotated[list[Pixel], Field(min_length=64, max_length=64)]


class Request(BaseModel):
    digits: Annotated[list[Digit], Field(min_length=1, max_length=64)]


class Answer(BaseModel):
    digits: list[int]
    probabilities: list[float]


@app.get("/health")
def health():
    return {"torch": "torch" in sys.modules, "peak": peak()}


@app.post("/predict")
def predict(request: Request) -> Answer:
    pixels = np.array(request.digits, np.float32).reshape(-1, 1, 8, 8)
    (rows,) = session.run(["probabilities"], {"images": pixels})
    return Answer(digits=rows.argmax(1), probabilities=rows.max(1))
''')


# %%
# Start and stop the server
# -------------------------
#
# These are the functions of :doc:`fastapi_service`. The server runs in its
# own process, on a port that the system chooses. If the server does not
# start, the error message contains its log. A process that does not end is
# killed.
started = []


@contextmanager
def served(folder, limit=120.0):
    log = folder / "server.log"
    command = [sys.executable, "-m", "uvicorn", "service:app"]
    command += ["--host", "127.0.0.1", "--port", "0"]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT
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
# Send one image, and batches of several sizes
# --------------------------------------------
#
# The model was exported with an example batch of two images, and it also
# takes 1, 7 or 64 images. A request with too few pixels gets status 422.
server = cleanup.enter_context(ExitStack())
url = server.enter_context(served(folder))
client = cleanup.enter_context(
    httpx.Client(base_url=url, trust_env=False, timeout=120)
)
client.get("/health").json()["torch"]  # False
with torch.inference_mode():
    own = model(test_images).softmax(dim=1).max(dim=1)
own_digits, own_probabilities = own.indices.tolist(), own.values


def ask(inputs):
    digits = inputs.flatten(1).tolist()
    response = client.post("/predict", json={"digits": digits})
    return response.raise_for_status().json()


equal = []
for size in (1, 7, 64):
    answer = ask(test_images[:size])
    found = torch.tensor(answer["probabilities"], device="cpu")
    close = torch.allclose(found, own_probabilities[:size], atol=1e-4)
    equal.append((answer["digits"] == own_digits[:size], close))
equal  # [(True, True), (True, True), (True, True)]
response = client.post("/predict", json={"digits": [[0.5] * 63]})
response.status_code  # 422
response.json()["detail"][0]["loc"]  # ['body', 'digits', 0]

# %%
# Send many requests at once
# --------------------------
#
# 16 threads send 300 images, each in its own request.
with ThreadPoolExecutor(max_workers=16) as pool:
    answers = list(pool.map(ask, test_images[:300].split(1)))
served_digits = [answer["digits"][0] for answer in answers]
served_digits == own_digits[:300]  # True
peak = client.get("/health").json()["peak"]
server.close()
[process.poll() is None for process in started]  # [False]

# %%
# Compare the peak memory with a process that imports torch
# ---------------------------------------------------------
#
# The second process imports torch as well as FastAPI, loads the same model
# and predicts one batch. The peak memory of the two processes depends on
# the machine and on the versions, so the page only prints and draws it.
(folder / "with_torch.py").write_text('''
import fastapi
import torch
import uvicorn
from peak_memory import peak
from torch import nn

model = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Dropout(0.2), nn.Linear(16 * 4 * 4, 10),
)
model.load_state_dict(torch.load("weights.pt", weights_only=True))
with torch.inference_mode():
    model.eval()(torch.zeros(64, 1, 8, 8))
print(peak())
''')
ran = subprocess.run(
    [sys.executable, "with_torch.py"],
    cwd=folder, capture_output=True, text=True, check=True, timeout=120,
)
memory = {"onnxruntime": peak / 1e3, "torch": int(ran.stdout) / 1e3}
print({name: f"{value:.0f} MB" for name, value in memory.items()})

# %%
# The result: the predictions of PyTorch, without PyTorch
# -------------------------------------------------------
#
# The service reaches more than 93 % accuracy and gives the same predictions
# as PyTorch. Left: the peak memory of both processes when this page was
# built. Right: the probability in each of the 300 responses, against the
# probability that PyTorch gives.
cleanup.close()
atexit.unregister(cleanup.close)
served_probabilities = [answer["probabilities"][0] for answer in answers]
found = torch.tensor(served_probabilities, device="cpu")
difference = (found - own_probabilities[:300]).abs().max().item()
right_answers = torch.tensor(served_digits) == labels[test_rows[:300]]
accuracy = right_answers.float().mean().item()
print(f"{accuracy=:.3f} {difference=:.1e}")
assert 0.93 < accuracy <= 1.0, accuracy
assert served_digits == own_digits[:300] and difference < 1e-4, difference

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
bars = left.bar(list(memory), list(memory.values()), color=["C0", "C1"])
left.bar_label(bars, fmt="%.0f MB", color="grey")
left.set(ylabel="MB")
left.margins(y=0.15)
right.plot(own_probabilities[:300], served_probabilities, ".", alpha=0.5)
right.set(xlabel="probability, PyTorch", ylabel="probability, service")
figure.tight_layout()

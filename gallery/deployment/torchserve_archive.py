"""
TorchServe: make a ``.mar`` archive and serve it
================================================

``torch-model-archiver`` packs the weights, the network and a handler, the
class that answers requests, into a ``.mar`` file. ``torchserve``, which
needs Java, serves the file. On this page it answers 300 requests with the
predictions of the model itself. TorchServe is archived and gets no more
fixes. For a new service see :doc:`torchserve_and_after`.
"""
import atexit
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import matplotlib.pyplot as plt
import model_archiver
import psutil
import torch
import ts
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# Train a model
# -------------
#
# TorchServe is a Java program, and its workers are Python processes that
# hold the model. The first line asks whether Java is there.
java = subprocess.run(
    ["java", "-version"], capture_output=True, text=True, check=True
)
print(java.stderr.splitlines()[0])
print(f"torchserve {ts.__version__}")
print(f"torch-model-archiver {model_archiver.__version__}")
torch.manual_seed(0)
data = load_digits()
pixels = torch.tensor(data.data, dtype=torch.float32) / 16
labels = torch.tensor(data.target)
order = torch.randperm(len(pixels))
train_rows, test_rows = order[:1200], order[1200:]
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(20):
    for rows in train_rows.split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(pixels[rows]), labels[rows]).backward()
        optimizer.step()
model = model.cpu().eval()

# %%
# Two files: the network and the handler
# --------------------------------------
#
# The file with the network holds one class, which ``BaseHandler`` builds
# without arguments. The handler gets a list of requests and returns a list
# of answers of the same length. A request that does not fit gets a status
# of its own from ``set_response_status``, and the others of its batch are
# answered.
cleanup = ExitStack()
atexit.register(cleanup.close)
folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
folder = folder.resolve()
torch.save(model.state_dict(), folder / "digits.pt")
(folder / "network.py").write_text('''
from torch import nn


class Network(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
''')
(folder / "handler.py").write_text('''
import torch
from ts.torch_handler.base_handler import BaseHandler


def read(request):
    try:
        row = torch.tensor(request["body"]["pixels"], dtype=torch.float32)
    except (KeyError, TypeError, ValueError):
        return None
    return row if row.shape == (64,) else None


class Digits(BaseHandler):
    def initialize(self, context):
        torch.set_num_threads(1)
        super().initialize(context)

    def preprocess(self, requests):
        self.rows = [read(request) for request in requests]
        empty = torch.zeros(64)
        return torch.stack([empty if r is None else r for r in self.rows])

    def postprocess(self, logits):
        best = logits.softmax(dim=1).max(dim=1)
        pairs = zip(best.indices.tolist(), best.values.tolist())
        return [self.answer(index, *one) for index, one in enumerate(pairs)]

    def answer(self, index, digit, probability):
        if self.rows[index] is None:
            self.context.set_response_status(400, "Bad Request", index)
            return {"message": "the request needs 64 pixels"}
        return {"digit": digit, "probability": probability,
                "batch": len(self.rows)}
''')

# %%
# Make the archive: ``torch-model-archiver``
# ------------------------------------------
#
# ``torch-model-archiver`` is ``python -m model_archiver.model_packaging``.
# The file for ``--config-file`` sets the number of workers and the size of
# a batch: here one worker, and up to 16 requests that arrive within 50 ms.
python = [sys.executable, "-W", "ignore"]
(folder / "model.yaml").write_text("""
minWorkers: 1
maxWorkers: 1
batchSize: 16
maxBatchDelay: 50
""")
archiver = [*python, "-m", "model_archiver.model_packaging"]
options = [
    *["--model-name", "digits", "--version", "1.0"],
    *["--model-file", "network.py", "--serialized-file", "digits.pt"],
    *["--handler", "handler.py", "--config-file", "model.yaml"],
]
subprocess.run([*archiver, *options], cwd=folder, check=True)
with zipfile.ZipFile(folder / "digits.mar") as archive:
    names = sorted(archive.namelist())
    manifest = json.loads(archive.read("MAR-INF/MANIFEST.json"))["model"]
names[:3]  # ['MAR-INF/MANIFEST.json', 'digits.pt', 'handler.py']
names[3:]  # ['model.yaml', 'network.py']
manifest["modelFile"], manifest["handler"]  # ('network.py', 'handler.py')

# %%
# Settings: addresses, and who may ask
# ------------------------------------
#
# The addresses are often ports, such as ``http://127.0.0.1:8080``. Here
# they are Unix sockets in the temporary folder, so no port has to be free.
# The ports for gRPC, another protocol, are 0, so the system chooses them.
# Do not let others reach the management address: it loads models, and a
# model brings code.
(folder / "config.properties").write_text(f"""
inference_address=unix:{folder / "inference"}
management_address=unix:{folder / "management"}
metrics_address=unix:{folder / "metrics"}
grpc_inference_port=0
grpc_management_port=0
number_of_gpu=0
disable_system_metrics=true
""")


def connect(name):
    socket = httpx.HTTPTransport(uds=str(folder / name))
    return cleanup.enter_context(httpx.Client(
        base_url="http://localhost", transport=socket,
        trust_env=False, timeout=120,
    ))


client, management = connect("inference"), connect("management")

# %%
# Start and stop: ``torchserve`` and ``torchserve --stop``
# --------------------------------------------------------
#
# ``torchserve`` is ``python -m ts.model_server``. It starts Java and notes
# the process id in a file in ``TMPDIR``. ``--ncs`` saves no settings, and
# with ``--disable-token-auth`` clients need no key. Stop the server with
# ``torchserve --stop``, which also ends Java. A signal to the first process
# does not end Java.
torchserve = [*python, "-m", "ts.model_server", "--foreground"]
environment = os.environ | {"TMPDIR": str(folder), "TEMP": str(folder)}
log = folder / "torchserve.log"
started = []


@contextmanager
def served(limit=240.0):
    options = ["--start", "--ncs", "--disable-token-auth"]
    options += ["--ts-config", "config.properties"]
    options += ["--model-store", ".", "--models", "digits=digits.mar"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*torchserve, *options], cwd=folder, env=environment,
            stdout=output, stderr=subprocess.STDOUT,
        )
    started.append(process)
    try:
        wait(process, time.monotonic() + limit)
        yield
    finally:
        stop(process)


def stop(process):
    try:
        with log.open("a") as output:
            subprocess.run(
                [*torchserve, "--stop"], cwd=folder, env=environment,
                stdout=output, stderr=subprocess.STDOUT, timeout=120,
            )
    finally:
        for one in left_after(30.0):
            one.kill()
        process.wait()
        left_after(30.0)


def running():
    every = psutil.process_iter(["cwd"])
    return [one for one in every if str(folder) in str(one.info["cwd"])]


def left_after(limit):
    deadline = time.monotonic() + limit
    while running() and time.monotonic() < deadline:
        time.sleep(0.05)
    return running()


# %%
# Wait until the worker is ready
# ------------------------------
#
# The management address tells the state of the worker: wait for
# ``"READY"``. A worker that ends is started again, so look for that in the
# log as well. Three processes run: ``torchserve``, Java and the worker.
# They are found by their working directory, which lies in the temporary
# folder.
def wait(process, deadline):
    problem = None
    while time.monotonic() < deadline:
        ended = process.poll()
        if ended is not None:
            raise RuntimeError(f"torchserve ended with {ended}: {tail()}")
        if "WORKER_STOPPED" in log.read_text():
            raise RuntimeError(f"the worker has ended: {tail()}")
        try:
            answer = management.get("/models/digits").raise_for_status()
            problem = [one["status"] for one in answer.json()[0]["workers"]]
            if problem == ["READY"]:
                return
        except httpx.HTTPError as error:
            problem = error
        time.sleep(0.1)
    raise TimeoutError(f"the worker is not ready: {problem}; {tail()}")


def tail():
    return log.read_text()[-4000:]


server = cleanup.enter_context(ExitStack())
server.enter_context(served())
(told,) = management.get("/models/digits").json()
told["modelVersion"], told["batchSize"]  # ('1.0', 16)
java = psutil.Process(told["workers"][0]["pid"]).parent()
java.name(), java.ppid() == started[0].pid  # ('java', True)
len(running())  # 3

# %%
# 300 digits, and ten requests that do not fit
# --------------------------------------------
#
# 32 threads send the requests, with one digit each. The answers are those
# of the model, and at least one batch had several requests. Ten requests
# among them have a single pixel: these are refused, and the others are
# answered.
test_pixels = pixels[test_rows[:300]].cpu()
with torch.inference_mode():
    own = model(test_pixels).softmax(dim=1).max(dim=1)
own_digits, own_probabilities = own.indices.tolist(), own.values


def ask(row):
    try:
        response = client.post("/predictions/digits", json={"pixels": row})
    except httpx.HTTPError as error:
        raise RuntimeError(f"no answer: {error}; {tail()}") from error
    if response.status_code not in (200, 400):
        text = f"{response.status_code} {response.text}"
        raise RuntimeError(f"no answer: {text}; {tail()}")
    return response


sent = test_pixels.tolist()
for place in range(0, 300, 30):
    sent.insert(place, [0.5])
with ThreadPoolExecutor(max_workers=32) as pool:
    responses = list(pool.map(ask, sent))
answers = [one.json() for one in responses if one.status_code == 200]
refusals = [one.json() for one in responses if one.status_code == 400]
[answer["digit"] for answer in answers] == own_digits  # True
1 < max(answer["batch"] for answer in answers) <= 16  # True
len(refusals), refusals[0]["message"]  # (10, 'the request needs 64 pixels')


# %%
# What is refused, with its status and message
# --------------------------------------------
#
# The handler refuses 63 pixels, and text that is not JSON. TorchServe
# itself answers 404 for a model that it does not have, and 413 for a body
# of more than 6,553,500 bytes. ``max_request_size`` sets another limit.
def refused(model, **request):
    response = client.post(f"/predictions/{model}", **request)
    return response.status_code, response.text and response.json()


status, answer = refused("digits", json={"pixels": [0.0] * 63})
status, answer  # (400, {'message': 'the request needs 64 pixels'})
json_type = {"Content-Type": "application/json"}
status, answer = refused("digits", content="?", headers=json_type)
status, answer  # (400, {'message': 'the request needs 64 pixels'})
status, answer = refused("letters", json={"pixels": [0.0] * 64})
status, answer["message"]  # (404, 'Model not found: letters')
refused("digits", content=bytes(6_553_501))  # (413, '')

# %%
# Stop it: nothing is left
# ------------------------
#
# Java, the worker and ``torchserve`` have ended, the last one with code 0.
server.close()
running()  # []
[process.poll() for process in started]  # [0]

# %%
# The result: TorchServe gives the predictions of the model
# ---------------------------------------------------------
#
# The service reaches more than 93 % accuracy on the test set, with the same
# predictions as the model. Left: the number of requests in batches of each
# size, which depends on the load of the machine. Right: the probability in
# each answer, against the probability that the model computed in this
# process. The points lie on the diagonal.
cleanup.close()
atexit.unregister(cleanup.close)
found = [answer["probability"] for answer in answers]
served_probabilities = torch.tensor(found, device="cpu")
difference = (served_probabilities - own_probabilities).abs().max().item()
right_answers = torch.tensor(own_digits) == labels[test_rows[:300]]
accuracy = right_answers.float().mean().item()
print(f"{accuracy=:.3f} {difference=:.1e}")
assert [answer["digit"] for answer in answers] == own_digits
assert 0.93 < accuracy <= 1.0, accuracy
assert difference < 1e-5, difference

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
sizes = [answer["batch"] for answer in answers]
left.hist(sizes, bins=range(1, 18), align="left", rwidth=0.8)
left.set(xlabel="requests in the batch", ylabel="answers")
right.plot(own_probabilities, served_probabilities, ".", alpha=0.5)
right.set(xlabel="probability, model", ylabel="probability, TorchServe")
figure.tight_layout()

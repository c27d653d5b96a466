"""
After ``TorchServe``: open an old archive, serve with LitServe, Ray Serve
=========================================================================

TorchServe is archived and gets no more fixes. Its ``.mar`` files are zip
archives, and this page takes the weights out of one. It serves them with
LitServe, which forms batches of requests, and with Ray Serve, which runs
several replicas of the model. Each response agrees with the prediction of
the model itself.
"""
import atexit
import io
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path

import httpx
import litserve
import matplotlib.pyplot as plt
import ray
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# Train a model
# -------------
#
# Both services below use the same network.
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
print("litserve", metadata.version(litserve.__name__))
print("ray", metadata.version(ray.__name__))

# %%
# What TorchServe was: an archive and a handler
# ---------------------------------------------
#
# ``torch-model-archiver`` packed the weights and a handler, the class that
# answers requests, into a ``.mar`` file. The server loaded this file: see
# :doc:`torchserve_archive`. The handler had four methods. The code builds
# an archive with the same layout, with ``zipfile``.
handler = '''
class Digits:
    def initialize(self, context): ...
    def preprocess(self, requests): ...
    def inference(self, batch): ...
    def postprocess(self, output): ...
'''
cleanup = ExitStack()
atexit.register(cleanup.close)
folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
buffer = io.BytesIO()
torch.save(model.state_dict(), buffer)
named = {"modelName": "digits", "serializedFile": "digits.pt"}
manifest = {"model": named | {"handler": "digits.py"}}
with zipfile.ZipFile(folder / "digits.mar", "w") as archive:
    archive.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
    archive.writestr("digits.pt", buffer.getvalue())
    archive.writestr("digits.py", handler)

# %%
# Open an old archive without TorchServe
# --------------------------------------
#
# The manifest names the file with the weights. Do not trust an archive from
# somewhere else: take out this one file, and load it with
# ``weights_only=True``.
with zipfile.ZipFile(folder / "digits.mar") as archive:
    told = json.loads(archive.read("MAR-INF/MANIFEST.json"))["model"]
    content = archive.read(told["serializedFile"])
told["modelName"], told["serializedFile"]  # ('digits', 'digits.pt')
weights = torch.load(io.BytesIO(content), weights_only=True)
list(weights)  # ['0.weight', '0.bias', '2.weight', '2.bias']
torch.save(weights, folder / "weights.pt")

# %%
# LitServe: the handler becomes a ``LitAPI``
# ------------------------------------------
#
# The four methods of the handler become ``setup``, ``decode_request``,
# ``predict`` and ``encode_response``. With ``max_batch_size`` the server
# collects requests that arrive together, and ``predict`` gets a batch. Each
# response includes the size of the largest batch so far. If the package
# ``mcp`` is installed, LitServe 0.2.19 needs the line that ends in
# ``_MCP_AVAILABLE = False``; without it, a newer ``mcp`` stops the server.
(folder / "network.py").write_text('''
import torch
from torch import nn


def load():
    torch.set_num_threads(1)
    network = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    network.load_state_dict(torch.load("weights.pt", weights_only=True))
    return network.eval()
''')
(folder / "lit.py").write_text('''
import sys

import litserve
import torch
from network import load

litserve.server._MCP_AVAILABLE = False


class Digits(litserve.LitAPI):
    def setup(self, device):
        self.network, self.largest = load(), 0

    def decode_request(self, request):
        return torch.tensor(request["pixels"])

    @torch.inference_mode()
    def predict(self, batch):
        self.largest = max(self.largest, len(batch))
        return self.network(batch).softmax(dim=1)

    def encode_response(self, row):
        best = row.max(dim=0)
        return {"digit": best.indices.item(),
                "probability": best.values.item(), "batch": self.largest}


if __name__ == "__main__":
    api = Digits(max_batch_size=16, batch_timeout=0.05)
    server = litserve.LitServer(api, accelerator="cpu", timeout=120)
    server.run(host="127.0.0.1", port=int(sys.argv[1]),
               generate_client_file=False)
''')

# %%
# Ray Serve: replicas of a deployment
# -----------------------------------
#
# ``num_replicas`` is the number of processes that hold the model. Ray sends
# each request to one of these processes, and the response names the
# process. When the script is asked to end, it shuts Ray down first, because
# Ray has processes of its own.
(folder / "replicas.py").write_text('''
import os
import signal
import sys
import threading

import ray
import torch
from network import load
from ray import serve


@serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 0.1})
class Digits:
    def __init__(self, folder):
        os.chdir(folder)
        self.network = load()

    @torch.inference_mode()
    def answer(self, pixels):
        row = self.network(torch.tensor(pixels)).softmax(dim=0)
        best = row.max(dim=0)
        return {"digit": best.indices.item(),
                "probability": best.values.item(), "process": os.getpid()}

    async def __call__(self, request):
        return self.answer((await request.json())["pixels"])


if __name__ == "__main__":
    stop = threading.Event()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False,
             object_store_memory=100_000_000, _temp_dir=os.getcwd())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    options = {"host": "127.0.0.1", "port": int(sys.argv[1])}
    serve.start(http_options=options)
    serve.run(Digits.bind(os.getcwd()), route_prefix="/predict")
    state = serve.status().applications["default"].deployments["Digits"]
    print(dict(state.replica_states), flush=True)
    stop.wait()
    serve.shutdown()
    ray.shutdown()
''')


# %%
# Start and stop both servers
# ---------------------------
#
# Both servers need the number of a port. The system chooses a free port,
# and closing the socket frees it for the server. Each server runs in its
# own process. An error shows its log, and the server is killed at the end
# if it does not stop.
started = []


@contextmanager
def served(script, health, limit=240.0):
    log = folder / f"{script}.log"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, script, str(port)]
    environment = os.environ | {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment,
            stdout=output, stderr=subprocess.STDOUT,
        )
    started.append(process)
    url = f"http://127.0.0.1:{port}"
    try:
        wait(process, f"{url}{health}", log, time.monotonic() + limit)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait(process, url, log, deadline):
    problem = None
    while time.monotonic() < deadline:
        if process.poll() is not None:
            how, text = process.returncode, log.read_text()
            raise RuntimeError(f"the server ended with {how}: {text}")
        try:
            return httpx.get(url, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            problem = error
        time.sleep(0.1)
    raise TimeoutError(f"no answer: {problem}; {log.read_text()}")


# %%
# Send 200 requests to LitServe, which forms batches
# --------------------------------------------------
#
# 32 threads send the requests, with one image each. The responses agree
# with the predictions of the model, and at least one batch held more than
# one image.
test_pixels = pixels[test_rows[:200]].cpu()
with torch.inference_mode():
    own = model(test_pixels).softmax(dim=1).max(dim=1)
own_digits, own_probabilities = own.indices.tolist(), own.values


def ask_all(url):
    def ask(digit):
        response = client.post("/predict", json={"pixels": digit})
        return response.raise_for_status().json()

    with httpx.Client(base_url=url, trust_env=False, timeout=120) as client:
        with ThreadPoolExecutor(max_workers=32) as pool:
            return list(pool.map(ask, test_pixels.tolist()))


with served("lit.py", "/health") as url:
    lit = ask_all(url)
[answer["digit"] for answer in lit] == own_digits  # True
1 < max(answer["batch"] for answer in lit) <= 16  # True

# %%
# Send 200 requests to Ray Serve with two replicas
# ------------------------------------------------
#
# The two processes share the requests, and the responses agree with the
# predictions of the model.
with served("replicas.py", "/-/healthz") as url:
    replicas = ask_all(url)
[answer["digit"] for answer in replicas] == own_digits  # True
len({answer["process"] for answer in replicas})  # 2
[process.poll() is None for process in started]  # [False, False]

# %%
# The result: the predictions of the model from both servers
# ----------------------------------------------------------
#
# Both servers reach more than 93 % accuracy, like the model itself. Left:
# the largest batch of LitServe, over the course of the responses. Right:
# the number of requests that each replica of Ray Serve answered. Both
# depend on the load of the machine.
cleanup.close()
atexit.unregister(cleanup.close)
right_answers = torch.tensor(own_digits) == labels[test_rows[:200]]
accuracy = right_answers.float().mean().item()
difference = {}
for name, answers in ("LitServe", lit), ("Ray Serve", replicas):
    found = [answer["probability"] for answer in answers]
    found = torch.tensor(found, device="cpu")
    difference[name] = (found - own_probabilities).abs().max().item()
print(f"{accuracy=:.3f} {difference=}")
assert 0.93 < accuracy <= 1.0, accuracy
assert max(difference.values()) < 1e-5, difference

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
left.plot([answer["batch"] for answer in lit])
left.set(xlabel="answer", ylabel="largest batch", title="LitServe")
counted = {}
for answer in replicas:
    counted[answer["process"]] = counted.get(answer["process"], 0) + 1
right.bar(["replica 1", "replica 2"], list(counted.values()), color="C1")
right.set(ylabel="requests", title="Ray Serve")
figure.tight_layout()

"""
Inference
=========

Inference means predicting with a trained model. Make the model faster and
smaller, and keep the response time and the memory of a service within
limits.
"""
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO
from pathlib import Path
from queue import Queue

import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# %%
# Before a model serves: ``eval``, ``inference_mode``, a warm-up call
# -------------------------------------------------------------------
#
# The first calls are slow because libraries are loaded, the GPU starts,
# memory is reserved, and ``torch.compile`` does its work only then. Before
# the first request, call the model a few times with inputs of the real
# sizes. In ``torch.inference_mode``, PyTorch does not record the
# computation graph for gradients, which saves memory and time.
model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout()).eval()


@torch.inference_mode()
def predict(x):
    return model(x)


for size in (1, 16):
    for _ in range(3):
        predict(torch.zeros(size, 8))
output = predict(torch.ones(2, 8))
output.requires_grad, output.grad_fn  # (False, None)
torch.equal(output, predict(torch.ones(2, 8)))  # True

# %%
# Fold batch normalization into the convolution: ``fuse_conv_bn_eval``
# --------------------------------------------------------------------
#
# In evaluation mode, batch normalization multiplies by a scale and adds a
# shift. Both fit into the weights and the bias of the convolution before
# it. The fused layer gives the same numbers with one layer less.
conv, norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
x = torch.rand(8, 3, 6, 6)
norm(conv(x)).sum().backward()
pair = nn.Sequential(conv, norm).eval()
fused = fuse_conv_bn_eval(conv, norm)
fused  # type Conv2d
torch.allclose(fused(x), pair(x), atol=1e-4)  # True
scale = norm.weight / (norm.running_var + norm.eps).sqrt()
weight = conv.weight * scale.reshape(-1, 1, 1, 1)
torch.allclose(fused.weight, weight, atol=1e-6)  # True

# %%
# Half the size: ``model.to(torch.bfloat16)``
# -------------------------------------------
#
# A bfloat16 number takes two bytes, and a float32 number takes four. The
# weights therefore need half the memory and half the file size, and many
# GPUs multiply them faster. Convert the inputs, too. bfloat16 has 8 bits of
# precision, so compare the accuracy on a test set.
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
small = deepcopy(model).to(torch.bfloat16)


def size(model):
    return sum(p.nbytes for p in model.parameters())


size(model), size(small)  # (18720, 9360)
x = torch.rand(16, 64)
with torch.inference_mode():
    exact, rough = model(x), small(x.to(torch.bfloat16)).float()
(rough - exact).abs().max() < 0.05  # tensor(True)

# %%
# Memory grows with concurrent requests: limit them with a semaphore
# ------------------------------------------------------------------
#
# Each running request holds its own intermediate results (activations). The
# GPU memory in use therefore grows with the number of requests that run
# together, and PyTorch does not give it back to the system after a peak.
# Limit the number of requests, refuse inputs that are too long, and predict
# in ``torch.inference_mode``.
model = nn.Linear(8, 8, device="cpu").eval()
places = threading.Semaphore(2)
running, most, lock = 0, 0, threading.Lock()


def handle(x):
    global running, most
    with places, torch.inference_mode():
        with lock:
            running += 1
            most = max(most, running)
        answer = model(x).sum().item()
        with lock:
            running -= 1
    return answer


with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(handle, [torch.zeros(1, 8, device="cpu")] * 64))
len(answers), most <= 2  # (64, True)

# %%
# Many small requests: collect them into one batch
# ------------------------------------------------
#
# One call with 16 samples is usually much faster than 16 calls with one. A
# thread takes the waiting requests from a queue, runs the model once and
# gives each request its row. Servers such as Triton, LitServe and Ray Serve
# do this for you.
model, waiting, calls = nn.Linear(4, 2).eval(), Queue(), []


@torch.inference_mode()
def serve_once():
    requests = [waiting.get()]
    while not waiting.empty() and len(requests) < 16:
        requests.append(waiting.get())
    rows = model(torch.stack([x for x, _ in requests]))
    calls.append(len(requests))
    for (_, answer), row in zip(requests, rows, strict=True):
        answer.put(row)


answers = [Queue() for _ in range(20)]
inputs = torch.rand(20, 4)
for x, answer in zip(inputs, answers, strict=True):
    waiting.put((x, answer))
serve_once()
serve_once()
calls  # [16, 4]
rows = torch.stack([answer.get() for answer in answers])
torch.allclose(rows, model(inputs), atol=1e-6)  # True

# %%
# Share the weights between processes: ``torch.load(mmap=True)``
# --------------------------------------------------------------
#
# Each worker process of a server loads its own model. With
# ``torch.load(mmap=True)`` and ``load_state_dict(assign=True)`` the weights
# stay in the file, and all processes of a machine share the part of it that
# is in memory. On a GPU each of these workers has its own copy, so use one
# process there and collect requests into batches.
source = nn.Linear(64, 64)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "weights.pt"
    torch.save(source.cpu().state_dict(), path)
    state = torch.load(path, mmap=True, map_location="cpu")
    worker = nn.Linear(64, 64, device="meta")
    worker.load_state_dict(state, assign=True)
    same = torch.equal(worker.weight, source.weight)
    shared = worker.weight.data_ptr() == state["weight"].data_ptr()
same, shared  # (True, True)

# %%
# Several models on one CPU are slow: threads for each process
# ------------------------------------------------------------
#
# By default, each process uses about one thread per core. Several processes
# side by side then compete for the cores, and each gets slower. Give each
# process its share with ``torch.set_num_threads``, or set
# ``OMP_NUM_THREADS`` before it starts.
before, workers = torch.get_num_threads(), 4
share = max(1, len(os.sched_getaffinity(0)) // workers)
torch.set_num_threads(share)
torch.get_num_threads() == share  # True
torch.set_num_threads(before)

# %%
# Run a model in TensorRT or OpenVINO: export an ONNX file
# --------------------------------------------------------
#
# Export in evaluation mode, name the inputs, let the batch size vary, and
# keep the weights in the file. TensorRT then compiles the file for the GPU
# of the machine, so run this where the model will serve, with the smallest,
# the usual and the largest input shape: ``trtexec --onnx=model.onnx
# --minShapes=input:1x4 --optShapes=input:8x4 --maxShapes=input:64x4``.
# OpenVINO reads the file directly. Compare the outputs after each step.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
    path = Path(folder) / "model.onnx"
    torch.onnx.export(
        model, (torch.rand(2, 4),), path, input_names=["input"],
        output_names=["logits"], dynamic_shapes=({0: "batch"},),
        external_data=False,
    )
    session = onnxruntime.InferenceSession(path)
session.get_inputs()[0].name  # 'input'
session.get_outputs()[0].name  # 'logits'
session.get_inputs()[0].shape  # ['batch', 4]
x = torch.rand(5, 4)
(logits,) = session.run(None, {"input": x.cpu().numpy()})
np.allclose(logits, model(x).detach().cpu(), atol=1e-4)  # True

"""
HTTP service with ``Flask``: upload an image, answer with a message
===================================================================

A client uploads an image in a form and gets the predicted class and its
probability. A missing file, a file that is not an image, and a file that is
too large get a status of 4xx and a message. A fault of the service gets
status 500, and its traceback goes to the log instead of the client.
``waitress`` serves the application.
"""
import atexit
import io
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path

import flask
import httpx
import matplotlib.pyplot as plt
import torch
import waitress
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# Train a model and export it: ``torch.export.save``
# --------------------------------------------------
#
# ``torch.export.save`` writes the graph and the weights into one file, so
# the service does not need the code of the model. The batch size may vary.
# Use an example batch of at least two images, for the reason given in
# :doc:`/reference/compile/export`.
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

cleanup = ExitStack()
atexit.register(cleanup.close)
folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
batch = torch.export.Dim("batch")
example = torch.rand(2, 1, 8, 8, device="cpu")
program = torch.export.export(
    model, (example,), dynamic_shapes=({0: batch},)
)
torch.export.save(program, folder / "model.pt2")
for package in (flask, waitress):
    print(package.__name__, metadata.version(package.__name__))

# %%
# The service: routes, limits and error messages
# ----------------------------------------------
#
# ``MAX_CONTENT_LENGTH`` limits the size of a request. The function
# ``message`` turns the errors of ``Flask`` into JSON. For a fault of the
# service itself, the client gets "internal error" and the log gets the
# traceback. The route ``/fault`` contains such a fault on purpose.
(folder / "service.py").write_text('''
import numpy as np
import torch
from flask import Flask, abort, request
from PIL import Image
from werkzeug.exceptions import HTTPException

torch.set_num_threads(1)
model = torch.export.load("model.pt2").module()
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 100_000


@app.errorhandler(Exception)
def message(error):
    if isinstance(error, HTTPException):
        return {"message": error.description}, error.code
    app.logger.error("a fault of the service", exc_info=error)
    return {"message": "internal error"}, 500


@torch.inference_mode()
def probabilities(pixels):
    return model(pixels).softmax(dim=1)


def read(file):
    try:
        image = Image.open(file, formats=["PNG", "JPEG"])
        if image.width * image.height > 1_000_000:
            return None
        box = Image.Resampling.BOX
        return np.asarray(image.convert("L").resize((8, 8), box))
    except Exception:
        abort(415, "the file is no readable PNG or JPEG")


@app.get("/health")
def health():
    probe = probabilities(torch.zeros(1, 1, 8, 8))
    return {"inference": probe.is_inference()}


@app.post("/predict")
def predict():
    if "image" not in request.files:
        abort(400, 'the form has no file "image"')
    file = request.files["image"]
    if not file.filename:
        abort(400, "no file was chosen")
    grey = read(file.stream)
    if grey is None:
        abort(413, "the image has too many pixels")
    pixels = torch.tensor(grey / 255, dtype=torch.float32)
    best = probabilities(pixels.reshape(1, 1, 8, 8)).max(dim=1)
    return {"digit": best.indices.item(), "probability": best.values.item()}


@app.get("/fault")
def fault():
    return {"answer": 1 / 0}
''')


# %%
# Start and stop the server: ``waitress``
# ---------------------------------------
#
# ``flask run`` is meant for development, so use a production server such as
# ``waitress``. With port 0 the system chooses a free port, which appears in
# the log. If the process ends early, or does not answer in time, the error
# shows the log. At the end the server is asked to stop, and if it does not
# stop, it is killed.
started = []


@contextmanager
def served(folder, limit=120.0):
    log = folder / "server.log"
    command = [sys.executable, "-m", "waitress", "--threads=8"]
    command += ["--listen=127.0.0.1:0", "service:app"]
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
        if found := re.search(r"Serving on http://\S+:(\d+)\s", text):
            try:
                url = f"http://127.0.0.1:{found[1]}"
                response = httpx.get(f"{url}/health", trust_env=False)
                response.raise_for_status()
                return url
            except httpx.HTTPError as error:
                problem = error
        time.sleep(0.05)
    raise TimeoutError(f"the server does not answer: {problem}; {text}")


server = cleanup.enter_context(ExitStack())
url = server.enter_context(served(folder))
client = cleanup.enter_context(
    httpx.Client(base_url=url, trust_env=False, timeout=120)
)
client.get("/health").json()  # {'inference': True}


# %%
# Upload an image
# ---------------
#
# The image is sent as a PNG of 80 by 80 pixels. The response agrees with
# the prediction of the model in this process.
def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def upload(content, field="image", filename="digit.png"):
    files = {field: (filename, content)}
    response = client.post("/predict", files=files)
    return response.status_code, response.json()


grey = (images[test_rows, 0] * 255).round().to(torch.uint8).cpu()
pictures = [Image.fromarray(one.numpy()) for one in grey]
with torch.inference_mode():
    own = model(grey[:, None] / 255).softmax(dim=1).max(dim=1)
own_digits, own_probabilities = own.indices.tolist(), own.values.tolist()
status, answer = upload(png(pictures[0].resize((80, 80), 0)))
status, answer["digit"] == own_digits[0]  # (200, True)
abs(answer["probability"] - own_probabilities[0]) < 1e-5  # True

# %%
# Each mistake of a client gets a message
# ---------------------------------------
#
# The code sends a form without a file, a file under another name, a text,
# an incomplete file, a body that is too large, and an image of 25 million
# pixels in a small file. The last two requests are GET requests: one to a
# path that does not exist, and one to ``/predict``, which accepts only
# POST.
client.post("/predict").json()["message"]  # 'the form has no file "image"'
status, answer = upload(png(pictures[0]), field="picture")
status, answer["message"]  # (400, 'the form has no file "image"')
status, answer = upload(b"no image at all")
status, answer["message"]  # (415, 'the file is no readable PNG or JPEG')
status, answer = upload(png(pictures[0].resize((80, 80), 0))[:100])
status, answer["message"]  # (415, 'the file is no readable PNG or JPEG')
status, answer = upload(bytes(200_000))
status, answer["message"][:20]  # (413, 'The data value trans')
status, answer = upload(png(Image.new("1", (5000, 5000))))
status, answer["message"]  # (413, 'the image has too many pixels')
client.get("/nowhere").status_code  # 404
client.get("/predict").status_code  # 405

# %%
# A fault of the service: status 500 and no traceback
# ---------------------------------------------------
#
# The status tells the client that the fault was not in its request, and the
# message shows nothing of the code. The traceback is in the log.
response = client.get("/fault")
response.status_code  # 500
response.json()  # {'message': 'internal error'}
log = (folder / "server.log").read_text()
"ZeroDivisionError: division by zero" in log  # True


# %%
# Send many uploads at once
# -------------------------
#
# 16 threads send 200 images. ``waitress`` runs 8 threads, so the other
# requests wait in a queue.
def ask(picture):
    _, answer = upload(png(picture))
    return answer["digit"], answer["probability"]


with ThreadPoolExecutor(max_workers=16) as pool:
    answers = list(pool.map(ask, pictures[:200]))
served_digits, served_probabilities = map(list, zip(*answers, strict=True))
served_digits == own_digits[:200]  # True
server.close()
[process.poll() is None for process in started]  # [False]

# %%
# The result: the service gives the predictions of the model
# ----------------------------------------------------------
#
# The accuracy on the uploaded images is above 93 %, and the responses agree
# with the predictions of the model. Left: twelve uploaded images with the
# predictions. Right: the probability in each response, against the
# probability that the model gives in this process.
cleanup.close()
atexit.unregister(cleanup.close)
difference = max(
    abs(answer - own)
    for answer, own in zip(
        served_probabilities, own_probabilities[:200], strict=True
    )
)
right_answers = torch.tensor(served_digits) == labels[test_rows[:200]]
accuracy = right_answers.float().mean().item()
print(f"{accuracy=:.3f} {difference=:.1e}")
assert 0.93 < accuracy <= 1.0, accuracy
assert served_digits == own_digits[:200] and difference < 1e-5, difference

figure = plt.figure(figsize=(9, 4))
left, right = figure.subfigures(1, 2, width_ratios=[5, 4])
axes = left.subplots(3, 4).flat
for axis, picture, answer in zip(axes, pictures, answers, strict=False):
    axis.imshow(picture, cmap="gray_r")
    axis.set_title(f"{answer[0]}  {answer[1]:.2f}")
    axis.set_axis_off()
axis = right.subplots()
axis.plot(own_probabilities[:200], served_probabilities, ".", alpha=0.5)
axis.set(xlabel="probability, model", ylabel="probability, service")
right.subplots_adjust(left=0.2, bottom=0.2)

"""
HTTP service with ``FastAPI``: typed requests, image uploads, errors
====================================================================

This page serves a trained classifier of handwritten digits over HTTP. It
writes the service into files, starts it with ``uvicorn``, sends 300
requests from 32 threads and stops it again. Each response agrees with the
prediction of the model itself. A bad request gets a status code and a
message that says what is wrong.
"""
import atexit
import io
import re
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import fastapi
import httpx
import matplotlib.pyplot as plt
import python_multipart
import torch
import uvicorn
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# Train a model and save its weights
# ----------------------------------
#
# The input of the model is the 64 pixels of an image, each between 0 and 1.
# The weights are saved in ``weights.pt``, where the service finds them.
torch.manual_seed(0)
device = torch.get_default_device()
data = load_digits()
images = torch.tensor(data.images, dtype=torch.float32) / 16
labels = torch.tensor(data.target)
order = torch.randperm(len(images))
train_rows, test_rows = order[:1200], order[1200:]
model = nn.Sequential(
    nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(20):
    for rows in train_rows.split(64):
        optimizer.zero_grad()
        logits = model(images[rows].flatten(1))
        F.cross_entropy(logits, labels[rows]).backward()
        optimizer.step()
model.eval()

cleanup = ExitStack()
atexit.register(cleanup.close)
folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
torch.save(model.state_dict(), folder / "weights.pt")
print(f"fastapi {fastapi.__version__}, uvicorn {uvicorn.__version__},")
print(f"python-multipart {python_multipart.__version__}")

# %%
# First file: the model, in ``torch.inference_mode``
# --------------------------------------------------
#
# ``FastAPI`` runs a request handler that is a plain ``def`` function in a
# thread of a pool. Gradient mode and inference mode belong to a thread, so
# set them in the function that the thread calls, here with a decorator.
# ``torch.set_num_threads(1)`` lets each request compute on one core, so
# that several requests share the cores. Call ``eval()``, because dropout
# would make the predictions random.
(folder / "classifier.py").write_text('''
import torch
from torch import nn


class Classifier:
    def __init__(self, path):
        torch.set_num_threads(1)
        self.model = nn.Sequential(
            nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(128, 10),
        )
        weights = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(weights)
        self.model.eval()

    @torch.inference_mode()
    def probabilities(self, pixels):
        pixels = torch.as_tensor(pixels, dtype=torch.float32)
        return self.model(pixels).softmax(dim=1)
''')

# %%
# Second file: a limit for the size of a request
# ----------------------------------------------
#
# If a service reads requests of any size, a client can fill its memory. A
# middleware handles each request before the service does. This one reads
# the body of a request itself and stops at the limit. It counts the bytes
# that arrive, because a client may leave out the header ``Content-Length``.
(folder / "body_limit.py").write_text('''
from fastapi.responses import JSONResponse


class BodyLimit:
    def __init__(self, app, limit):
        self.app, self.limit = app, limit

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.limit:
                text = f"the body has more than {self.limit} bytes"
                refusal = JSONResponse({"detail": text}, status_code=413)
                return await refusal(scope, receive, send)
        whole = [{"type": "http.request", "body": bytes(body)}]

        async def again():
            return whole.pop() if whole else await receive()

        await self.app(scope, again, send)
''')

# %%
# Third file: the service, with typed requests and responses
# ----------------------------------------------------------
#
# ``pydantic`` models describe the content of a request, and ``FastAPI``
# refuses other requests before it calls the function. ``lifespan`` loads
# the model once, before the server takes its first request. The handlers
# are ``def`` and not ``async def`` functions, so a long computation blocks
# one thread of the pool while the server still answers other requests. The
# handler of ``RequestValidationError`` leaves out the values that were
# sent, because the default response repeats them and JSON has no NaN.
(folder / "service.py").write_text('''
from contextlib import asynccontextmanager
from typing import Annotated

import numpy as np
import torch
from body_limit import BodyLimit
from classifier import Classifier
from fastapi import FastAPI, HTTPException, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from PIL import Image
from pydantic import BaseModel, Field

Pixel = Annotated[float, Field(ge=0, le=1)]


class Digit(BaseModel):
    pixels: Annotated[list[Pixel], Field(min_length=64, max_length=64)]


class Answer(BaseModel):
    digit: int
    probability: float


Digits = Annotated[list[Digit], Field(min_length=1, max_length=64)]


@asynccontextmanager
async def lifespan(app):
    app.state.classifier = Classifier("weights.pt")
    yield
    print("the service has released its model", flush=True)


app = FastAPI(lifespan=lifespan)
app.add_middleware(BodyLimit, limit=100_000)


@app.exception_handler(RequestValidationError)
async def refuse(request, error):
    kept = [{key: one[key] for key in ("loc", "msg")}
            for one in error.errors()]
    return JSONResponse({"detail": kept}, status_code=422)


def answers(pixels):
    best = app.state.classifier.probabilities(pixels).max(dim=1)
    pairs = zip(best.indices.tolist(), best.values.tolist())
    return [Answer(digit=digit, probability=p) for digit, p in pairs]


@app.get("/health")
def health():
    probe = app.state.classifier.probabilities([[0.0] * 64])
    threads = torch.get_num_threads()
    return {"inference": probe.is_inference(), "threads": threads}


@app.post("/predict")
def predict(digit: Digit) -> Answer:
    return answers([digit.pixels])[0]


@app.post("/batch")
def batch(digits: Digits) -> list[Answer]:
    return answers([digit.pixels for digit in digits])


@app.post("/image")
def image(file: UploadFile) -> Answer:
    small = None
    try:
        picture = Image.open(file.file, formats=["PNG", "JPEG"])
        if picture.width * picture.height <= 1_000_000:
            box = Image.Resampling.BOX
            small = picture.convert("L").resize((8, 8), box)
    except Exception as error:
        text = "the file is no readable PNG or JPEG"
        raise HTTPException(415, text) from error
    if small is None:
        raise HTTPException(413, "the image has too many pixels")
    return answers(np.asarray(small).reshape(1, 64) / 255)[0]
''')


# %%
# Start the server, wait until it is ready, and stop it
# -----------------------------------------------------
#
# The server runs in its own process, as in production. With port 0 the
# system chooses a free port, and ``uvicorn`` writes it to its log. If the
# process ends early, or does not answer within the limit, an error is
# raised that shows the log. If the process does not end when it is asked
# to, it is killed.
started = []


@contextmanager
def served(folder, port=0, limit=120.0):
    log = folder / "server.log"
    command = [sys.executable, "-m", "uvicorn", "service:app"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
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
# Check the health of the service: ``/health``
# --------------------------------------------
#
# A load balancer requests ``/health`` again and again. This request runs
# the model, so it also shows that the weights are loaded and that inference
# mode is on in the thread that answers. ``trust_env=False`` keeps the
# client from sending local requests to a proxy.
server = cleanup.enter_context(ExitStack())
url = server.enter_context(served(folder))
client = cleanup.enter_context(
    httpx.Client(base_url=url, trust_env=False, timeout=120)
)
client.get("/health").json()  # {'inference': True, 'threads': 1}

# %%
# Predict one image, and a batch of images
# ----------------------------------------
#
# Requests and responses are JSON, and a response holds the class and its
# probability. A batch needs one call of the model. The responses are
# compared with the predictions of the model in this process.
test_pixels = images[test_rows].flatten(1)
with torch.inference_mode():
    own = model(test_pixels).softmax(dim=1).max(dim=1)
own_digits, own_probabilities = own.indices.tolist(), own.values.tolist()


def ask(pixels):
    response = client.post("/predict", json={"pixels": pixels})
    return response.raise_for_status().json()


one = ask(test_pixels[0].tolist())
sorted(one)  # ['digit', 'probability']
one["digit"] == own_digits[0]  # True
abs(one["probability"] - own_probabilities[0]) < 1e-5  # True
batch = [{"pixels": pixels} for pixels in test_pixels[:64].tolist()]
many = client.post("/batch", json=batch).raise_for_status().json()
len(many)  # 64
[answer["digit"] for answer in many] == own_digits[:64]  # True


# %%
# A request that does not fit its type: status 422
# ------------------------------------------------
#
# The response says where the mistake is and what was expected. The code
# sends a request with too few pixels, a value outside of the range, NaN, a
# batch without images, and a body that is not JSON.
def refused(path, **request):
    response = client.post(path, **request)
    first = response.json()["detail"][0]
    return response.status_code, first["loc"], first["msg"]


short = {"pixels": [0.0] * 3}
status, place, text = refused("/predict", json=short)
status, place  # (422, ['body', 'pixels'])
text  # 'List should have at least 64 items after validation, not 3'
bright = {"pixels": [0.0] * 63 + [16.0]}
status, place, text = refused("/predict", json=bright)
status, place  # (422, ['body', 'pixels', 63])
text  # 'Input should be less than or equal to 1'
nan = f'{{"pixels": [{", ".join(["NaN"] * 64)}]}}'
json_type = {"Content-Type": "application/json"}
status, place, _ = refused("/predict", content=nan, headers=json_type)
status, place  # (422, ['body', 'pixels', 0])
status, _, text = refused("/batch", json=[])
text  # 'List should have at least 1 item after validation, not 0'
status, _, text = refused("/predict", content="?", headers=json_type)
status, text  # (422, 'JSON decode error')


# %%
# Upload an image
# ---------------
#
# An image is uploaded as a file in a form instead of JSON. The service
# accepts PNG and JPEG, converts the image to grey and reduces it to 8 by 8
# pixels. The image that is sent here has 80 by 80 pixels. A form without
# the file gets status 422.
def upload(content):
    response = client.post("/image", files={"file": content})
    return response.status_code, response.json()


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


grey = (images[test_rows[0]] * 255).round().to(torch.uint8)
picture = Image.fromarray(grey.cpu().numpy()).resize((80, 80), 0)
status, answer = upload(png(picture))
with torch.inference_mode():
    expected = model(grey.flatten()[None] / 255).softmax(dim=1).max()
status, answer["digit"] == own_digits[0]  # (200, True)
abs(answer["probability"] - expected.item()) < 1e-5  # True
refused("/image")  # (422, ['body', 'file'], 'Field required')

# %%
# A file that is not an image: 415, and one that is too large: 413
# ----------------------------------------------------------------
#
# A text and an incomplete file are both refused with status 415. A small
# file can hold a very large image: the black image here has 25 million
# pixels. The service therefore checks the size in the file header before it
# decodes the pixels. A body over the limit is refused whether the client
# declares its length or not. The last request does not declare it, because
# its body is an iterator.
status, answer = upload(b"no image at all")
status, answer  # (415, {'detail': 'the file is no readable PNG or JPEG'})
status, answer = upload(png(picture)[:100])
status  # 415
black = png(Image.new("1", (5000, 5000)))
len(black) < 10_000  # True
upload(black)  # (413, {'detail': 'the image has too many pixels'})
status, answer = upload(bytes(200_000))
status, answer  # (413, {'detail': 'the body has more than 100000 bytes'})
parts = (bytes(1000) for _ in range(200))
client.post("/predict", content=parts).status_code  # 413

# %%
# Send many requests at once
# --------------------------
#
# 32 threads send 300 different images, and the server uses one model for
# all requests. If a response went to the wrong request, it would differ
# from the model's own prediction.
with ThreadPoolExecutor(max_workers=32) as pool:
    answers = list(pool.map(ask, test_pixels[:300].tolist()))
served_digits = [answer["digit"] for answer in answers]
served_digits == own_digits[:300]  # True
served_probabilities = [answer["probability"] for answer in answers]
difference = max(
    abs(answer - own)
    for answer, own in zip(
        served_probabilities, own_probabilities[:300], strict=True
    )
)
difference < 1e-5  # True

# %%
# Stop the server, and three cases in which it does not start
# -----------------------------------------------------------
#
# When ``uvicorn`` gets the signal to end, it runs the part of ``lifespan``
# after ``yield``. Three more servers are then started: one on a port that
# is taken, one without its weights, and one that does not answer. In each
# case the error message says what happened, and the process ends.
server.close()
log = folder / "server.log"
"the service has released its model" in log.read_text()  # True
with httpx.Client(trust_env=False) as late, suppress(httpx.ConnectError):
    late.get(url)  # httpx.ConnectError: Connection refused
with socket.create_server(("127.0.0.1", 0)) as other:
    taken = served(folder, port=other.getsockname()[1])
    with suppress(RuntimeError):
        server.enter_context(taken)  # RuntimeError: address already in use
(folder / "weights.pt").rename(folder / "lost.pt")
with suppress(RuntimeError):
    lost = served(folder)
    server.enter_context(lost)  # RuntimeError: No such file or directory
(folder / "service.py").write_text("import time\ntime.sleep(1000)")
with suppress(TimeoutError):
    slow = served(folder, limit=1.0)
    server.enter_context(slow)  # TimeoutError: has not written its address
[process.poll() is None for process in started].count(False)  # 4

# %%
# The result: the service gives the predictions of the model
# ----------------------------------------------------------
#
# The probabilities of the service differ from those of the model by less
# than 0.00001, and the accuracy is above 93 %. Left: twelve of the images
# that were sent, with the predictions. Right: the probability in each of
# the 300 responses, against the probability that the model gives in this
# process. The points lie on the diagonal.
cleanup.close()
atexit.unregister(cleanup.close)
right_answers = torch.tensor(served_digits) == labels[test_rows[:300]]
accuracy = right_answers.float().mean().item()
print(f"{accuracy=:.3f} {difference=:.1e}")
assert 0.93 < accuracy <= 1.0, accuracy
assert served_digits == own_digits[:300] and difference < 1e-5, difference

figure = plt.figure(figsize=(9, 4))
left, right = figure.subfigures(1, 2, width_ratios=[5, 4])
sent = images[test_rows[:12]].cpu().numpy()
axes = left.subplots(3, 4).flat
for axis, image, answer in zip(axes, sent, answers[:12], strict=True):
    axis.imshow(image, cmap="gray_r")
    axis.set_title(f"{answer['digit']}  {answer['probability']:.2f}")
    axis.set_axis_off()
axis = right.subplots()
axis.plot(own_probabilities[:300], served_probabilities, ".", alpha=0.5)
axis.set(xlabel="probability, model", ylabel="probability, service")
right.subplots_adjust(left=0.2, bottom=0.2)

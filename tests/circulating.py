"""What is often said about speed and memory, and how ``nox -s figures`` measures each of it.

A function gets a device and returns two functions, without and with what is claimed to help.
Called once, each does the same work: a training step, an epoch, or a prediction. A third
result, where there is one, is the bytes of each. None means that the device cannot do it.
"""

import io
import warnings
from functools import partial

import numpy as np
import onnxruntime
import torch
from skimage.data import astronaut
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset
from torchvision import models
from torchvision.transforms import v2

# How many times as fast, and how many times the bytes: from, to. A figure that stands alone,
# such as "half the memory", is taken as five hundredths less to five hundredths more.
CLAIMED = {
    "mixed_precision": {"speed": (1.5, 3), "memory": (0.45, 0.55)},
    "accumulation": {"speed": (0.85, 0.95), "memory": (0.2, 0.3)},
    "workers": {"speed": (1.5, 2)},
    "checkpointing": {"speed": (0.75, 0.85), "memory": (0.15, 0.25)},
    "int8": {"speed": (2, 4), "memory": (0.2, 0.3)},
    "onnx": {"speed": (1.2, 2)},
    "inference": {"speed": (1.05, None)},
}


class Block(nn.Module):
    def __init__(self, width, heads=4):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        qkv = self.qkv(self.norms[0](x)).view(batch, length, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        read = F.scaled_dot_product_attention(query, key, value)
        x = x + self.out(read.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.norms[1](x))))


def transformer(device, blocks=8):
    """A Transformer encoder and a batch for it: larger on a GPU."""
    width, batch = (256, 16) if device.type == "cpu" else (1024, 64)
    model = nn.Sequential(*(Block(width) for _ in range(blocks))).to(device)
    return model, torch.randn(batch, 64, width, device=device)


def training_step(model, optimizer, batches, forward=None):
    """One step of the optimizer, on gradients that are added up over ``batches``."""
    optimizer.zero_grad()
    for inputs in batches:
        loss = (forward or model)(inputs).float().square().mean() / len(batches)
        loss.backward()
    optimizer.step()


def mixed_precision(device):
    """A training step in float32, and with the forward pass under ``torch.autocast``."""
    model, inputs = transformer(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    step = partial(training_step, model, optimizer, [inputs])
    autocast = torch.autocast(device.type, dtype=torch.bfloat16)
    return step, partial(step, forward=autocast(model.forward))


def accumulation(device):
    """A training step on a batch, and on its four quarters one after another."""
    model, inputs = transformer(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    step = partial(training_step, model, optimizer)
    return partial(step, [inputs]), partial(step, inputs.chunk(4))


class Photos(Dataset):
    def __init__(self, size=96):
        self.photo = torch.tensor(astronaut()).permute(2, 0, 1)
        self.size = size
        self.transform = v2.Compose([
            v2.RandomResizedCrop(112),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.4, 0.4, 0.4),
            v2.ToDtype(torch.float32, scale=True),
        ])  # fmt: skip

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        return self.transform(self.photo)


def workers(device):
    """An epoch of a small network on augmented photos, with no and with two workers."""
    model = models.squeezenet1_1(num_classes=10).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def epoch(loader):
        for photos in loader:
            training_step(model, optimizer, [photos.to(device)])

    alone = DataLoader(Photos(), batch_size=32)
    with_two = DataLoader(Photos(), batch_size=32, num_workers=2, persistent_workers=True)
    return partial(epoch, alone), partial(epoch, with_two)


def checkpointing(device):
    """A training step that keeps activations, and one that computes each block again."""
    model, inputs = transformer(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    step = partial(training_step, model, optimizer, [inputs])

    def checkpointed(x):
        for block in model:
            x = checkpoint(block, x, use_reentrant=False)
        return x

    return step, partial(step, forward=checkpointed)


def predict(model, inputs):
    with torch.inference_mode():
        return model(inputs)


def int8(device):
    """A prediction with float32 weights and with int8 weights; the bytes of both files."""
    if device.type != "cpu":
        return None  # quantize_dynamic has no kernels for a GPU
    model, inputs = transformer(device)
    with warnings.catch_warnings(action="ignore"):
        small = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, torch.qint8)

    def file_size(model):
        torch.save(model.state_dict(), file := io.BytesIO())
        return file.tell()

    sizes = file_size(model), file_size(small)
    return partial(predict, model, inputs), partial(predict, small, inputs), sizes


def onnx(device):
    """A prediction for one sample by PyTorch, and by ONNX Runtime with as many threads."""
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device.type]
    if provider not in onnxruntime.get_available_providers():
        return None
    model, inputs = transformer(device)
    one = inputs[:1]
    program = torch.onnx.export(model.eval(), (one,), verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, [provider]
    )
    feed = {session.get_inputs()[0].name: one.numpy(force=True)}
    np.testing.assert_allclose(
        session.run(None, feed)[0], predict(model, one).numpy(force=True), rtol=0.01, atol=0.01
    )
    return partial(predict, model, one), partial(session.run, None, feed)


def inference(device):
    """A prediction for one token under ``no_grad``, and under ``inference_mode``."""
    model, inputs = transformer(device)
    one = inputs[:1, :1]

    def without_grad():
        with torch.no_grad():
            model(one)

    return without_grad, partial(predict, model, one)

"""
Cheat sheet: training
=====================

Layers, losses, optimizers, data, the training loop, saving, devices,
several processes and export, one line for each.
"""
import io

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split
from torch.utils.data.distributed import DistributedSampler

# %%
# Layers
# ------
#
# Called with a batch, ``(N, C, H, W)`` for images.
x, images = torch.rand(4, 8), torch.rand(4, 3, 8, 8)
nn.Linear(8, 2)(x).shape  # torch.Size([4, 2])
nn.Conv2d(3, 6, 3, padding=1)(images).shape  # torch.Size([4, 6, 8, 8])
nn.BatchNorm2d(3)(images).shape  # torch.Size([4, 3, 8, 8])
nn.LayerNorm(8)(x).shape  # torch.Size([4, 8])
nn.MaxPool2d(2)(images).shape  # torch.Size([4, 3, 4, 4])
nn.Flatten()(images).shape  # torch.Size([4, 192])
nn.Dropout(0.5).eval()(x).equal(x)  # True
nn.Embedding(9, 5)(torch.tensor([0, 8])).shape  # torch.Size([2, 5])
nn.LSTM(8, 5, batch_first=True)(x[None])[0].shape  # torch.Size([1, 4, 5])
nn.ReLU()(torch.tensor([-1.0, 2.0]))  # tensor([0., 2.])
nn.GELU()(torch.tensor([0.0, 1.0]))  # tensor([0.0000, 0.8413])
F.scaled_dot_product_attention(x, x, x).shape  # torch.Size([4, 8])

# %%
# A model
# -------
#
# ``nn.Sequential`` for layers one after another, a class for all else.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 16), nn.ReLU())
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.body(x))


model = Net()
model(torch.rand(4, 8)).shape  # torch.Size([4, 3])
sum(p.numel() for p in model.parameters())  # 195
model.eval().training  # False
model.train().training  # True
model.body.requires_grad_(False)[0].weight.requires_grad  # False

# %%
# Losses
# ------
#
# Cross-entropy takes logits and class numbers, no softmax before it.
logits = torch.tensor([[2.0, 0.0, 0.0]])
nn.CrossEntropyLoss()(logits, torch.tensor([0]))  # tensor(0.2395)
nn.BCEWithLogitsLoss()(torch.tensor([0.0]), torch.ones(1))  # tensor(0.6931)
y, targets = torch.tensor([1.0, 3.0]), torch.tensor([1.0, 0.0])
nn.MSELoss()(y, targets)  # tensor(4.5000)
nn.L1Loss()(y, targets)  # tensor(1.5000)
nn.SmoothL1Loss()(y, targets)  # tensor(1.2500)
F.nll_loss(logits.log_softmax(1), torch.tensor([0]))  # tensor(0.2395)
(logits.argmax(1) == torch.tensor([0])).float().mean()  # tensor(1.)

# %%
# Optimizers and schedulers
# -------------------------
#
# The scheduler's ``step`` follows the optimizer's.
model = nn.Linear(2, 1)
optim.SGD(model.parameters(), lr=0.1, momentum=0.9).defaults["lr"]  # 0.1
optim.Adam(model.parameters()).defaults["lr"]  # 0.001
optimizer = optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.01)
scheduler = optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
optimizer.step()
scheduler.step()
scheduler.get_last_lr()  # [0.05]
optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10).T_max  # 10
optim.lr_scheduler.ReduceLROnPlateau(optimizer).patience  # 10
nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # tensor(0.)

# %%
# Data
# ----
#
# A dataset gives samples, a loader batches of them.
dataset = TensorDataset(torch.rand(10, 3), torch.arange(10))
len(dataset)  # 10
loader = DataLoader(dataset, batch_size=4)
len(loader)  # 3
inputs, targets = next(iter(loader))
inputs.shape  # torch.Size([4, 3])
targets  # tensor([0, 1, 2, 3])
parts = random_split(dataset, [0.8, 0.2], torch.Generator().manual_seed(0))
[len(part) for part in parts]  # [8, 2]
DataLoader(dataset, 4, shuffle=False, drop_last=True).__len__()  # 2

# %%
# The training loop
# -----------------
#
# Five lines a step, then a check without gradients.
inputs, targets = torch.eye(3), torch.arange(3)
model, criterion = nn.Linear(3, 3), nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.1)
model.train()
for _ in range(50):
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
model.eval()
with torch.inference_mode():
    model(inputs).argmax(dim=1)  # tensor([0, 1, 2])

# %%
# Save and load
# -------------
#
# A buffer stands for a path here. Save the optimizer, too, to resume.
model, file = nn.Linear(2, 1), io.BytesIO()
torch.save(model.state_dict(), file)
file.seek(0)  # 0
weights = torch.load(file, map_location="cpu", weights_only=True)
list(weights)  # ['weight', 'bias']
model.load_state_dict(weights).missing_keys  # []
model.load_state_dict({}, strict=False).missing_keys  # ['weight', 'bias']

# %%
# Devices and mixed precision
# ---------------------------
#
# Write the device once; the same lines run on a GPU.
device = "cuda" if torch.cuda.is_available() else "cpu"
model = nn.Linear(4, 2).to(device)
x = torch.rand(3, 4, device=device)
model(x).device.type == device  # True
with torch.autocast(device, dtype=torch.bfloat16):
    model(x).dtype  # torch.bfloat16
scaler = torch.amp.GradScaler(device)
scaler.scale(model(x).sum()).backward()
torch.set_default_dtype(torch.float32)
torch.accelerator.is_available() == (device != "cpu")  # True

# %%
# Several processes
# -----------------
#
# ``torchrun`` starts the processes and gives each its rank.
dist.init_process_group("gloo", "tcp://127.0.0.1:0", rank=0, world_size=1)
dist.get_rank()  # 0
dist.get_world_size()  # 1
x = torch.tensor([1.0], device="cpu")
dist.all_reduce(x)
x.item()  # 1.0
dist.broadcast(x, src=0)
dist.barrier()
len(DistributedSampler(range(10), num_replicas=2, rank=1))  # 5
dist.destroy_process_group()

# %%
# Compile and export
# ------------------
#
# ``torch.compile`` for Python, a graph for other programs.
model, x = nn.Linear(4, 2).cpu().eval(), torch.rand(3, 4, device="cpu")
torch.compile(model, backend="eager")(x).shape  # torch.Size([3, 2])
program = torch.export.export(model, (x,))
program.module()(x).shape  # torch.Size([3, 2])
onnx = torch.onnx.export(model, (x,), dynamo=True, verbose=False)
[node.op_type for node in onnx.model.graph]  # ['Gemm']

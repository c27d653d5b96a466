"""
Sequence to sequence (seq2seq): encoder, decoder, teacher forcing
=================================================================

An encoder reads a date as people write it, such as "7 march 1987". A
decoder with attention writes it in ISO form, one character at a time. In
training, the decoder gets the correct previous characters as its input
(teacher forcing). On the test set it gets the characters that it wrote
itself, and more than 95 % of the dates are right in all ten characters.
"""
import random
from contextlib import suppress
from datetime import date, timedelta

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.utils.rnn import (
    pack_padded_sequence,
    pad_packed_sequence,
    pad_sequence,
)
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm


# %%
# Data: dates in five forms
# -------------------------
#
# Each date is drawn once, so a test date is not in the training set in
# another form. A year of two digits lies between 1950 and 2049.
def write(day, form):
    return [
        f"{day.day} {day:%B} {day.year}",
        f"{day:%B} {day.day}, {day.year}",
        f"{day:%a} {day.day} {day:%b} {day:%y}",
        f"{day.day}.{day.month}.{day.year}",
        f"{day.month}/{day.day}/{day:%y}",
    ][form].lower()


rng = random.Random(0)
first, end = date(1950, 1, 1), date(2050, 1, 1)
offsets = rng.sample(range((end - first).days), 4200)
days = [first + timedelta(days=offset) for offset in offsets]
sources = [write(day, rng.randrange(5)) for day in days]
targets = [day.isoformat() for day in days]
for source, target in zip(sources[:4], targets[:4], strict=True):
    print(f"{source:>20} -> {target}")

# %%
# From characters to tensors
# --------------------------
#
# Index 0 is the padding of the sources. All targets have the same length,
# so they need no padding and no end token. ``start`` is the first input of
# the decoder, an index that does not occur in the targets.
device = torch.get_default_device()
torch.manual_seed(0)
read_chars = ["", *sorted(set("".join(sources)))]
write_chars = "0123456789-"
start = len(write_chars)
read_index = {char: index for index, char in enumerate(read_chars)}


def encode_sources(texts):
    rows = [torch.tensor([read_index[c] for c in text]) for text in texts]
    return pad_sequence(rows, batch_first=True).to(device)


x = encode_sources(sources)
y = torch.tensor([[write_chars.index(c) for c in t] for t in targets])
y = y.to(device)
y.shape  # torch.Size([4200, 10])
x_train, x_val, x_test = x.split([3200, 400, 600])
y_train, y_val, y_test = y.split([3200, 400, 600])
generator = torch.Generator(device=device).manual_seed(0)
loader = DataLoader(
    TensorDataset(x_train, y_train), batch_size=64, shuffle=True,
    generator=generator,
)

# %%
# The encoder reads in both directions
# ------------------------------------
#
# In "3.8.1994" the 3 is a day of one digit, because a dot follows. An
# encoder that reads only from left to right does not know this yet when it
# reads the 3. The encoder is a GRU, a recurrent layer. Packed sequences
# keep its backward direction from starting in the padding.
class Encoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.embedding = nn.Embedding(len(read_chars), 32, padding_idx=0)
        self.gru = nn.GRU(32, width // 2, batch_first=True,
                          bidirectional=True)

    def forward(self, source):
        mask = source != 0
        packed = pack_padded_sequence(
            self.embedding(source), mask.sum(dim=1).cpu(),
            batch_first=True, enforce_sorted=False,
        )
        memory, state = self.gru(packed)
        memory, _ = pad_packed_sequence(
            memory, batch_first=True, total_length=source.shape[1]
        )
        state = torch.cat([state[0], state[1]], dim=1).unsqueeze(0)
        return memory, mask, state


# %%
# The decoder attends to the states of the encoder
# ------------------------------------------------
#
# For each output character, the decoder compares its state with every state
# of the encoder and takes the weighted mean of them. Padding gets a weight
# of zero.
class Decoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.embedding = nn.Embedding(len(write_chars) + 1, 32)
        self.gru = nn.GRU(32, width, batch_first=True)
        self.query = nn.Linear(width, width, bias=False)
        self.mix = nn.Linear(2 * width, width)
        self.head = nn.Linear(width, len(write_chars))

    def forward(self, tokens, state, memory, mask):
        hidden, state = self.gru(self.embedding(tokens), state)
        scores = self.query(hidden) @ memory.mT
        scores = scores.masked_fill(~mask.unsqueeze(1), -torch.inf)
        weights = scores.softmax(dim=-1)
        mixed = self.mix(torch.cat([hidden, weights @ memory], dim=-1))
        return self.head(mixed.tanh()), state, weights


# %%
# Teacher forcing in training, the model's own output in inference
# ----------------------------------------------------------------
#
# In training, the input at each step is the correct previous character. The
# inputs are the target, shifted by one step and with ``start`` in front, so
# all steps run in one call. In inference there is no target, and
# ``translate`` feeds each predicted character back as the next input.
class Seq2Seq(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.encoder, self.decoder = Encoder(width), Decoder(width)

    def forward(self, source, target):
        memory, mask, state = self.encoder(source)
        begin = torch.full_like(target[:, :1], start)
        tokens = torch.cat([begin, target[:, :-1]], dim=1)
        return self.decoder(tokens, state, memory, mask)[0]

    def translate(self, source, steps=10):
        memory, mask, state = self.encoder(source)
        logits = memory.new_zeros(len(source), steps, len(write_chars))
        tokens = source.new_full((len(source), 1), start)
        for t in range(steps):
            step, state, _ = self.decoder(tokens, state, memory, mask)
            logits[:, t] = step[:, 0]
            tokens = step.argmax(dim=-1)
        return logits


model = Seq2Seq()
with torch.inference_mode():
    logits = model.translate(x_val[:8])
    forced = model(x_val[:8], logits.argmax(dim=-1))
logits.shape  # torch.Size([8, 10, 11])
torch.allclose(logits, forced, atol=1e-3)  # True

# %%
# The buffer for the output: ``new_zeros``, not ``torch.zeros``
# -------------------------------------------------------------
#
# The last line of the step above shows that teacher forcing with the
# model's own predictions gives the same logits. The buffer that collects
# the output must be on the device of the model. A buffer of ``torch.zeros``
# is on the default device: output of a GPU is copied into it without an
# error, and then the loss gets tensors on two devices. Here ``meta`` stands
# for the GPU, and it refuses the copy as well.
criterion = nn.CrossEntropyLoss()
step = torch.zeros(8, 11, dtype=torch.float64, device="meta")
answer = torch.zeros(8, 10, dtype=torch.long, device="meta")
buffer = torch.zeros(8, 10, 11)
with suppress(NotImplementedError):
    buffer[:, 0] = step  # NotImplementedError: Cannot copy out of meta
with suppress(RuntimeError):
    criterion(buffer.mT, answer)  # RuntimeError: not on the expected device

buffer = step.new_zeros(8, 10, 11)
buffer[:, 0] = step
criterion(buffer.mT, answer).device.type  # 'meta'
buffer.dtype  # torch.float64

# %%
# Training, always with teacher forcing
# -------------------------------------
#
# ``CrossEntropyLoss`` expects the classes in dimension 1, so ``mT`` swaps
# the last two dimensions. Gradients through many steps can become large, so
# they are clipped.
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)


def train_epoch():
    model.train()
    loss_sum, seen = torch.zeros((), device=device), 0
    for source, target in loader:
        source, target = source.to(device), target.to(device)
        optimizer.zero_grad()
        loss = criterion(model(source, target).mT, target)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        loss_sum += loss.detach() * len(target)
        seen += len(target)
    return (loss_sum / seen).item()


# %%
# Evaluate without teacher forcing
# --------------------------------
#
# The same model is evaluated twice: with its own previous characters, and
# with the correct ones, which are not known in inference. The second
# accuracy is higher while the model is still bad. Without teacher forcing,
# one wrong character spoils those after it.
@torch.inference_mode()
def evaluate(source, target):
    model.eval()
    right = model.translate(source).argmax(dim=-1) == target
    forced = model(source, target).argmax(dim=-1) == target
    return {
        "own": right.float().mean().item(),
        "forced": forced.float().mean().item(),
        "exact": right.all(dim=1).float().mean().item(),
    }


history = [evaluate(x_val, y_val)]
for epoch in tqdm(range(1, 7), disable=None):
    loss = train_epoch()
    history.append(evaluate(x_val, y_val))
    line = " ".join(f"{k} {v:.3f}" for k, v in history[-1].items())
    print(f"{epoch=} {loss=:.3f} {line}")

# %%
# The result: test accuracy, and where the decoder looks
# ------------------------------------------------------
#
# ``exact`` counts a date only if all ten characters are right. Left: the
# attention for a date that is not in the data. Each row is an output
# character, and each column is an input character. Right: the validation
# accuracy after each epoch.
result = evaluate(x_test, y_test)
print(" ".join(f"{k} {v:.3f}" for k, v in result.items()))
assert history[0]["exact"] == 0.0
assert history[1]["own"] < history[1]["forced"], history[1]
assert 0.95 < result["exact"] <= 1.0, result

date(1987, 3, 7) in days  # False
text = "7 march 1987"
with torch.inference_mode():
    source = encode_sources([text])
    tokens = model.translate(source).argmax(dim=-1)
    begin = torch.full_like(tokens[:, :1], start)
    tokens_in = torch.cat([begin, tokens[:, :-1]], dim=1)
    memory, mask, state = model.encoder(source)
    weights = model.decoder(tokens_in, state, memory, mask)[2]
answer = "".join(write_chars[index] for index in tokens[0].tolist())
print(text, "->", answer)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.9))
left.imshow(weights[0].cpu().numpy(), aspect="auto", vmin=0, vmax=1)
left.set_xticks(range(len(text)), list(text))
left.set_yticks(range(len(answer)), list(answer))
left.grid(False)
for name, style in [("forced", ":"), ("own", "--"), ("exact", "-")]:
    right.plot([row[name] for row in history], style, label=name)
right.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.03))
right.legend()
figure.tight_layout()

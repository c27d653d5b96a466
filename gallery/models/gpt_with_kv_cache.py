"""
GPT from scratch: causal attention, sampling, and a key-value cache
===================================================================

A GPT predicts the next token from the tokens before it. On this page the
tokens are the characters of NumPy's docstrings. After a short training, the
model has a lower loss on held-out text than a table that counts which
character follows which. A key-value cache (KV cache) keeps what was
computed for earlier tokens. With the cache the logits are the same, and 40
characters take less than a tenth of the multiplications.
"""
import inspect
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

# %%
# Text: docstrings of NumPy, one token for each character
# -------------------------------------------------------
#
# The tokens are the lower-case letters, the space and a few signs. Each
# other character becomes a space. Every tenth docstring is held out for
# validation.
alphabet = " abcdefghijklmnopqrstuvwxyz.,:;()[]=->_`'\n"
index = {character: i for i, character in enumerate(alphabet)}


def encode(text):
    return torch.tensor([index.get(one, 0) for one in text.lower()])


def decode(tokens):
    return "".join(alphabet[i] for i in tokens.tolist())


decode(encode("Return the mean, a + b."))  # 'return the mean, a   b.'
names = [name for name in sorted(np.__all__) if callable(getattr(np, name))]
texts = sorted({inspect.getdoc(getattr(np, name)) or "" for name in names})
val_text = encode("\n".join(texts[::10]))
train_text = encode("\n".join(t for i, t in enumerate(texts) if i % 10))
vocabulary = len(alphabet)
print(f"{len(texts)} docstrings, {len(train_text)} characters to train on")


# %%
# Causal attention that can keep keys and values
# ----------------------------------------------
#
# The mask lets each new token attend to itself and to the tokens before it.
# The cache holds the keys and values of earlier tokens, so ``x`` contains
# the new tokens only. ``tril`` shifts its diagonal by the length of the
# cache. :doc:`multi_head_attention` explains queries, keys and values.
class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x, cache=None):
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.qkv(x).chunk(3, dim=-1)
        )
        if cache is not None:
            k = torch.cat([cache[0], k], dim=2)
            v = torch.cat([cache[1], v], dim=2)
        new, total = q.shape[2], k.shape[2]
        visible = torch.ones(new, total, dtype=torch.bool)
        visible = visible.tril(total - new)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        return self.out(x.transpose(1, 2).flatten(2)), (k, v)


# %%
# The model: embeddings, blocks, logits
# -------------------------------------
#
# The position of a new token is the number of tokens before it, so new
# positions start at the length of the cache. ``forward`` returns the logits
# of the next token at each position, and the new cache of each block.
class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(),
            nn.Linear(4 * width, width),
        )

    def forward(self, x, cache=None):
        attended, cache = self.attention(self.norm1(x), cache)
        x = x + attended
        return x + self.mlp(self.norm2(x)), cache


class GPT(nn.Module):
    def __init__(self, vocabulary, context, width=64, heads=4, depth=2):
        super().__init__()
        self.context = context
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(
            Block(width, heads) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens, caches=None):
        caches = caches or [None] * len(self.blocks)
        start = 0 if caches[0] is None else caches[0][0].shape[2]
        places = torch.arange(start, start + tokens.shape[1])
        x, kept = self.tokens(tokens) + self.positions(places), []
        for block, cache in zip(self.blocks, caches, strict=True):
            x, cache = block(x, cache)
            kept.append(cache)
        return self.head(self.norm(x)), kept


# %%
# Causal: a later token does not change earlier logits
# ----------------------------------------------------
#
# If earlier logits depended on later tokens, the model could read its
# targets during training. This check replaces one token. The logits before
# it stay the same, and the logits at its position change.
torch.manual_seed(0)
exact = GPT(vocabulary, context=48).double().eval()
tokens = train_text[:40].unsqueeze(0)
changed = tokens.clone()
changed[0, 30] = (changed[0, 30] + 1) % vocabulary
with torch.inference_mode():
    before, after = exact(tokens)[0], exact(changed)[0]
before.shape == (1, 40, vocabulary)  # True
torch.allclose(before[:, :30], after[:, :30])  # True
torch.allclose(before[:, 30], after[:, 30])  # False


# %%
# The targets are the inputs, shifted by one
# ------------------------------------------
#
# A piece of ``context + 1`` characters gives both the inputs and the
# targets. At each position, the target is the next character. Flatten the
# batch and the positions into one dimension for ``F.cross_entropy``,
# because it expects the classes in dimension 1. Here logits of shape (N, L,
# C) raise an error.
def draw(text, count, length, generator):
    starts = torch.randint(
        len(text) - length, (count, 1), generator=generator,
        device=text.device,
    )
    pieces = text[starts + torch.arange(length + 1)]
    return pieces[:, :-1], pieces[:, 1:]


device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
inputs, targets = draw(train_text, 32, 48, generator)
torch.equal(inputs[:, 1:], targets[:, :-1])  # True
model = GPT(vocabulary, context=48)
logits, _ = model(inputs)
loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
picked = logits.log_softmax(dim=-1).gather(2, targets.unsqueeze(2))
torch.allclose(loss, -picked.mean())  # True
with suppress(RuntimeError):
    F.cross_entropy(logits, targets)  # RuntimeError: Expected target size

# %%
# Train
# -----
#
# Each step draws 32 pieces of text. The learning rate first rises and then
# falls, and large gradients are clipped.
steps, losses = 250, []
torch.manual_seed(0)
model = GPT(vocabulary, context=48)
optimizer = torch.optim.AdamW(model.parameters())
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=1e-2, total_steps=steps
)
for _ in tqdm(range(steps), disable=None):
    inputs, targets = draw(train_text, 32, 48, generator)
    logits, _ = model(inputs)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    losses.append(loss.detach())


# %%
# Temperature, top-k and top-p
# ----------------------------
#
# A temperature below 1 makes the most likely token even more likely. Top-k
# keeps the k most likely tokens. Top-p keeps the smallest set of most
# likely tokens whose probabilities add up to at least p. The logits of the
# other tokens become minus infinity.
def restrict(logits, temperature=1.0, top_k=None, top_p=None):
    logits = logits / temperature
    if top_k is not None:
        lowest = logits.topk(top_k).values[..., -1:]
        logits = logits.masked_fill(logits < lowest, -torch.inf)
    if top_p is not None:
        ordered, places = logits.sort(descending=True)
        probs = ordered.softmax(dim=-1)
        ordered = ordered.masked_fill(
            probs.cumsum(dim=-1) - probs >= top_p, -torch.inf
        )
        logits = torch.empty_like(logits).scatter(-1, places, ordered)
    return logits


logits = torch.tensor([0.4, 0.1, 0.3, 0.2]).log()
half = restrict(logits, temperature=0.5)
half.softmax(dim=0)  # tensor([0.5333, 0.0333, 0.3000, 0.1333])
restrict(logits, top_k=2).exp()  # tensor([0.4000, 0., 0.3000, 0.])
restrict(logits, top_p=0.6).exp()  # tensor([0.4000, 0., 0.3000, 0.])
restrict(logits, top_p=0.8).exp()  # tensor([0.4000, 0., 0.3000, 0.2000])

# %%
# The KV cache gives the same logits
# ----------------------------------
#
# The first call reads the prompt, the text to be continued, and each later
# call reads one token. Do not use ``is_causal=True`` in
# ``F.scaled_dot_product_attention`` for this, because its mask starts at
# the first key. A single new token would attend to the first key only, and
# PyTorch raises no error.
with torch.inference_mode():
    wanted, _ = exact(tokens)
    logits, caches = exact(tokens[:, :10])
    parts = [logits]
    for i in range(10, 40):
        logits, caches = exact(tokens[:, i : i + 1], caches)
        parts.append(logits)
torch.allclose(torch.cat(parts, dim=1), wanted)  # True
k, v = caches[0]
k.shape  # torch.Size([1, 4, 40, 16])

q = torch.randn(1, 4, 1, 16, dtype=torch.float64)
output = F.scaled_dot_product_attention(q, k, v, is_causal=True)
torch.allclose(output, v[:, :, :1])  # True


# %%
# Generate with the cache
# -----------------------
#
# Each new token is sampled from the logits of the last position and becomes
# the next input. When the cache is as long as the context, it is dropped,
# and the second half of the context is read again. As long as the text fits
# into the context, ``top_k=1`` gives the same result as ``argmax`` on the
# whole text.
@torch.inference_mode()
def generate(model, tokens, count, generator, **options):
    model.eval()
    new, caches = tokens[:, -model.context :], None
    for _ in range(count):
        logits, caches = model(new, caches)
        probs = restrict(logits[:, -1], **options).softmax(dim=-1)
        new = torch.multinomial(probs, 1, generator=generator)
        tokens = torch.cat([tokens, new], dim=1)
        if caches[0][0].shape[2] == model.context:
            new, caches = tokens[:, -model.context // 2 :], None
    return tokens


greedy = tokens[:, :10]
for _ in range(30):
    choice = exact(greedy)[0][:, -1:].argmax(dim=-1)
    greedy = torch.cat([greedy, choice], dim=1)
cached = generate(exact, tokens[:, :10], 30, generator, top_k=1)
torch.equal(cached, greedy)  # True

prompt = encode("returns\n").unsqueeze(0)
for options in ({"temperature": 0.5}, {"top_k": 5}, {"top_p": 0.9}):
    text = generate(model, prompt, 120, generator, **options)
    print(options, repr(decode(text[0])))

# %%
# The context is full: crop the tokens, not the cache
# ---------------------------------------------------
#
# A position beyond the context has no embedding. Cropping the oldest entry
# of the cache raises no error, but the remaining keys were computed with
# their old positions. The logits therefore differ from those of the cropped
# text. The error is shown on the CPU, because a GPU words it differently.
positions = nn.Embedding(48, 64, device="cpu")
with suppress(IndexError):
    positions(torch.tensor([48], device="cpu"))  # IndexError: out of range
text = train_text[:49].unsqueeze(0)
with torch.inference_mode():
    _, caches = exact(text[:, :48])
    caches = [(k[:, :, 1:], v[:, :, 1:]) for k, v in caches]
    logits, _ = exact(text[:, 48:], caches)
    wanted, _ = exact(text[:, 1:])
logits.shape == wanted[:, -1:].shape  # True
torch.allclose(logits, wanted[:, -1:])  # False


# %%
# Count the multiplications with ``FlopCounterMode``
# --------------------------------------------------
#
# ``FlopCounterMode`` counts a multiplication and an addition as two
# operations. With the cache, the linear layers process each token once.
# Without it, they process the whole text again for each new token. Even
# with the cache, the attention of a new token costs more as the text grows.
def multiplications(count, cached):
    counter, caches = FlopCounterMode(display=False), None
    with counter, torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        for i in range(count):
            if cached:
                _, caches = exact(tokens[:, i : i + 1], caches)
            else:
                exact(tokens[:, : i + 1])
    return counter.get_total_flops() // 2


linear = [m for m in exact.modules() if isinstance(m, nn.Linear)]
weights = sum(m.weight.numel() for m in linear)
pairs = 40 * 41 // 2
multiplications(40, True) == 40 * weights + pairs * 2 * 2 * 64  # True
lengths = [1, 8, 16, 24, 32, 40]
with_cache = [multiplications(n, True) for n in lengths]
without_cache = [multiplications(n, False) for n in lengths]
without_cache[-1] / with_cache[-1] > 10  # True

# %%
# The result: a lower loss than the table, and a tenth of the work
# ----------------------------------------------------------------
#
# Left: the training loss of each step. The horizontal lines are the losses
# on held-out text, of the model and of a table that counts which character
# follows which. Right: the multiplications for a text of a given length,
# with and without the cache.
pieces = val_text[: len(val_text) // 49 * 49].view(-1, 49)[:400]
inputs, targets = pieces[:, :-1], pieces[:, 1:, None]
with torch.inference_mode():
    log_p = model(inputs)[0].log_softmax(dim=-1)
val_loss = -log_p.gather(2, targets).mean().item()
follows = train_text[:-1] * vocabulary + train_text[1:]
table = follows.bincount(minlength=vocabulary**2) + 1.0
table = table.view(vocabulary, vocabulary)
table = (table / table.sum(dim=1, keepdim=True)).log()
table_loss = -table[inputs].gather(2, targets).mean().item()
print(f"{val_loss=:.3f} {table_loss=:.3f}")
assert 1.0 < val_loss < table_loss - 0.2, (val_loss, table_loss)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.plot(torch.stack(losses).cpu().numpy(), linewidth=1, label="train")
left.axhline(val_loss, linestyle="--", color="C1", label="val")
left.axhline(table_loss, linestyle=":", color="C2", label="table")
left.set(xlabel="step", ylabel="cross_entropy")
right.plot(lengths, without_cache, "s--", color="C1", label="no cache")
right.plot(lengths, with_cache, "o-", color="C0", label="KV cache")
right.set(xlabel="length", ylabel="multiplications")
left.legend()
right.legend()
figure.tight_layout()

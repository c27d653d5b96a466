"""
Generate text with a language model
===================================

Choose the next token from the logits, stop at the right place, and find out
why the text repeats itself or makes no sense.
"""
import torch
import torch.nn.functional as F
from torch import nn

# %%
# The generation loop: the logits of the last position
# ----------------------------------------------------
#
# A language model returns logits of shape (batch, length, vocabulary). The
# logits of the last position are for the next token. Choose a token, append
# it and repeat, in ``eval()`` and under ``torch.no_grad()``. The model here
# only counts: token i + 1 follows token i.
class Next(nn.Module):
    def forward(self, tokens):
        return 9.0 * F.one_hot((tokens + 1) % 6, 6).float()


@torch.no_grad()
def generate(model, tokens, steps):
    for _ in range(steps):
        logits = model(tokens)[:, -1]
        token = logits.argmax(dim=-1, keepdim=True)
        tokens = torch.cat([tokens, token], dim=1)
    return tokens


prompt = torch.tensor([[0, 1], [3, 4]])
Next()(prompt).shape  # torch.Size([2, 2, 6])
texts = generate(Next().eval(), prompt, 3)
texts  # tensor([[0, 1, 2, 3, 4], [3, 4, 5, 0, 1]])

# %%
# The same text each time, or the same words: sample, do not take argmax
# ----------------------------------------------------------------------
#
# ``argmax`` gives the same text each time and often falls into loops.
# ``torch.multinomial`` draws each token with its probability. Set a seed to
# get the same draws again.
probabilities = torch.tensor([0.6, 0.3, 0.1])
logits = probabilities.log().expand(1000, 3)
logits.argmax(dim=-1).unique()  # tensor([0])
drawn = torch.multinomial(logits.softmax(dim=-1), num_samples=1)
drawn.shape  # torch.Size([1000, 1])
share = drawn.flatten().bincount(minlength=3) / 1000
torch.allclose(share, probabilities, atol=0.1)  # True
torch.manual_seed(0)
first = torch.multinomial(probabilities, 5, replacement=True)
torch.manual_seed(0)
again = torch.multinomial(probabilities, 5, replacement=True)
torch.equal(first, again)  # True

# %%
# Temperature: divide the logits before the softmax
# -------------------------------------------------
#
# A temperature below 1 makes likely tokens even more likely, and the text
# becomes more regular. Above 1, rare tokens come more often. Near 0, the
# most likely token gets all of the probability. A temperature of 0 divides
# by zero, so use ``argmax`` instead.
logits = torch.tensor([2.0, 1.0, 0.0])
logits.softmax(dim=0)  # tensor([0.6652, 0.2447, 0.0900])
(logits / 0.5).softmax(dim=0)  # tensor([0.8668, 0.1173, 0.0159])
(logits / 2).softmax(dim=0)  # tensor([0.5065, 0.3072, 0.1863])
(logits / 0.005).softmax(dim=0)  # tensor([1., 0., 0.])
(logits / 0).softmax(dim=0)  # tensor([nan, nan, nan])

# %%
# Top-k sampling: keep the k best logits
# --------------------------------------
#
# Logits below the k-th largest are set to minus infinity, which gives them
# probability 0. ``torch.topk`` finds the k-th largest logit of each row. It
# raises an error if k is larger than the vocabulary, so ``min`` limits k.
def top_k(logits, k):
    limit = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < limit, -torch.inf)


logits = torch.tensor([[1.0, 3.0, 2.0, 0.0], [0.0, 1.0, 2.0, 3.0]])
top_k(logits, 2)  # tensor([[-inf, 3., 2., -inf], [-inf, -inf, 2., 3.]])
p = top_k(logits, 2).softmax(dim=-1)
p[0]  # tensor([0.0000, 0.7311, 0.2689, 0.0000])
torch.equal(top_k(logits, 50), logits)  # True

# %%
# Top-p (nucleus) sampling: the best tokens up to a probability
# -------------------------------------------------------------
#
# Sort the tokens by probability and keep as many as are needed to reach the
# total probability ``p``. A token is kept if the sum *before* it is below
# ``p``, so the best token stays for every ``p`` above 0. ``scatter`` puts
# the result back into the order of the vocabulary.
def top_p(logits, p):
    values, order = logits.sort(dim=-1, descending=True)
    before = values.softmax(dim=-1).cumsum(dim=-1) - values.softmax(dim=-1)
    values = values.masked_fill(before >= p, -torch.inf)
    return torch.empty_like(logits).scatter(-1, order, values)


logits = torch.tensor([0.1, 0.6, 0.3]).log()
top_p(logits, 0.8).exp()  # tensor([0.0000, 0.6000, 0.3000])
top_p(logits, 0.5).exp()  # tensor([0.0000, 0.6000, 0.0000])
top_p(logits, 0.01).exp()  # tensor([0.0000, 0.6000, 0.0000])
top_p(logits, 1.0).exp()  # tensor([0.1000, 0.6000, 0.3000])

# %%
# Less repetition: lower the logits of tokens that were used
# ----------------------------------------------------------
#
# Divide the positive logits of used tokens by a penalty such as 1.2, and
# multiply the negative ones by it. Both become lower. ``gather`` reads the
# logits of the used tokens, and ``scatter`` writes them back.
def penalize(logits, tokens, penalty=1.2):
    used = logits.gather(1, tokens)
    used = torch.where(used > 0, used / penalty, used * penalty)
    return logits.scatter(1, tokens, used)


logits = torch.tensor([[2.0, -1.0, 1.0]])
tokens = torch.tensor([[0, 1, 0]])
penalize(logits, tokens, 2.0)  # tensor([[1., -2., 1.]])

# %%
# Forbid tokens: minus infinity at their ids
# ------------------------------------------
#
# A model should not generate padding, the start token or ids beyond the
# vocabulary of the tokenizer. Set their logits to minus infinity before you
# sample. If a whole row is minus infinity, softmax gives nan.
logits = torch.zeros(2, 5)
forbidden = torch.tensor([0, 4])
allowed = logits.index_fill(1, forbidden, -torch.inf)
p = allowed.softmax(dim=1)
p[0]  # tensor([0.0000, 0.3333, 0.3333, 0.3333, 0.0000])
drawn = torch.multinomial(p, 50, replacement=True)
torch.isin(drawn, forbidden).any()  # tensor(False)
torch.full((2,), -torch.inf).softmax(dim=0)  # tensor([nan, nan])

# %%
# Stop at the end token: each text of a batch on its own
# ------------------------------------------------------
#
# The texts of a batch end at different steps. Remember which texts have
# ended and append padding to them. Leave the loop when all texts have
# ended.
end, padding = 9, 0
tokens = torch.tensor([[5], [6]])
done = torch.zeros(2, dtype=torch.bool)
steps = torch.tensor([[7, 8], [9, 8], [3, 9], [3, 3]])
for token in steps:
    token = token.masked_fill(done, padding)
    tokens = torch.cat([tokens, token.unsqueeze(1)], dim=1)
    done = done | (token == end)
    if done.all():
        break
tokens  # tensor([[5, 7, 9, 0], [6, 8, 8, 9]])

# %%
# Prompts of different length: pad on the left
# --------------------------------------------
#
# With padding on the right, the last logits of a short prompt belong to a
# padding token. Pad on the left instead, and mask the padding. Count the
# positions from the first real token.
prompts = [torch.tensor([4, 5]), torch.tensor([6, 7, 8])]
ones = [torch.ones_like(prompt) for prompt in prompts]
left = {"batch_first": True, "padding_side": "left"}
tokens = nn.utils.rnn.pad_sequence(prompts, **left)
tokens  # tensor([[0, 4, 5], [6, 7, 8]])
real = nn.utils.rnn.pad_sequence(ones, **left)
real  # tensor([[0, 1, 1], [1, 1, 1]])
(real.cumsum(dim=1) - 1).clamp(min=0)  # tensor([[0, 0, 1], [0, 1, 2]])
tokens[:, -1]  # tensor([5, 8])

# %%
# Train the model: targets are the tokens, shifted by one
# -------------------------------------------------------
#
# The logits at position i are for the token at position i + 1. Drop the
# last logits and the first token, and exclude padding with
# ``ignore_index``. Without the shift, the model learns to copy its input:
# the loss is low, but the generated text repeats one token.
tokens = torch.tensor([[3, 4, 5, 0]])
logits = 9.0 * F.one_hot((tokens + 1) % 6, 6).float()
targets = tokens[:, 1:].masked_fill(tokens[:, 1:] == 0, -100)
targets  # tensor([[4, 5, -100]])
flat = logits[:, :-1].flatten(0, 1)
loss = F.cross_entropy(flat, targets.flatten(), ignore_index=-100)
loss < 0.001  # tensor(True)
wrong = F.cross_entropy(logits.flatten(0, 1), tokens.flatten())
wrong > 8  # tensor(True)

# %%
# Likelihood of a text: log probabilities of its tokens
# -----------------------------------------------------
#
# ``log_softmax`` and ``gather`` give the log probability of each token.
# Their sum is the log probability of the text. To rank texts of different
# lengths, use the mean. The exponential of the negative mean is the
# perplexity.
logits = torch.randn(1, 4, 6)
tokens = torch.tensor([[2, 0, 5, 1]])
each = logits[:, :-1].log_softmax(dim=-1)
each = each.gather(2, tokens[:, 1:, None]).squeeze(2)
each.shape  # torch.Size([1, 3])
loss = F.cross_entropy(logits[0, :-1], tokens[0, 1:])
torch.allclose(each.mean(), -loss)  # True
perplexity = (-each.mean()).exp()  # shape ()

# %%
# Beam search: keep the best texts of each step
# ---------------------------------------------
#
# Add the log probability of each next token to the score of each text, and
# keep the best combinations. ``topk`` runs over the flattened scores, so
# ``//`` and ``%`` turn each index back into a text and a token. Here the
# most likely first token is not part of the best text.
step_1 = torch.tensor([0.6, 0.4]).log()
step_2 = torch.tensor([[0.5, 0.5], [0.9, 0.1]]).log()
scores, tokens = step_1.topk(2)
tokens = tokens.unsqueeze(1)
total = scores.unsqueeze(1) + step_2[tokens[:, -1]]
scores, index = total.flatten().topk(2)
text, token = index // 2, index % 2
tokens = torch.cat([tokens[text], token.unsqueeze(1)], dim=1)
tokens[0], scores[0].exp()  # (tensor([1, 0]), tensor(0.3600))
step_1.argmax()  # tensor(0)

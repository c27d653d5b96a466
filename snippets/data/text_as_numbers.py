"""
Text as numbers
===============

Turn strings into batches of token numbers without torchtext: vocabulary,
blocks, padding, masks.
"""
import json
from collections import Counter
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Sampler

# %%
# torchtext is no longer developed: replace ``Field``, ``BucketIterator``
# -----------------------------------------------------------------------
#
# torchtext has no release for PyTorch after 2.3. The error "cannot import
# name 'Field' from 'torchtext.data'" comes from even older code. Use a
# dictionary as the vocabulary, ``pad_sequence`` in ``collate_fn`` for the
# padding, and a batch sampler by length instead of ``BucketIterator``. For
# subwords, use the package ``tokenizers``.
texts, labels = ["a good film", "bad", "a bad end"], [1, 0, 0]
words = sorted({word for text in texts for word in text.split()})
number = {word: i for i, word in enumerate(["<pad>", "<unk>", *words])}


def collate(samples):
    rows = [
        torch.tensor([number.get(word, 1) for word in text.split()])
        for text, _ in samples
    ]
    labels = torch.tensor([label for _, label in samples])
    return pad_sequence(rows, batch_first=True), labels


loader = DataLoader(list(zip(texts, labels)), 3, collate_fn=collate)
x, y = next(iter(loader))
x  # tensor([[2, 6, 5], [3, 0, 0], [2, 3, 4]])
y  # tensor([1, 0, 0])


# %%
# A vocabulary with ``encode`` and ``decode``, unknown words included
# -------------------------------------------------------------------
#
# Build the vocabulary from the training texts. Words that occur fewer than
# ``at_least`` times, and unknown words of other texts, become ``<unk>``.
# ``len(vocabulary)`` includes the special tokens and is the size that
# ``nn.Embedding`` needs.
class Vocabulary:
    def __init__(self, texts, at_least=1):
        counts = Counter(word for text in texts for word in text.split())
        common = [w for w, n in counts.most_common() if n >= at_least]
        self.words = ["<pad>", "<unk>", *common]
        self.number = {word: i for i, word in enumerate(self.words)}

    def __len__(self):
        return len(self.words)

    def encode(self, text):
        return [self.number.get(word, 1) for word in text.split()]

    def decode(self, numbers):
        return " ".join(self.words[number] for number in numbers)


vocabulary = Vocabulary(["the cat sat", "the cat", "the dog"], at_least=2)
vocabulary.words  # ['<pad>', '<unk>', 'the', 'cat']
vocabulary.encode("the old cat")  # [2, 1, 3]
vocabulary.decode([2, 1, 3])  # 'the <unk> cat'
embedding = nn.Embedding(len(vocabulary), 8, padding_idx=0)
embedding(torch.tensor([2, 1, 3])).shape  # torch.Size([3, 8])

# %%
# Characters as tokens, for example for Chinese without spaces
# ------------------------------------------------------------
#
# ``str.split`` splits at spaces, so a Chinese sentence stays in one piece.
# ``list`` splits a string into characters, which needs no package and works
# in other languages, too. To split into words, use a segmenter or a trained
# tokenizer.
"我 爱 你".split()  # ['我', '爱', '你']
"我爱你".split()  # ['我爱你']
list("我爱你")  # ['我', '爱', '你']
letters = sorted(set("hello"))
number = {letter: i for i, letter in enumerate(letters)}
tokens = torch.tensor([number[letter] for letter in "hello"])
tokens  # tensor([1, 0, 2, 2, 3])
"".join(letters[i] for i in tokens)  # 'hello'

# %%
# Store the vocabulary with the model: ``json.dumps``
# ---------------------------------------------------
#
# The numbers of the words belong to the weights. If you build the
# vocabulary again from other texts, the numbers change and the outputs of
# the model make no sense. Write the vocabulary to a file, or put it into
# the checkpoint.
words = ["<pad>", "<unk>", "cat", "dog"]
again = json.loads(json.dumps(words))
again == words  # True
checkpoint = {"words": words, "weights": nn.Embedding(4, 2).state_dict()}
list(checkpoint)  # ['words', 'weights']
other = ["<pad>", "<unk>", *sorted({"dog", "ant", "cat"})]
words.index("cat"), other.index("cat")  # (2, 3)


# %%
# Long text to training blocks: the target is shifted by one
# ----------------------------------------------------------
#
# A language model predicts the next token at each position. Cut a block at
# a random place, and use the same block one token later as the target. From
# each start on, there must be ``block + 1`` tokens.
def draw(tokens, block, batch):
    starts = torch.randint(0, len(tokens) - block, (batch,))
    x = torch.stack([tokens[i : i + block] for i in starts])
    y = torch.stack([tokens[i + 1 : i + block + 1] for i in starts])
    return x, y


tokens = torch.arange(100)
x, y = draw(tokens, block=8, batch=4)
x.shape  # torch.Size([4, 8])
torch.equal(x[:, 1:], y[:, :-1])  # True
torch.equal(y, x + 1)  # True


# %%
# Cut and pad to a fixed length: ``max_length``
# ---------------------------------------------
#
# Long texts are cut at the end, and short texts are padded. A fixed length
# suits compiled models. Otherwise pad each batch to its longest text, which
# needs less computation.
def fit(tokens, length, pad=0):
    return (tokens + [pad] * length)[:length]


fit([5, 6], 4)  # [5, 6, 0, 0]
fit([5, 6, 7, 8, 9], 4)  # [5, 6, 7, 8]
torch.tensor([fit(row, 3) for row in ([5], [6, 7, 8, 9])])  # shape (2, 3)

# %%
# Pad on the left for generation: ``padding_side="left"``
# -------------------------------------------------------
#
# A model that continues a text uses the output at the last position. With
# padding on the right, the last position of a short text is padding. Pad on
# the left instead, and pass the mask to the model.
rows = [torch.tensor([5, 6, 7]), torch.tensor([8])]
right = pad_sequence(rows, batch_first=True)
left = pad_sequence(rows, batch_first=True, padding_side="left")
right[:, -1]  # tensor([7, 0])
left[:, -1]  # tensor([7, 8])
left  # tensor([[5, 6, 7], [0, 0, 8]])

# %%
# Mask from padded tokens: ``x != pad``
# -------------------------------------
#
# Compare the tokens with the number of the padding.
# ``nn.TransformerEncoderLayer`` needs the opposite, True at the padding.
# Reserve a number for the padding that no word uses.
x = torch.tensor([[5, 6, 7], [8, 0, 0]])
real = x != 0
real.sum(dim=1)  # tensor([3, 1])
layer = nn.TransformerEncoderLayer(8, 2, batch_first=True)
hidden = nn.Embedding(10, 8)(x)
out = layer(hidden, src_key_padding_mask=~real)
out.shape  # torch.Size([2, 3, 8])

# %%
# No loss for padding: labels of -100 (``ignore_index``)
# ------------------------------------------------------
#
# ``F.cross_entropy`` ignores targets of -100 by default. If you pad the
# labels with -100, the mean is taken over the real tokens. If you pad with
# 0, the model learns class 0 at the padding.
labels = [torch.tensor([1, 2, 0]), torch.tensor([2])]
target = pad_sequence(labels, batch_first=True, padding_value=-100)
target  # tensor([[1, 2, 0], [2, -100, -100]])
logits = torch.randn(2, 3, 4)
loss = F.cross_entropy(logits.flatten(0, 1), target.flatten())
real = target != -100
same = F.cross_entropy(logits[real], target[real])
torch.allclose(loss, same)  # True


# %%
# Batches by number of tokens: short texts in larger batches
# ----------------------------------------------------------
#
# A padded batch holds as many tokens as its longest text, times the number
# of texts. Sort the texts by length, and fill a batch until its padded size
# would exceed the limit. Pass the sampler as ``batch_sampler``.
class ByTokens(Sampler):
    def __init__(self, lengths, limit):
        self.batches, batch = [], []
        for i in sorted(range(len(lengths)), key=lengths.__getitem__):
            if batch and lengths[i] * (len(batch) + 1) > limit:
                self.batches.append(batch)
                batch = []
            batch.append(i)
        self.batches.append(batch)

    def __iter__(self):
        return iter(self.batches)

    def __len__(self):
        return len(self.batches)


lengths = [9, 2, 3, 2, 8, 4]
list(ByTokens(lengths, limit=12))  # [[1, 3, 2], [5], [4], [0]]
len(DataLoader(lengths, batch_sampler=ByTokens(lengths, 12)))  # 4

# %%
# Word vectors from a file (GloVe): rows for known words
# ------------------------------------------------------
#
# A line holds a word and its numbers. Fill the rows of the words that are
# in the vocabulary. The other words keep random vectors. Count the words
# that were found: if there are few, the spelling may differ, for example in
# capital letters.
lines = ["cat 1.0 2.0", "dog 3.0 4.0", "sea 5.0 6.0"]
words = ["<pad>", "<unk>", "dog", "Cat"]
number = {word: i for i, word in enumerate(words)}
weights = torch.randn(len(words), 2)
weights[0] = 0
found = 0
for line in lines:
    word, *values = line.split()
    if word in number:
        weights[number[word]] = torch.tensor([float(v) for v in values])
        found += 1
found  # 1
layer = nn.Embedding.from_pretrained(weights, freeze=False, padding_idx=0)
layer(torch.tensor(2))  # tensor([3., 4.], grad_fn=<EmbeddingBackward0>)

# %%
# Error: index out of range in self, found in the data first
# ----------------------------------------------------------
#
# A token number must be smaller than ``num_embeddings``. Otherwise the
# model raises this error, or "device-side assert triggered" on a GPU. Check
# the largest number of the data once. If you add a token, the embedding
# needs one more row.
embedding = nn.Embedding(10, 4, device="cpu")
tokens = torch.tensor([[1, 9], [10, 3]], device="cpu")
tokens.max() < embedding.num_embeddings  # tensor(False)
with suppress(IndexError):
    embedding(tokens)  # IndexError: index out of range in self
wider = nn.Embedding(11, 4, device="cpu")
with torch.no_grad():
    wider.weight[:10] = embedding.weight
wider(tokens).shape  # torch.Size([2, 2, 4])

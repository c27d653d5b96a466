"""
Audio and video
===============

Read audio and video frames, bring them to one length, and compute
spectrograms, with PyTorch and SciPy.
"""
from contextlib import suppress
from io import BytesIO
from math import gcd

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from PIL import Image, ImageSequence
from scipy.io import wavfile
from scipy.signal import resample_poly
from torch import nn
from torchvision import tv_tensors
from torchvision.transforms import v2

# %%
# Read a WAV file without torchaudio: ``scipy.io.wavfile``
# --------------------------------------------------------
#
# ``torchaudio.load`` fails without a decoder: "Couldn't find appropriate
# backend to handle uri", or since 2.9 "TorchCodec is required". Install
# ``torchcodec`` and FFmpeg for formats such as MP3. SciPy alone reads WAV
# files; a stereo file of 16 bits gives integers of shape (time, channels).
# Transpose them to (channels, time), and divide 16-bit integers by 32,768
# to get floats between -1 and 1.
samples = np.array([[0, 0], [16384, -16384], [32767, -32768]], np.int16)
file = BytesIO()
wavfile.write(file, 8000, samples)
rate, data = wavfile.read(BytesIO(file.getvalue()))
rate, data.dtype.name, data.shape  # (8000, 'int16', (3, 2))
wave = torch.tensor(data.T.copy()) / 32768
wave.shape  # torch.Size([2, 3])
wave[:, 1]  # tensor([0.5000, -0.5000])

# %%
# Stereo to mono: mean over the channels
# --------------------------------------
#
# Audio has the shape (channels, time). Keep the channel dimension, so that
# the same code works for one and for two channels.
wave = torch.tensor([[1.0, 0.5], [0.0, 0.5]])
mono = wave.mean(dim=0, keepdim=True)
mono  # tensor([[0.5000, 0.5000]])
mono.shape  # torch.Size([1, 2])


# %%
# Change the sampling rate: ``scipy.signal.resample_poly``
# --------------------------------------------------------
#
# A pretrained model needs one sampling rate, often 16,000 values per
# second. ``resample_poly`` removes the frequencies that are too high for
# the new rate and keeps the others. If you only keep every third of 48,000
# values per second, a tone of 10,000 Hz becomes a tone of 6,000 Hz.
def resample(wave, old, new):
    divisor = gcd(old, new)
    array = resample_poly(
        wave.cpu().numpy(), new // divisor, old // divisor, axis=-1
    )
    return torch.tensor(array, dtype=wave.dtype)


def tone(wave, rate):
    strength = torch.fft.rfft(wave[0]).abs()
    return (strength.argmax() * rate / wave.shape[1]).item()


seconds = torch.arange(48_000) / 48_000
wave = torch.sin(2 * torch.pi * 440 * seconds)[None]
slower = resample(wave, 48_000, 16_000)
slower.shape  # torch.Size([1, 16000])
tone(wave, 48_000), tone(slower, 16_000)  # (440.0, 440.0)
high = torch.sin(2 * torch.pi * 10_000 * seconds)[None]
tone(high[:, ::3], 16_000)  # 6000.0
resample(high, 48_000, 16_000).square().mean() < 1e-3  # tensor(True)


# %%
# Clips of one length: cut at random, pad with silence
# ----------------------------------------------------
#
# The clips of a batch need the same length. Cut a long clip at a random
# place for training, or in the middle for evaluation. Pad a short clip with
# zeros at the end.
def fit(wave, length):
    extra = wave.shape[-1] - length
    if extra <= 0:
        return F.pad(wave, (0, -extra))
    start = int(torch.randint(0, extra + 1, ()))
    return wave[..., start : start + length]


short, long = torch.ones(1, 3), torch.arange(10.0)[None]
fit(short, 5)  # tensor([[1., 1., 1., 0., 0.]])
cut = fit(long, 4)
cut.shape  # torch.Size([1, 4])
cut.diff()  # tensor([[1., 1., 1.]])
torch.stack([fit(short, 4), cut]).shape  # torch.Size([2, 1, 4])

# %%
# Spectrogram as an image for a CNN: ``torch.stft``, logarithm
# ------------------------------------------------------------
#
# A spectrogram says how strong each frequency is at each time.
# ``torch.stft`` returns complex numbers of shape (channels, frequencies,
# time steps). Square the absolute value and take the logarithm, because
# loudness covers many powers of ten. The result is an image with one
# channel, with frequency 0 in the first row.
seconds = torch.arange(8000) / 8000
wave = torch.sin(2 * torch.pi * 1000 * seconds)[None]
window = torch.hann_window(256)
spectrum = torch.stft(
    wave, 256, hop_length=128, window=window, return_complex=True
)
power = spectrum.abs() ** 2
log_power = power.clamp(min=1e-10).log10()
log_power.shape  # torch.Size([1, 129, 63])
row = power[0, :, 30].argmax()
row.item() * 8000 / 256  # 1000.0
nn.Conv2d(1, 4, 3)(log_power[None]).shape  # torch.Size([1, 4, 127, 61])


# %%
# Mel spectrogram without torchaudio: one matrix product
# ------------------------------------------------------
#
# The mel scale spreads low frequencies and compresses high ones, similar to
# the ear. Each mel band is a weighted sum of neighbouring rows of the
# spectrogram, with weights that rise and fall like a triangle. One matrix
# product computes all bands. ``torchaudio.transforms.MelSpectrogram`` and
# librosa can scale the frequencies and the triangles differently, so their
# numbers may differ from these.
def mel_matrix(bands, rows, rate):
    top = 2595 * np.log10(1 + rate / 2 / 700)
    hertz = 700 * (10 ** (torch.linspace(0, top, bands + 2) / 2595) - 1)
    frequencies = torch.linspace(0, rate / 2, rows)
    hertz = hertz[:, None]
    left, middle, right = hertz[:-2], hertz[1:-1], hertz[2:]
    rising = (frequencies - left) / (middle - left)
    falling = (right - frequencies) / (right - middle)
    return torch.minimum(rising, falling).clamp(min=0)


filters = mel_matrix(bands=20, rows=513, rate=16_000)
filters.shape  # torch.Size([20, 513])
power = torch.ones(1, 513, 10)
(filters @ power).shape  # torch.Size([1, 20, 10])
peaks = filters.argmax(dim=1)
peaks.diff()[-1] > 5 * peaks.diff()[0]  # tensor(True)
filters.max() <= 1  # tensor(True)


# %%
# Mask bands of a spectrogram at random (SpecAugment)
# ---------------------------------------------------
#
# A random block of frequencies or of time is set to the mean, so that the
# model does not rely on a single place. Mask spectrograms only in training,
# not in evaluation.
def mask_band(image, dim, longest):
    size = image.shape[dim]
    length = int(torch.randint(0, longest + 1, ()))
    start = int(torch.randint(0, size - length + 1, ()))
    index = torch.arange(start, start + length)
    return image.index_fill(dim, index, image.mean().item())


image = torch.rand(1, 40, 100)
masked = mask_band(image, dim=1, longest=8)
rows = (masked != image).any(dim=-1).sum()
rows <= 8  # tensor(True)
masked.shape  # torch.Size([1, 40, 100])

# %%
# Frames of a GIF to a tensor: ``ImageSequence.Iterator``
# -------------------------------------------------------
#
# PIL opens a GIF at its first frame. Iterate over all frames, and stack
# them into a tensor of shape (time, channels, height, width).
frames = [Image.new("RGB", (6, 4), (60 * i, 0, 0)) for i in range(4)]
file = BytesIO()
frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
with Image.open(BytesIO(file.getvalue())) as gif:
    clip = torch.stack([
        v2.functional.pil_to_tensor(frame.convert("RGB"))
        for frame in ImageSequence.Iterator(gif)
    ])
clip.shape  # torch.Size([4, 3, 4, 6])
clip[:, 0, 0, 0].tolist()  # [0, 60, 120, 180]

# %%
# Same number of frames from each video: ``torch.linspace``
# ---------------------------------------------------------
#
# Videos have different lengths. Take a fixed number of frames, evenly
# spaced from the first to the last. In a short video some frames are
# repeated.
def pick(frames, wanted):
    index = torch.linspace(0, len(frames) - 1, wanted).round().long()
    return frames[index]


pick(torch.arange(100), 5)  # tensor([0, 25, 50, 74, 99])
pick(torch.arange(3), 5)  # tensor([0, 0, 1, 2, 2])

# %%
# Same random crop in all frames: ``tv_tensors.Video``
# ----------------------------------------------------
#
# ``v2.RandomCrop`` takes a whole clip of shape (time, channels, height,
# width) and cuts all its frames at the same random place. In a loop over
# the frames, it chooses another place for each frame.
frame = torch.arange(64.0).reshape(1, 8, 8)
clip = tv_tensors.Video(frame.expand(5, 1, 8, 8))
crop = v2.RandomCrop(3)
together = crop(clip)
together.shape  # torch.Size([5, 1, 3, 3])
together[:, 0, 0, 0].unique().numel()  # 1
apart = torch.stack([crop(frame) for _ in range(50)])
apart[:, 0, 0, 0].unique().numel() > 1  # True

# %%
# Error: expected input to have 3 channels, but got 16 (``nn.Conv3d``)
# --------------------------------------------------------------------
#
# A video often has the shape (time, channels, height, width), but
# ``nn.Conv3d`` needs the channels before the time. Transpose the batch to
# (batch, channels, time, height, width).
clips = torch.rand(2, 16, 3, 8, 8)
layer = nn.Conv3d(3, 4, kernel_size=3)
with suppress(RuntimeError):
    layer(clips)  # RuntimeError: to have 3 channels, but got 16 channels
layer(clips.transpose(1, 2)).shape  # torch.Size([2, 4, 14, 6, 6])

# %%
# ``torchvision.io.read_video`` is gone: ``torchcodec`` decodes videos
# --------------------------------------------------------------------
#
# torchvision no longer decodes videos, so old code raises "module
# 'torchvision.io' has no attribute 'read_video'". Install the package
# ``torchcodec`` in the version that fits your PyTorch. Its ``VideoDecoder``
# returns frames by index, as tensors of shape (channels, height, width).
with suppress(AttributeError):
    torchvision.io.read_video(
        "clip.mp4"
    )  # AttributeError: module 'torchvision.io' has no attribute

"""
Signals
=======

Compute the frequencies of a signal over time with the short-time Fourier
transform, and choose a window function.
"""
from contextlib import suppress
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory

import torch

# %%
# Samples from raw bytes: ``torch.frombuffer``, ``torch.from_file``
# -----------------------------------------------------------------
#
# Raw bytes contain no type, so you pass the dtype. ``frombuffer`` shares
# the memory of the buffer, and ``from_file`` reads a file and needs the
# number of elements. Pass a ``bytearray`` to ``frombuffer``, because a
# read-only buffer gives a warning.
raw = bytearray(pack("<4h", 3, -1, 4, 500))
samples = torch.frombuffer(raw, dtype=torch.int16)
samples  # tensor([3, -1, 4, 500], dtype=torch.int16)
raw[0] = 7
samples[0]  # tensor(7, dtype=torch.int16)
part = torch.frombuffer(raw, dtype=torch.int16, count=2, offset=2)
part.tolist()  # [-1, 4]
with TemporaryDirectory() as folder:
    path = Path(folder, "samples.raw")
    path.write_bytes(raw)
    settings = {"size": 4, "dtype": torch.int16, "device": "cpu"}
    torch.from_file(str(path), **settings).tolist()  # [7, -1, 4, 500]

# %%
# Windows: ``torch.hann_window``, ``hamming_window``, ``blackman_window``
# -----------------------------------------------------------------------
#
# The Hann, Hamming and Blackman windows are sums of cosines.
# ``torch.hann_window`` and ``torch.blackman_window`` start at 0, and
# ``torch.hamming_window`` starts at 0.08. Hann is the usual choice for
# ``stft``. Blackman leaks less into distant frequencies but separates close
# frequencies less well.
N = 8
angle = 2 * torch.pi * torch.arange(N) / N
hann = 0.5 - 0.5 * angle.cos()
hamming = 0.54 - 0.46 * angle.cos()
blackman = 0.42 - 0.5 * angle.cos() + 0.08 * (2 * angle).cos()
torch.allclose(torch.hann_window(N), hann, atol=1e-6)  # True
torch.allclose(torch.hamming_window(N), hamming, atol=1e-6)  # True
torch.allclose(torch.blackman_window(N), blackman, atol=1e-6)  # True
torch.hamming_window(N)[[0, 4]]  # tensor([0.0800, 1.0000])

# %%
# Triangle and Kaiser: ``torch.bartlett_window``, ``kaiser_window``
# -----------------------------------------------------------------
#
# The Bartlett window is a triangle. The Kaiser window has a parameter
# ``beta``: 0 gives a rectangle, and larger values give a narrower bell. The
# default is 12.
N = 8
t = 2 * torch.arange(N) / N - 1
torch.allclose(torch.bartlett_window(N), 1 - t.abs())  # True
for beta in [0.0, 5.0, 12.0]:
    bell = torch.i0(beta * (1 - t**2).sqrt()) / torch.tensor(beta).i0()
    window = torch.kaiser_window(N, True, beta=beta)
    torch.allclose(window, bell, atol=1e-6)  # True
torch.kaiser_window(3, True, beta=0.0)  # tensor([1., 1., 1.])

# %%
# ``periodic=True``: one sample short of symmetric
# ------------------------------------------------
#
# By default, the windows of this page are periodic, as ``stft`` needs them;
# the windows of ``torch.signal.windows`` are symmetric. A periodic window
# of length N is the symmetric window of length N + 1 without its last
# sample. To design a filter, use ``periodic=False``, which is also the form
# of ``np.hanning``.
torch.bartlett_window(4)  # tensor([0.0, 0.5, 1.0, 0.5])
symmetric = torch.bartlett_window(5, periodic=False)
symmetric  # tensor([0.0, 0.5, 1.0, 0.5, 0.0])
torch.equal(torch.bartlett_window(4), symmetric[:-1])  # True
twice = torch.hann_window(8) + torch.hann_window(8).roll(4)
torch.allclose(twice, torch.ones(8))  # True

# %%
# Short-time Fourier transform: ``torch.stft``
# --------------------------------------------
#
# ``torch.stft`` cuts the signal into pieces of ``n_fft`` samples, which
# start ``hop_length`` samples apart. It multiplies each piece by the window
# and computes its Fourier transform. The result is complex and has the
# shape (frequencies, pieces). By default (``center=True``), the signal is
# first padded with ``n_fft // 2`` samples on both sides.
signal, window = torch.randn(100), torch.hann_window(16)
spectrum = torch.stft(
    signal, 16, 4, window=window, center=False, return_complex=True
)
spectrum.shape  # torch.Size([9, 22])
pieces = signal.unfold(0, 16, 4) * window
by_hand = torch.fft.rfft(pieces).T
torch.allclose(spectrum, by_hand, atol=1e-5)  # True
padded = signal.stft(16, 4, window=window, return_complex=True)
padded.shape  # torch.Size([9, 26])

# %%
# Find the frequency of a tone: rows of ``torch.stft`` in hertz
# -------------------------------------------------------------
#
# Row k of the result belongs to the frequency ``k * rate / n_fft``. A
# larger ``n_fft`` gives a better resolution in frequency and a worse one in
# time.
rate, n_fft = 8000, 400
time = torch.arange(rate) / rate
low = torch.sin(2 * torch.pi * 440 * time)
high = torch.sin(2 * torch.pi * 1000 * time)
signal = torch.where(time < 0.5, low, high)
window = torch.hann_window(n_fft)
power = signal.stft(n_fft, window=window, return_complex=True).abs() ** 2
loudest = power.argmax(dim=0) * rate / n_fft
loudest[[10, -10]]  # tensor([440., 1000.])

# %%
# Back to the signal: ``torch.istft``
# -----------------------------------
#
# Pass the same ``n_fft``, hop length and window as to ``stft``. Without
# ``length``, the samples at the end that do not fill a whole hop are lost.
# Here the signal has 103 samples, and ``istft`` returns 100 of them by
# default.
signal, window = torch.randn(103), torch.hann_window(16)
spectrum = signal.stft(16, 4, window=window, return_complex=True)
back = torch.istft(spectrum, 16, 4, window=window, length=103)
torch.allclose(back, signal, atol=1e-5)  # True
same = spectrum.istft(16, 4, window=window)
same.shape  # torch.Size([100])
torch.allclose(same, signal[:100], atol=1e-5)  # True

# %%
# Error: stft requires the return_complex parameter
# -------------------------------------------------
#
# Old code leaves out this argument and expects pairs of real numbers. Pass
# ``return_complex=True``. If you need the pairs, convert the result with
# ``torch.view_as_real``.
signal, window = torch.randn(64), torch.hann_window(16)
with suppress(RuntimeError):
    torch.stft(signal, 16, window=window)  # RuntimeError: return_complex
spectrum = torch.stft(signal, 16, window=window, return_complex=True)
spectrum.dtype  # torch.complex64
torch.view_as_real(spectrum).shape  # torch.Size([9, 17, 2])

# %%
# Error: window overlap add min: 1 (``torch.istft``)
# --------------------------------------------------
#
# ``istft`` divides by the sum of the squared windows, so this sum must not
# be zero. It is zero at the start if the window starts at zero and
# ``center=False``. Use ``center=True`` in both directions, or a window that
# does not start at zero.
signal, window = torch.randn(64), torch.hann_window(16)
settings = {"n_fft": 16, "hop_length": 4, "window": window}
cut = torch.stft(signal, **settings, center=False, return_complex=True)
with suppress(RuntimeError):
    torch.istft(cut, **settings, center=False)  # RuntimeError: overlap add
padded = torch.stft(signal, **settings, return_complex=True)
back = torch.istft(padded, **settings)
torch.allclose(back, signal, atol=1e-5)  # True
settings["window"] = torch.hamming_window(16)
cut = torch.stft(signal, **settings, center=False, return_complex=True)
torch.istft(cut, **settings, center=False).shape  # torch.Size([64])

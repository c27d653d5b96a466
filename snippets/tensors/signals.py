"""
Signals
=======

Frequencies of a signal over time, and the windows that cut it in pieces.
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
# Both read numbers as they lie, so you name the dtype; the tensor is on the
# CPU. ``frombuffer`` shares the memory of the buffer, ``from_file`` maps a
# file and wants the count. A buffer that cannot be written warns: pass a
# ``bytearray``.
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
# Sums of cosines. ``torch.hann_window`` and ``torch.blackman_window`` start
# at zero, ``torch.hamming_window`` at 0.08. Hann is the usual
# choice for ``stft``; Blackman leaks less into distant frequencies and
# blurs near ones more.
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
# The Bartlett window is a triangle. ``torch.kaiser_window`` has a parameter
# ``beta`` from the rectangle (0) to ever narrower bells; 12 is the
# default. To give ``beta``, give ``periodic`` too.
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
# By default a window is made to be repeated, as ``stft`` does: it is the
# symmetric one of length N + 1 without its last sample. To design a filter,
# ask for ``periodic=False``; NumPy's ``np.hanning`` is that one.
torch.bartlett_window(4)  # tensor([0.0, 0.5, 1.0, 0.5])
symmetric = torch.bartlett_window(5, periodic=False)
symmetric  # tensor([0.0, 0.5, 1.0, 0.5, 0.0])
torch.equal(torch.bartlett_window(4), symmetric[:-1])  # True
twice = torch.hann_window(8) + torch.hann_window(8).roll(4)
torch.allclose(twice, torch.ones(8))  # True

# %%
# Frequencies over time: ``torch.stft``
# -------------------------------------
#
# It cuts the signal into pieces of ``n_fft`` samples, ``hop_length`` apart,
# multiplies each by the window and transforms it. The result is complex, of
# shape (frequencies, pieces). ``center=True``, the default, first pads
# ``n_fft // 2`` samples on both sides.
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
# Find a tone: the row of ``torch.stft`` in Hertz
# -----------------------------------------------
#
# Row k is the frequency ``k * rate / n_fft``. A longer piece separates
# tones better and moments worse.
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
# Give the same ``n_fft``, hop and window. The pieces overlap, so it divides
# by the sum of the squared windows. ``length`` keeps the samples at the end
# that fill no whole hop.
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
# Old code got pairs of real numbers and left the argument out. Say
# ``return_complex=True``, and ``torch.view_as_real`` where pairs are
# wanted.
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
# Where all windows are zero, nothing can be divided. With a window that
# starts at zero it comes from ``center=False``, or from a hop as long as
# the window. Keep ``center=True`` in both directions.
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

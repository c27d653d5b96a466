"""
Window functions
================

Fade a piece of a signal in and out before its frequencies are computed.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import scipy.signal
import torch
from torch.signal import windows

# %%
# The eleven windows of ``torch.signal.windows`` as curves
# --------------------------------------------------------
#
# A window is a curve that a piece of a signal is multiplied by, so that the
# piece begins and ends softly. SciPy has the same windows under the same
# names. The last five have parameters.
own = {
    "kaiser": {"beta": 12.0},
    "gaussian": {"std": 8.0},
    "exponential": {"tau": 12.0},
    "general_hamming": {"alpha": 0.7},
    "general_cosine": {"a": [0.2, 0.2, 0.2, 0.2, 0.2]},
}
names = "bartlett cosine hann hamming blackman nuttall".split() + list(own)
figure, axes = plt.subplots(3, 4, figsize=(9, 5), sharex=True, sharey=True)
axes[2, 3].axis("off")
for name, ax in zip(names, axes.flat, strict=False):
    settings = own.get(name, {})
    window = getattr(windows, name)(51, **settings)
    expected = getattr(scipy.signal.windows, name)(51, **settings)
    expected = torch.tensor(expected, dtype=torch.float32)
    torch.allclose(window, expected, atol=1e-6)  # True
    ax.plot(window.cpu())
    ax.set_title(name, fontsize=10)
figure.tight_layout()

# %%
# Find a weak tone beside a strong one: ``torch.signal.windows.hann``
# -------------------------------------------------------------------
#
# The strong tone has 20.5 waves in 256 samples, so the piece begins and
# ends at different places of the wave. Without a window, the tone then
# leaks into all frequencies and covers the weak tone of 60 waves (orange,
# dashed). Multiplied by ``torch.signal.windows.hann``, the signal shows
# both tones (blue).
N = 256
t = torch.arange(N) / N
strong = torch.sin(2 * torch.pi * 20.5 * t)
weak = 0.001 * torch.sin(2 * torch.pi * 60 * t)
window = windows.hann(N, sym=False)
faded = torch.fft.rfft((strong + weak) * window).abs()
plain = torch.fft.rfft(strong + weak).abs()
40 + plain[40:].argmax()  # tensor(40)
40 + faded[40:].argmax()  # tensor(60)
figure, ax = plt.subplots(figsize=(6.4, 2.8))
ax.semilogy(faded.cpu(), "C0")
ax.semilogy(plain.cpu(), "C1--")
figure.tight_layout()

# %%
# The right amplitude after a window: divide by its sum
# -----------------------------------------------------
#
# A window makes the signal smaller, and so the absolute values of its
# spectrum. Without a window, you divide them by ``N / 2`` to get the
# amplitude of a tone. With a window, divide by half of its sum instead.
N = 256
t = torch.arange(N) / N
tone = 3 * torch.sin(2 * torch.pi * 20 * t)
torch.fft.rfft(tone).abs().max() / (N / 2)  # tensor(3.0000)
window = windows.blackman(N, sym=False)
window.mean()  # tensor(0.4200)
peak = torch.fft.rfft(tone * window).abs().max()
peak / (N / 2)  # tensor(1.2600)
peak / (window.sum() / 2)  # tensor(3.0000)

# %%
# Windows for ``torch.stft``: ``sym=False``, as ``torch.hann_window``
# -------------------------------------------------------------------
#
# By default, ``torch.signal.windows`` returns symmetric windows, which are
# used to design filters. ``torch.stft`` needs periodic ones, so pass
# ``sym=False``. The older functions, such as ``torch.hann_window``, are
# periodic by default, and their argument is called ``periodic``; see
# :doc:`/reference/tensors/signals`.
windows.hann(5)  # tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
windows.hann(4, sym=False)  # tensor([0.0000, 0.5000, 1.0000, 0.5000])
old = torch.hann_window(64)
torch.allclose(windows.hann(64, sym=False), old, atol=1e-6)  # True
old = torch.hamming_window(64)
torch.allclose(windows.hamming(64, sym=False), old, atol=1e-6)  # True
old = torch.blackman_window(64)
torch.allclose(windows.blackman(64, sym=False), old, atol=1e-6)  # True
old = torch.bartlett_window(64)
torch.allclose(windows.bartlett(64, sym=False), old, atol=1e-6)  # True
old = torch.kaiser_window(64, periodic=False, beta=5.0)
torch.allclose(windows.kaiser(64, beta=5.0), old, atol=1e-6)  # True

# %%
# Sums of cosines: ``torch.signal.windows.general_cosine``, ``nuttall``
# ---------------------------------------------------------------------
#
# ``a`` holds the factors of
# :math:`a_0 - a_1 \cos x + a_2 \cos 2x - \ldots`, where x runs from 0 to
# :math:`2 \pi`. The Hann, Hamming, Blackman and
# Nuttall windows are such sums. ``torch.signal.windows.general_hamming``
# has two factors, ``alpha`` and ``1 - alpha``.
x = torch.linspace(0, 2 * torch.pi, 64)
two = 0.6 - 0.4 * torch.cos(x)
general = windows.general_hamming(64, alpha=0.6)
torch.allclose(general, two, atol=1e-6)  # True
torch.allclose(windows.general_cosine(64, a=[0.6, 0.4]), two)  # True
torch.allclose(windows.hann(64), 0.5 - 0.5 * torch.cos(x))  # True
torch.allclose(windows.hamming(64), 0.54 - 0.46 * torch.cos(x))  # True
three = windows.general_cosine(64, a=[0.42, 0.5, 0.08])
torch.allclose(windows.blackman(64), three, atol=1e-6)  # True
factors = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
four = windows.general_cosine(64, a=factors)
torch.allclose(windows.nuttall(64), four, atol=1e-6)  # True

# %%
# Width of the bell: ``std`` of ``gaussian``, ``beta`` of ``kaiser``
# ------------------------------------------------------------------
#
# A narrow bell leaks less into distant frequencies, and it separates close
# frequencies less well. The standard deviation ``std`` is counted in
# samples, so choose it in proportion to the length. A larger ``beta`` makes
# the bell narrower, and 0 gives a rectangle. The noise bandwidth says how
# many neighbouring frequencies share a tone; it is 1 for the rectangle.
n = torch.arange(65) - 32.0
bell = torch.exp(-0.5 * (n / 8) ** 2)
gauss = torch.signal.windows.gaussian(65, std=8.0)
torch.allclose(gauss, bell, atol=1e-6)  # True
root = (1 - (n / 32) ** 2).sqrt()
bell = torch.i0(5 * root) / torch.i0(torch.tensor(5.0))
kaiser = torch.signal.windows.kaiser(65, beta=5.0)
torch.allclose(kaiser, bell, atol=1e-6)  # True
for beta, bandwidth in [(0.0, 1.0), (5.0, 1.36), (12.0, 2.01)]:
    window = windows.kaiser(4096, beta=beta)
    width = 4096 * window.square().sum() / window.sum() ** 2
    abs(width.item() - bandwidth) < 0.01  # True

# %%
# Triangle, half wave and decay: ``bartlett``, ``cosine``, ``exponential``
# ------------------------------------------------------------------------
#
# ``torch.signal.windows.bartlett`` is a triangle, and
# ``torch.signal.windows.cosine`` is half a sine wave, whose ends are close
# to 0 but not 0. ``torch.signal.windows.exponential`` falls from its
# middle to both sides, by the factor 1/e over ``tau`` samples. To make it
# fall from the first sample, pass ``center=0`` and ``sym=False``.
windows.bartlett(5)  # tensor([0.0, 0.5, 1.0, 0.5, 0.0])
windows.cosine(5)  # tensor([0.3090, 0.8090, 1.0000, 0.8090, 0.3090])
middles = torch.arange(5) + 0.5
half_wave = torch.sin(torch.pi * middles / 5)
torch.allclose(windows.cosine(5), half_wave)  # True
n = torch.arange(5)
decay = windows.exponential(5, tau=2.0)
torch.allclose(decay, torch.exp(-(n - 2).abs() / 2))  # True
decay = windows.exponential(5, center=0, tau=2.0, sym=False)
torch.allclose(decay, torch.exp(-n / 2))  # True

# %%
# Error: hann() got an unexpected keyword argument 'periodic'
# -----------------------------------------------------------
#
# The argument is ``sym`` here, and True means symmetric, so
# ``periodic=True`` becomes ``sym=False``. Pass each argument after the
# length by its name. For float16, convert the finished window, and give
# ``torch.signal.windows.exponential`` a ``center`` only with ``sym=False``.
with suppress(TypeError):
    windows.hann(4, periodic=True)  # TypeError: got an unexpected keyword
with suppress(TypeError):
    windows.kaiser(4, 5.0)  # TypeError: takes 1 positional argument but
windows.hann(4, sym=False)  # tensor([0.0000, 0.5000, 1.0000, 0.5000])
with suppress(ValueError):
    windows.hann(4, dtype=torch.half)  # ValueError: expects float32 or
windows.bartlett(3).half()  # tensor([0., 1., 0.], dtype=torch.float16)
with suppress(ValueError):
    windows.exponential(4, center=0)  # ValueError: Center must be None for

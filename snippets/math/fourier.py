"""
Fourier transform
=================

Find out which frequencies a signal or an image contains, change them, and
get the signal back.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

# %%
# Find the frequencies of a signal: ``torch.fft.rfft``, ``rfftfreq``
# ------------------------------------------------------------------
#
# The Fourier transform writes a signal as a sum of waves.
# ``torch.fft.rfft`` returns one complex number per frequency, and
# ``torch.fft.rfftfreq`` returns these frequencies in hertz if ``d`` is the
# time between two samples in seconds. The absolute value, divided by half
# the number of samples, is the amplitude of the wave. For frequencies that
# change over time, see :doc:`/reference/tensors/signals`.
rate, N = 100, 200
t = torch.arange(N) / rate
slow = 2 * torch.sin(2 * torch.pi * 3 * t)
signal = slow + torch.sin(2 * torch.pi * 12 * t)
spectrum = torch.fft.rfft(signal)
frequencies = torch.fft.rfftfreq(N, d=1 / rate)
amplitude = spectrum.abs() / (N / 2)
frequencies[amplitude > 0.1]  # tensor([ 3.0000, 12.0000])
amplitude[amplitude > 0.1]  # tensor([2.0000, 1.0000])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8))
left.plot(t.cpu(), signal.cpu())
left.set(xlabel="s")
right.stem(frequencies.cpu(), amplitude.cpu(), markerfmt=" ", basefmt=" ")
right.set(xlabel="Hz", xlim=(0, 20))
figure.tight_layout()

# %%
# Back to the signal: ``torch.fft.irfft`` with ``n=``
# ---------------------------------------------------
#
# ``torch.fft.irfft`` is the inverse of ``torch.fft.rfft``. The spectra of 4
# and of 5 samples both have 3 numbers, so ``irfft`` cannot tell the length
# and assumes that it is even. Pass the length of the signal as ``n``.
x = torch.tensor([1.0, 2.0, 4.0, 3.0, 5.0])
spectrum = torch.fft.rfft(x)
len(spectrum), len(torch.fft.rfft(x[:4]))  # (3, 3)
back = torch.fft.irfft(spectrum, n=5)
back  # tensor([1.0000, 2.0000, 4.0000, 3.0000, 5.0000])
torch.fft.irfft(spectrum).shape  # torch.Size([4])

# %%
# The formula, also for complex signals: ``torch.fft.fft``, ``ifft``
# ------------------------------------------------------------------
#
# ``torch.fft.fft`` computes :math:`X_k = \sum_n x_n e^{-2 \pi i k n / N}`
# for each k from 0 to N - 1, and ``torch.fft.ifft`` is its inverse. If the
# signal is real, the second half of the result is the complex conjugate of
# the first half in reverse order. ``torch.fft.rfft`` leaves this half out.
x = torch.tensor([1.0, 2.0, 4.0, 3.0])
torch.fft.fft(x)  # tensor([10.+0.j, -3.+1.j, 0.+0.j, -3.-1.j])
torch.fft.rfft(x)  # tensor([10.+0.j, -3.+1.j, 0.+0.j])
n = torch.arange(4)
waves = torch.exp(-2j * torch.pi * n * n[:, None] / 4)
torch.allclose(waves @ x.cfloat(), torch.fft.fft(x), atol=1e-5)  # True
z = torch.tensor([1 + 2j, 3j, -1.0])
torch.allclose(torch.fft.ifft(torch.fft.fft(z)), z, atol=1e-6)  # True

# %%
# Zero in the middle: ``torch.fft.fftfreq``, ``fftshift``, ``ifftshift``
# ----------------------------------------------------------------------
#
# The result of ``torch.fft.fft`` starts with frequency 0, then come the
# positive and last the negative frequencies, as ``torch.fft.fftfreq``
# lists them. ``torch.fft.fftshift`` moves 0 to the middle, for plots. Undo
# this with ``torch.fft.ifftshift``, because for an odd size a second
# ``fftshift`` gives another order.
f = torch.fft.fftfreq(5, d=1 / 5)
f  # tensor([ 0.0000,  1.0000,  2.0000, -2.0000, -1.0000])
middle = torch.fft.fftshift(f)
middle  # tensor([-2.0000, -1.0000, 0.0000, 1.0000, 2.0000])
torch.equal(torch.fft.ifftshift(middle), f)  # True
torch.equal(torch.fft.fftshift(middle), f)  # False
t = torch.arange(5) / 5
backwards = torch.exp(-2j * torch.pi * 2 * t)
f[torch.fft.fft(backwards).abs().argmax()]  # tensor(-2.0000)

# %%
# Frequencies of an image: ``torch.fft.fft2``, ``rfft2``, ``irfft2``
# ------------------------------------------------------------------
#
# ``torch.fft.fft2`` transforms the last two dimensions, and
# ``torch.fft.rfft2`` returns half of this spectrum. Left: a white square
# with stripes. Middle: the absolute values of the spectrum, with frequency
# 0 in the middle and the stripes as two separate points on the left and on
# the right. Right: the image without this frequency.
square = torch.zeros(65, 65)
square[20:45, 20:45] = 1.0
column = torch.arange(65)
image = square + 0.5 * torch.cos(2 * torch.pi * 13 * column / 65)
spectrum = torch.fft.fft2(image)
shown = torch.fft.fftshift(spectrum.abs())
half = torch.fft.rfft2(image)
torch.allclose(half, spectrum[:, :33], atol=1e-3)  # True
half[0, 13] = 0
cleaned = torch.fft.irfft2(half, s=image.shape)
torch.allclose(cleaned, square, atol=1e-5)  # True
both_ways = torch.fft.ifft2(spectrum).real
torch.allclose(both_ways, image, atol=1e-5)  # True
figure, axes = plt.subplots(1, 3, figsize=(9, 3))
for ax, picture in zip(axes, [image, shown.log1p(), cleaned], strict=True):
    ax.imshow(picture.cpu().numpy(), cmap="gray")
    ax.axis("off")
figure.tight_layout()

# %%
# Several dimensions, other sizes: ``torch.fft.fftn``, ``dim=``, ``s=``
# ---------------------------------------------------------------------
#
# ``torch.fft.fftn`` transforms along each dimension in ``dim``, one after
# the other. Without ``dim``, it transforms along all of them, also along
# the batch. ``s`` holds one size per dimension: a larger size first adds
# zeros at the end, and a smaller one cuts.
video = torch.randn(5, 4, 3)
one_by_one = torch.fft.fft(torch.fft.fft(video, dim=0), dim=1)
both = torch.fft.fftn(video, dim=(0, 1))
torch.allclose(both, one_by_one, atol=1e-4)  # True
longer = torch.fft.fft(F.pad(video, (0, 0, 0, 4)), dim=1)
padded = torch.fft.fftn(video, s=[8], dim=[1])
torch.allclose(padded, longer, atol=1e-4)  # True
half = torch.fft.rfftn(video)
half.shape  # torch.Size([5, 4, 2])
back = torch.fft.irfftn(half, s=video.shape)
torch.allclose(back, video, atol=1e-5)  # True
real = torch.fft.ifftn(both, dim=(0, 1)).real
torch.allclose(real, video, atol=1e-5)  # True

# %%
# Who divides by the number of samples: ``norm="ortho"``
# ------------------------------------------------------
#
# By default, ``fft`` adds up and ``ifft`` divides by the number of samples.
# With ``norm="forward"`` it is the other way round, so the first number is
# the mean of the signal. With ``norm="ortho"`` both divide by the square
# root, and the sum of squares stays the same. Pass the same ``norm`` in
# both directions.
x = torch.tensor([3.0, 4.0, 0.0, 0.0])
torch.fft.fft(x)[0].real  # tensor(7.)
torch.fft.fft(x, norm="forward")[0].real  # tensor(1.7500)
unitary = torch.fft.fft(x, norm="ortho")
unitary[0].real  # tensor(3.5000)
unitary.abs().square().sum()  # tensor(25.0000)
torch.fft.ifft(unitary, norm="ortho").real  # tensor([3., 4., 0., 0.])
torch.fft.ifft(unitary)[1].real  # tensor(2.)

# %%
# Convolve by multiplying spectra: ``torch.fft.rfft`` and ``F.conv1d``
# --------------------------------------------------------------------
#
# The product of two spectra is the spectrum of the convolution. This needs
# fewer operations than ``F.conv1d`` if the kernel is long. Let ``n`` be at
# least the length of the result, or its end is added to its beginning.
# ``F.conv1d`` does not flip the kernel, so flip it for a comparison.
x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
kernel = torch.tensor([1.0, 0.0, -1.0])
n = len(x) + len(kernel) - 1
product = torch.fft.rfft(x, n=n) * torch.fft.rfft(kernel, n=n)
full = torch.fft.irfft(product, n=n)
direct = F.conv1d(x[None], kernel.flip(0)[None, None], padding=2)
direct  # tensor([[1., 2., 2., 2., 2., -4., -5.]])
torch.allclose(full, direct[0], atol=1e-5)  # True
product = torch.fft.rfft(x) * torch.fft.rfft(kernel, n=5)
short = torch.fft.irfft(product, n=5)
short  # tensor([-3.0000, -3.0000, 2.0000, 2.0000, 2.0000])

# %%
# Spectra that are real: ``torch.fft.hfft``, ``ihfft``, ``hfft2``, ``hfftn``
# --------------------------------------------------------------------------
#
# The autocorrelation adds up the products of a signal and a shifted copy of
# it, for each shift. It is symmetric, so its spectrum is real: this is the
# power spectrum. ``torch.fft.hfft`` computes the spectrum from half of the
# autocorrelation, and ``torch.fft.ihfft`` returns this half. The forms for
# two and for more dimensions work in the same way.
x = torch.tensor([1.0, 2.0, 4.0, 3.0, 5.0])
power = torch.fft.fft(x).abs() ** 2
half = torch.fft.ihfft(power)
half.real  # tensor([55.0000, 42.0000, 43.0000])
[x.dot(x.roll(k)).item() for k in range(3)]  # [55.0, 42.0, 43.0]
torch.allclose(torch.fft.hfft(half, n=5), power, atol=1e-3)  # True
image = torch.randn(3, 5)
power = torch.fft.fft2(image).abs() ** 2
half = torch.fft.ihfft2(power)
whole = torch.fft.ifft2(power)
torch.allclose(half, whole[:, :3], atol=1e-4)  # True
torch.allclose(half, torch.fft.ihfftn(power), atol=1e-6)  # True
back = torch.fft.hfft2(half, s=image.shape)
torch.allclose(back, power, atol=1e-3)  # True
torch.allclose(torch.fft.hfftn(half, s=image.shape), back)  # True

# %%
# Remove a frequency, with gradients: ``torch.fft.rfft``, ``irfft``
# -----------------------------------------------------------------
#
# A hum of 50 Hz disturbs a tone of 3 Hz. Set its frequency to 0 in the
# spectrum and transform back. Gradients flow through both transforms, so
# the filter can stand before a loss. The gradient here contains no hum
# either, because the loss does not depend on it.
rate, N = 400, 400
t = torch.arange(N) / rate
wanted = torch.sin(2 * torch.pi * 3 * t)
hum = 0.5 * torch.sin(2 * torch.pi * 50 * t)
signal = (wanted + hum).requires_grad_()
frequencies = torch.fft.rfftfreq(N, d=1 / rate)
keep = (frequencies - 50).abs() > 1
clean = torch.fft.irfft(torch.fft.rfft(signal) * keep, n=N)
torch.allclose(clean, wanted, atol=1e-5)  # True
loss = 0.5 * clean.square().sum()
loss.backward()
torch.allclose(signal.grad, wanted, atol=1e-5)  # True

# %%
# Error: Invalid number of data points (0) specified
# --------------------------------------------------
#
# The signal is empty, for example because a slice starts behind its end.
# ``torch.fft.irfft`` also raises this error for a spectrum with one number
# if you do not pass ``n``: the default length is 2 * (1 - 1), which is 0.
signal = torch.tensor([1.0, 2.0, 3.0])
with suppress(RuntimeError):
    torch.fft.fft(signal[5:])  # RuntimeError: Invalid number of data points
spectrum = torch.fft.rfft(signal[:1])
with suppress(RuntimeError):
    torch.fft.irfft(spectrum)  # RuntimeError: Invalid number of data points
torch.fft.irfft(spectrum, n=1)  # tensor([1.0000])

# %%
# Error: Unsupported dtype Half; rfft expects a real input tensor
# ---------------------------------------------------------------
#
# On the CPU, the transforms need float32 or float64 and the complex dtypes
# of this precision. Convert float16 and bfloat16 with ``float`` first.
# ``torch.fft.rfft`` takes real signals; use ``torch.fft.fft`` for complex
# ones.
signal = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float16, device="cpu")
try:
    torch.fft.rfft(signal)
except RuntimeError as error:
    message = str(error)
message  # 'Unsupported dtype Half'
torch.fft.rfft(signal.float())[0]  # tensor(6.0000+0.0000j)
z = torch.tensor([1 + 1j, 2.0, 3.0])
with suppress(RuntimeError, TypeError):
    torch.fft.rfft(
        z
    )  # TypeError: real input since 2.14, RuntimeError: real input before
torch.fft.fft(z)[0]  # tensor(6.0000+1.0000j)

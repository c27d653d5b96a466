"""
Losses of a GAN
===============

A GAN trains a generator, which makes samples from noise, against a
discriminator, which tells them from real samples. Compute the losses of
both networks, and find out why the training fails.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Generator and discriminator loss of a GAN, and their values at balance
# ----------------------------------------------------------------------
#
# The discriminator has the target 1 for real samples and 0 for generated
# ones. The generator has the target 1. If the discriminator cannot tell the
# samples apart, its loss is ``2 * log(2)`` and the generator's loss is
# ``log(2)``. A low loss does not mean good samples, so look at the samples.
real, fake = torch.zeros(8, 1), torch.zeros(8, 1)
bce = F.binary_cross_entropy_with_logits
loss_d = bce(real, torch.ones(8, 1)) + bce(fake, torch.zeros(8, 1))
loss_g = bce(fake, torch.ones(8, 1))
loss_d, loss_g  # (tensor(1.3863), tensor(0.6931))

# %%
# Discriminator loss falls to 0, generator loss grows
# ---------------------------------------------------
#
# If the generator loss is 7, the discriminator considers the generated
# samples real with a probability of only ``exp(-7)``. Lower its learning
# rate, smooth its labels, or use a hinge loss. The minimax loss, the
# negative loss for label 0, has almost no gradient here. The loss for label
# 1 still has a gradient.
logit = torch.full((1,), -7.0, requires_grad=True)
loss_g = F.binary_cross_entropy_with_logits(logit, torch.ones(1))
torch.exp(-loss_g)  # tensor(0.0009, grad_fn=<ExpBackward0>)
logit.sigmoid()  # tensor([0.0009], grad_fn=<SigmoidBackward0>)
torch.autograd.grad(loss_g, logit)  # (tensor([-0.9991]),)
minimax = -F.binary_cross_entropy_with_logits(logit, torch.zeros(1))
torch.autograd.grad(minimax, logit)  # (tensor([-0.0009]),)

# %%
# One-sided label smoothing: 0.9 for real samples
# -----------------------------------------------
#
# If the label of real samples is 0.9 instead of 1, the best logit is
# ``log(9)``. A larger logit has a larger loss again, so the discriminator
# does not become too confident. The label of generated samples stays 0.
logits = torch.tensor([2.0, 2.1972, 5.0, 10.0])
target = torch.full((4,), 0.9)
bce = nn.BCEWithLogitsLoss(reduction="none")
bce(logits, target)  # tensor([0.3269, 0.3251, 0.5067, 1.0000])
torch.tensor(9.0).log()  # tensor(2.1972)

# %%
# Hinge loss of a GAN
# -------------------
#
# The discriminator should give real samples logits above 1 and generated
# samples logits below -1. A sample beyond this limit has no loss and no
# gradient. The generator's loss is the negative mean logit of its samples.
real = torch.tensor([2.0, 0.5], requires_grad=True)
fake = torch.tensor([-3.0, 0.0], requires_grad=True)
loss_d = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
loss_d.item()  # 0.75
loss_d.backward()
real.grad, fake.grad  # (tensor([-0.0, -0.5]), tensor([0.0, 0.5]))
loss_g = -fake.mean()
loss_g.item()  # 1.5

# %%
# Least squares GAN: ``F.mse_loss``
# ---------------------------------
#
# The discriminator has no sigmoid. Its target is 1 for real samples and 0
# for generated ones, and the generator's target is 1. The gradient grows
# with the distance from the target, so it does not vanish for poor samples.
real, fake = torch.tensor([0.8, 1.5]), torch.tensor([0.1, -2.0])
loss_d = F.mse_loss(real, torch.ones(2)) + F.mse_loss(fake, torch.zeros(2))
loss_d  # tensor(2.1500)
fake.requires_grad_()
loss_g = F.mse_loss(fake, torch.ones(2))
torch.autograd.grad(loss_g, fake)  # (tensor([-0.9000, -3.0000]),)

# %%
# Critic loss of a WGAN is negative
# ---------------------------------
#
# In a WGAN the discriminator is called a critic and returns scores of any
# size, without a sigmoid. Its loss is the mean score of the generated
# samples minus that of the real ones. A negative loss is normal, because
# the critic should give real samples higher scores. The loss rises towards
# 0 as the generator improves.
score_real, score_fake = torch.tensor([3.0, 5.0]), torch.tensor([-1.0, 1.0])
loss_critic = score_fake.mean() - score_real.mean()
loss_critic  # tensor(-4.)
loss_g = -score_fake.mean()
loss_g  # tensor(-0.)

# %%
# Gradient penalty of WGAN-GP: one norm for each image
# ----------------------------------------------------
#
# Mix real and generated images, and compute the gradient of the scores with
# respect to the mix. Flatten the gradient before the norm, because
# ``norm(dim=1)`` on (N, C, H, W) would give one norm per pixel.
# ``create_graph=True`` is needed so that the penalty trains the critic.
critic = nn.Sequential(nn.Flatten(), nn.Linear(2 * 3 * 3, 1))
real, fake = torch.rand(4, 2, 3, 3), torch.rand(4, 2, 3, 3)
part = torch.rand(4, 1, 1, 1)
mixed = (part * real + (1 - part) * fake).requires_grad_()
scores = critic(mixed)
(grad,) = torch.autograd.grad(scores.sum(), mixed, create_graph=True)
norms = grad.flatten(1).norm(dim=1)
norms.shape  # torch.Size([4])
grad.norm(dim=1).shape  # torch.Size([4, 3, 3])
weight_norm = critic[1].weight.norm()
torch.allclose(norms, weight_norm.expand(4))  # True
penalty = 10 * ((norms - 1) ** 2).mean()
penalty.backward()
critic[1].weight.grad.abs().sum() > 0  # tensor(True)

# %%
# R1 penalty: the gradient at real samples
# ----------------------------------------
#
# Compute the gradient of the discriminator's scores with respect to the
# real samples. Square it, sum it over each sample and average it over the
# batch. Add this penalty to the loss of the discriminator. Call
# ``requires_grad_`` on the samples and set ``create_graph=True``.
discriminator = nn.Linear(3, 1)
real = torch.rand(5, 3).requires_grad_()
scores = discriminator(real)
(grad,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
penalty = grad.square().sum(dim=1).mean()
torch.allclose(penalty, discriminator.weight.square().sum())  # True

# %%
# Mode collapse: measure how far samples differ
# ---------------------------------------------
#
# In mode collapse, different noise vectors give nearly the same sample. The
# generated samples are then much closer to each other than the real samples
# are. Try a gradient penalty, a lower learning rate, or a discriminator
# that sees the whole batch, as in the next card.
def spread(samples):
    return torch.pdist(samples.flatten(1)).mean()


real = torch.randn(64, 10)
collapsed = torch.randn(1, 10) + 0.01 * torch.randn(64, 10)
(spread(collapsed) / spread(real) < 0.05).item()  # True
(spread(torch.randn(64, 10)) / spread(real) > 0.8).item()  # True

# %%
# Show the discriminator the whole batch: minibatch standard deviation
# --------------------------------------------------------------------
#
# This layer adds one channel that holds the mean standard deviation over
# the batch. If all samples of the batch are equal, the channel is 0, so the
# discriminator can notice mode collapse.
def add_batch_deviation(x):
    value = x.std(dim=0, correction=0).mean()
    channel = value.expand(x.size(0), 1, *x.shape[2:])
    return torch.cat([x, channel], dim=1)


different = torch.tensor([0.0, 2.0]).view(2, 1, 1, 1).expand(2, 3, 4, 4)
out = add_batch_deviation(different)
out.shape  # torch.Size([2, 4, 4, 4])
out[0, 3, 0, 0].item()  # 1.0
add_batch_deviation(torch.ones(2, 3, 4, 4))[:, 3].sum()  # tensor(0.)

# %%
# Error: modified by an inplace operation (the discriminator was stepped)
# -----------------------------------------------------------------------
#
# ``optimizer.step`` changes the weights in place. If the generator loss was
# computed before the step, its graph needs the old weights and ``backward``
# raises an error. Compute the generator loss after the step of the
# discriminator, with a new forward pass.
generator, discriminator = nn.Linear(2, 3), nn.Linear(3, 1)
discriminator = nn.Sequential(discriminator, nn.Tanh(), nn.Linear(1, 1))
step_d = torch.optim.SGD(discriminator.parameters(), lr=0.1)
fake = generator(torch.randn(4, 2))
loss_g = -discriminator(fake).mean()
discriminator(fake.detach()).mean().backward()
step_d.step()
with suppress(RuntimeError):
    loss_g.backward()  # RuntimeError: one of the variables needed for
loss_g = -discriminator(fake).mean()
loss_g.backward()
generator.weight.grad is None  # False

# %%
# The generator's loss leaves gradients in the discriminator
# ----------------------------------------------------------
#
# ``backward`` of the generator's loss also fills the gradients of the
# discriminator, and the discriminator's next gradients would be added to
# them. Call ``zero_grad`` on the discriminator before its next loss. You
# can also pass the generator's parameters as ``inputs`` of ``backward``.
generator, discriminator = nn.Linear(2, 3), nn.Linear(3, 1)
noise = torch.randn(4, 2)
(-discriminator(generator(noise)).mean()).backward()
discriminator.weight.grad is None  # False
discriminator.zero_grad()
loss_g = -discriminator(generator(noise)).mean()
loss_g.backward(inputs=list(generator.parameters()))
discriminator.weight.grad is None  # True

"""
Losses of a GAN
===============

Let a generator and a discriminator learn from each other.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Two losses of a GAN, and their values at the balance
# ----------------------------------------------------
#
# The target of the discriminator is 1 for real samples and 0 for generated
# ones, and the target of the generator is 1. A discriminator that cannot
# tell them apart has a loss of ``2 * log(2)``, and the generator one of
# ``log(2)``. A low loss is not the goal, so look at samples.
real, fake = torch.zeros(8, 1), torch.zeros(8, 1)
bce = F.binary_cross_entropy_with_logits
loss_d = bce(real, torch.ones(8, 1)) + bce(fake, torch.zeros(8, 1))
loss_g = bce(fake, torch.ones(8, 1))
loss_d, loss_g  # (tensor(1.3863), tensor(0.6931))

# %%
# Discriminator loss falls to 0, generator loss grows
# ---------------------------------------------------
#
# A generator loss of 7 says that the discriminator gives its samples a
# probability of ``exp(-7)``: it has won, and the samples are easily told
# apart. Lower the learning rate of the discriminator, give it label
# smoothing, or take a hinge loss. The minimax loss of the generator has no
# gradient left there; the loss with label 1 has.
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
# With 0.9 in place of 1 the best logit for a real sample is ``log(9)``, and
# a larger one costs more again. The label of generated samples stays 0.
logits = torch.tensor([2.0, 2.1972, 5.0, 10.0])
target = torch.full((4,), 0.9)
bce = nn.BCEWithLogitsLoss(reduction="none")
bce(logits, target)  # tensor([0.3269, 0.3251, 0.5067, 1.0000])
torch.tensor(9.0).log()  # tensor(2.1972)

# %%
# Hinge loss of a GAN
# -------------------
#
# Logits of real samples should be above 1 and those of generated ones below
# -1. A sample beyond that costs nothing and has no gradient, so the
# discriminator stops there. The generator raises the logit of its samples.
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
# The outputs have no sigmoid. Real samples should give 1, generated ones 0,
# and the generator asks for 1. The gradient grows with the distance and
# does not vanish.
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
# A critic gives scores without a bound, and no sigmoid follows. Its loss is
# the mean score of generated samples less that of real ones. It is negative
# while the critic tells them apart, and rises towards 0 as the generator
# learns.
score_real, score_fake = torch.tensor([3.0, 5.0]), torch.tensor([-1.0, 1.0])
loss_critic = score_fake.mean() - score_real.mean()
loss_critic  # tensor(-4.)
loss_g = -score_fake.mean()
loss_g  # tensor(-0.)

# %%
# Gradient penalty of WGAN-GP: one norm for each image
# ----------------------------------------------------
#
# Mix real and generated images, differentiate the scores by the mix, and
# flatten before the norm. ``norm(dim=1)`` on (N, C, H, W) takes one norm
# for each pixel, and another penalty. ``create_graph=True`` lets the
# penalty reach the weights of the critic.
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
# The squared gradient of the discriminator by real images is added to its
# loss. Sum it over each image and average over the batch. The inputs need
# ``requires_grad_``, and the graph of the gradient is kept.
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
# Every noise vector gives nearly the same sample. Compare the mean distance
# between generated samples with that between real ones: a small ratio is
# mode collapse. Remedies are a gradient penalty, a lower learning rate, and
# a discriminator that sees the batch, as in the next card.
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
# A layer adds one channel that holds the mean standard deviation over the
# batch. It is 0 for a batch of equal samples, so the discriminator can see
# a collapse.
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
# ``optimizer.step`` changes the weights in place. A loss of the generator
# that was computed before cannot go back through them. Compute it after the
# step of the discriminator, with a new forward pass.
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
# They would be added to the next loss of the discriminator. Call
# ``zero_grad`` on it before that loss, or give ``backward`` the parameters
# that should get a gradient.
generator, discriminator = nn.Linear(2, 3), nn.Linear(3, 1)
noise = torch.randn(4, 2)
(-discriminator(generator(noise)).mean()).backward()
discriminator.weight.grad is None  # False
discriminator.zero_grad()
loss_g = -discriminator(generator(noise)).mean()
loss_g.backward(inputs=list(generator.parameters()))
discriminator.weight.grad is None  # True

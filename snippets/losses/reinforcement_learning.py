"""
Losses of reinforcement learning
================================

Learn from rewards: policy gradients, PPO and Q-learning.
"""
import warnings
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical, Independent, Normal

# %%
# Discounted returns of an episode
# --------------------------------
#
# Go through the rewards from the end. ``done`` is 1 at the last step of an
# episode and stops the sum there, so several episodes can follow each other
# in one tensor.
def discounted_returns(rewards, done, gamma):
    returns, total = torch.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        total = rewards[t] + gamma * total * (1 - done[t])
        returns[t] = total
    return returns


rewards = torch.tensor([1.0, 1.0, 1.0, 2.0, 4.0])
done = torch.tensor([0.0, 0.0, 1.0, 0.0, 1.0])
returns = discounted_returns(rewards, done, gamma=0.5)
returns  # tensor([1.7500, 1.5000, 1.0000, 4.0000, 4.0000])

# %%
# Policy gradient (REINFORCE): ``-(log_prob * return)``
# -----------------------------------------------------
#
# ``Categorical(logits=...)`` takes the output of the network as it is, and
# the loss has a minus because an optimizer minimizes. The gradient of the
# logits is softmax minus one-hot, times the return, divided by the batch
# size. The value of the loss does not measure success, so watch the return
# of the episodes.
logits = torch.zeros(2, 3, requires_grad=True)
actions, returns = torch.tensor([0, 2]), torch.tensor([6.0, -3.0])
policy = Categorical(logits=logits)
loss = -(policy.log_prob(actions) * returns).mean()
loss.backward()
logits.grad[0]  # tensor([-2.0000, 1.0000, 1.0000])
logits.grad[1]  # tensor([-0.5000, -0.5000, 1.0000])

# %%
# Subtract a baseline: the advantage, detached
# --------------------------------------------
#
# The advantage is the return minus the prediction of the value network.
# ``detach`` keeps the loss of the policy from training the value network,
# which has a loss of its own. Scale the advantages of a batch to mean 0 and
# standard deviation 1.
value = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
returns = torch.tensor([2.0, 2.0, 2.0])
advantage = (returns - value).detach()
advantage.requires_grad  # False
scaled = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
scaled  # tensor([1.0000, 0.0000, -1.0000])
F.mse_loss(value, returns).backward()
value.grad  # tensor([-0.6667, 0.0000, 0.6667])

# %%
# Clipped loss of PPO, and the entropy of the policy
# --------------------------------------------------
#
# ``ratio`` compares the new probability of an action with the one it was
# drawn with. Once the ratio has moved by 20 % in the direction of the
# advantage, the gradient is 0. The entropy is subtracted with a small
# factor, so that the policy stays random for longer.
def ppo_loss(log_prob, old_log_prob, advantage, clip=0.2):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio * advantage, clipped * advantage).mean()


old = torch.tensor([0.5, 0.5]).log()
new = torch.tensor([0.55, 0.75]).log().requires_grad_()
loss = ppo_loss(new, old, torch.tensor([1.0, 1.0]))
loss  # tensor(-1.1500, grad_fn=<NegBackward0>)
torch.autograd.grad(loss, new)  # (tensor([-0.5500, 0.0000]),)
entropy = Categorical(logits=torch.zeros(4)).entropy()
entropy, torch.tensor(4.0).log()  # (tensor(1.3863), tensor(1.3863))

# %%
# Actions with several numbers: sum the log probabilities
# -------------------------------------------------------
#
# ``Normal`` gives a log probability for each number of an action. The
# action has one, their sum: without it a loss multiplies shapes (N, D) and
# (N,). ``Independent`` sums over the last dimension.
mean, scale = torch.zeros(4, 2), torch.ones(2)
action = torch.randn(4, 2)
Normal(mean, scale).log_prob(action).shape  # torch.Size([4, 2])
policy = Independent(Normal(mean, scale), 1)
log_prob = policy.log_prob(action)
log_prob.shape  # torch.Size([4])
each = Normal(mean, scale).log_prob(action)
torch.allclose(log_prob, each.sum(dim=1))  # True

# %%
# Advantages with a trace: GAE
# ----------------------------
#
# Generalized advantage estimation sums the errors of one step with the
# factor ``gamma * lam``. ``values`` has one entry more than ``rewards``,
# the value of the state after the last step. ``lam=1`` gives the return
# less the value.
def gae(rewards, values, done, gamma=0.5, lam=1.0):
    advantages, total = torch.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        ahead = gamma * values[t + 1] * (1 - done[t])
        error = rewards[t] + ahead - values[t]
        total = error + gamma * lam * total * (1 - done[t])
        advantages[t] = total
    return advantages


rewards, done = torch.tensor([1.0, 1.0, 1.0]), torch.tensor([0.0, 0.0, 1.0])
values = torch.tensor([0.5, 0.5, 0.5, 9.0])
gae(rewards, values, done)  # tensor([1.2500, 1.0000, 0.5000])
gae(rewards, values, done, lam=0.0)  # tensor([0.7500, 0.7500, 0.5000])

# %%
# Q value of the chosen action: ``gather``
# ----------------------------------------
#
# ``gather`` takes the value of the chosen action from the output of a Q
# network. The actions must be int64 of shape (N, 1), and ``squeeze(1)``
# drops the second dimension before the loss. An action that is too large
# raises an error on the CPU, as here, and on CUDA it is a device-side
# assert.
q = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
actions = torch.tensor([0, 1, 1])
q.gather(1, actions.unsqueeze(1)).squeeze(1)  # tensor([1., 4., 6.])
q[torch.arange(3), actions]  # tensor([1., 4., 6.])
stored = torch.tensor([[0], [1], [1]], dtype=torch.uint8)
with suppress(RuntimeError):
    q.gather(1, stored)  # RuntimeError: gather(): Expected dtype
q.gather(1, stored.long()).squeeze(1)  # tensor([1., 4., 6.])
large = actions.cpu()[:, None] + 1
with suppress(RuntimeError):
    q.cpu().gather(1, large)  # RuntimeError: index 2 is out of

# %%
# Error: the shape of the mask (actions of dtype uint8 or bool)
# -------------------------------------------------------------
#
# Actions that were stored with few bytes are read as a mask, not as
# positions. Convert them with ``long()``.
q = torch.zeros(3, 2)
rows = torch.arange(3)
actions = torch.tensor([0, 1, 1], dtype=torch.bool)
with suppress(IndexError):
    q[rows, actions]  # IndexError: The shape of the mask [3] at index 0
q[rows, actions.long()].shape  # torch.Size([3])

# %%
# Target of Q-learning: no gradient, and nothing after the end
# ------------------------------------------------------------
#
# The target network gives the value of the next state, under ``no_grad``.
# ``1 - done`` removes it at the end of an episode. Huber loss bounds the
# gradient of a large error.
torch.manual_seed(0)
network, target_network = nn.Linear(4, 2), nn.Linear(4, 2)
states, next_states = torch.randn(3, 4), torch.randn(3, 4)
actions, rewards = torch.tensor([0, 1, 0]), torch.tensor([1.0, 0.0, 2.0])
done = torch.tensor([0.0, 0.0, 1.0])
chosen = network(states).gather(1, actions[:, None]).squeeze(1)
with torch.no_grad():
    best = target_network(next_states).max(dim=1).values
    target = rewards + 0.99 * best * (1 - done)
target[2]  # tensor(2.)
F.smooth_l1_loss(chosen, target).backward()
network.weight.grad.any().item()  # True
target_network.weight.grad is None  # True

# %%
# Q-learning does not converge: (N, 1) against (N,)
# -------------------------------------------------
#
# ``gather`` returns (N, 1). With a target of shape (N,) the loss compares
# each sample with all targets. A warning says so; a loss by hand has none.
chosen, target = torch.tensor([[1.0], [3.0]]), torch.tensor([1.0, 3.0])
F.mse_loss(chosen, target)  # UserWarning: Using a target size
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    F.mse_loss(chosen, target)  # tensor(2.)
F.mse_loss(chosen.squeeze(1), target)  # tensor(0.)

# %%
# Update a target network: copy it, or move it a little
# -----------------------------------------------------
#
# ``load_state_dict`` copies all weights every few hundred steps. A soft
# update moves each weight by ``tau`` in every step, with ``lerp_``. Without
# a target network the targets move with each step of the network.
network, target = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
with torch.no_grad():
    network.weight.fill_(1.0)
    target.weight.fill_(0.0)
    for old, new in zip(target.parameters(), network.parameters()):
        old.lerp_(new, 0.25)
target.weight.item()  # 0.25
target.load_state_dict(network.state_dict())
target.weight.item()  # 1.0

# %%
# Error: Expected parameter logits, but found invalid values: nan
# ---------------------------------------------------------------
#
# The network gives ``nan``, so the fault was made before: in the states, or
# in an earlier step that was too large. Check the states with ``isfinite``,
# clip the gradients, lower the learning rate, and scale the rewards. A
# standard deviation from ``exp`` overflows: clamp its logarithm.
logits = torch.tensor([[0.0, float("nan")]])
with suppress(ValueError):
    Categorical(
        logits=logits, validate_args=True
    )  # ValueError: Expected parameter logits
log_scale = torch.tensor([200.0, -200.0])
log_scale.exp()  # tensor([inf, 0.])
scale = log_scale.clamp(-20, 2).exp()
Normal(torch.zeros(2), scale).stddev[0]  # tensor(7.3891)

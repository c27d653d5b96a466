"""
Losses of reinforcement learning
================================

Train an agent from rewards: policy gradients, PPO and Q-learning.
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
# The return of a step is the sum of the rewards from this step on, and
# ``gamma`` reduces each later reward. Go through the rewards from the last
# to the first. ``done`` is 1 at the last step of an episode and starts a
# new sum there. One tensor can therefore hold several episodes, one after
# the other.
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
# The policy gives each action a probability: pass the output of the network
# to ``Categorical(logits=...)``. The loss has a minus sign because the
# optimizer minimizes. The gradient of the logits is softmax minus one-hot,
# times the return, divided by the batch size. The value of the loss does
# not measure success, so watch the returns instead.
logits = torch.zeros(2, 3, requires_grad=True)
actions, returns = torch.tensor([0, 2]), torch.tensor([6.0, -3.0])
policy = Categorical(logits=logits)
loss = -(policy.log_prob(actions) * returns).mean()
loss.backward()
logits.grad[0]  # tensor([-2.0000, 1.0000, 1.0000])
logits.grad[1]  # tensor([-0.5000, -0.5000, 1.0000])

# %%
# Subtract a baseline: ``detach`` the advantage
# ---------------------------------------------
#
# The value network predicts the return of a state, and the advantage is the
# return minus this prediction. With ``detach`` the policy loss does not
# train the value network, which has its own loss. Standardize the
# advantages of a batch to mean 0 and standard deviation 1.
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
# ``ratio`` is the new probability of an action divided by the probability
# with which it was drawn. If the ratio has changed by more than 20 % in the
# direction of the advantage, the gradient is 0. Subtract the entropy times
# a small factor from the loss, so that the policy stays random for longer.
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
# Actions with several numbers: sum the log-probabilities
# -------------------------------------------------------
#
# ``Normal`` gives one log-probability for each number of an action. The
# log-probability of the action is their sum. Without the sum, the loss
# would combine the shapes (N, D) and (N,). ``Independent`` sums over the
# last dimension.
mean, scale = torch.zeros(4, 2), torch.ones(2)
action = torch.randn(4, 2)
Normal(mean, scale).log_prob(action).shape  # torch.Size([4, 2])
policy = Independent(Normal(mean, scale), 1)
log_prob = policy.log_prob(action)
log_prob.shape  # torch.Size([4])
each = Normal(mean, scale).log_prob(action)
torch.allclose(log_prob, each.sum(dim=1))  # True

# %%
# Generalized advantage estimation (GAE)
# --------------------------------------
#
# The error of a step is its reward plus the discounted value of the next
# state, minus the value of its own state. GAE sums these errors and
# discounts them by ``gamma * lam``. ``values`` has one more entry than
# ``rewards``, for the state after the last step. With ``lam=1`` the
# advantage is the return minus the value, and with ``lam=0`` it is the
# error of one step.
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
# A Q network returns one value for each action, and ``gather`` picks the
# value of the chosen action. The actions must be integers of dtype int64
# with shape (N, 1), and ``squeeze(1)`` removes the second dimension
# afterwards. An action index that is too large raises an error on the CPU,
# and a device-side assert on CUDA.
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
# Actions of dtype uint8 or bool are used as a mask and not as positions.
# Convert them with ``long()``.
q = torch.zeros(3, 2)
rows = torch.arange(3)
actions = torch.tensor([0, 1, 1], dtype=torch.bool)
with suppress(IndexError):
    q[rows, actions]  # IndexError: The shape of the mask [3] at index 0
q[rows, actions.long()].shape  # torch.Size([3])

# %%
# Target of Q-learning: ``no_grad`` and ``1 - done``
# --------------------------------------------------
#
# The target network is a copy of the network that changes more slowly. It
# computes the value of the next state under ``no_grad``. At the end of an
# episode there is no next state, and ``1 - done`` removes its value.
# ``F.smooth_l1_loss`` limits the gradient of large errors.
torch.manual_seed(0)
network, target_network = nn.Linear(4, 2), nn.Linear(4, 2)
target_network.load_state_dict(network.state_dict())
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
# ``gather`` returns shape (N, 1). If the target has shape (N,), the loss
# compares each sample with all targets. ``F.mse_loss`` gives a warning, but
# a loss that you write yourself does not.
chosen, target = torch.tensor([[1.0], [3.0]]), torch.tensor([1.0, 3.0])
F.mse_loss(chosen, target)  # UserWarning: Using a target size
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    F.mse_loss(chosen, target)  # tensor(2.)
F.mse_loss(chosen.squeeze(1), target)  # tensor(0.)

# %%
# Update a target network: hard copy or soft update
# -------------------------------------------------
#
# A hard update copies all weights with ``load_state_dict``, for example
# every few hundred steps. A soft update moves each weight a small part of
# the way with ``lerp_``, here by 0.25, in each step. Without a target
# network, the targets would change with each step of the network.
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
# The output of the network is ``nan``, so look for the cause before it, in
# the states or in a step that was too large. Check the states with
# ``isfinite``, clip the gradients, lower the learning rate, and scale the
# rewards. A standard deviation that you compute with ``exp`` can overflow,
# so clamp its logarithm.
logits = torch.tensor([[0.0, float("nan")]])
with suppress(ValueError):
    Categorical(
        logits=logits, validate_args=True
    )  # ValueError: Expected parameter logits
log_scale = torch.tensor([200.0, -200.0])
log_scale.exp()  # tensor([inf, 0.])
scale = log_scale.clamp(-20, 2).exp()
Normal(torch.zeros(2), scale).stddev[0]  # tensor(7.3891)

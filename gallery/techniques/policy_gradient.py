"""
Reinforcement learning: the REINFORCE policy gradient from scratch
==================================================================

REINFORCE plays episodes with the current policy, which gives a probability
for each action. It raises the log-probability of actions that were followed
by a high return, the sum of the later rewards. Subtracting a baseline from
the return lowers the variance of the gradient. On a small grid world, the
mean return comes within 1 of the optimum from value iteration, and the
estimated gradient agrees with the exact gradient.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.distributions import Categorical
from tqdm import tqdm

# %%
# The environment: a grid with a goal and holes
# ---------------------------------------------
#
# The agent starts in the top left cell of a 4 by 4 grid and moves up,
# right, down or left. Each step costs 1, and a move into a wall leaves the
# agent where it is. The goal in the bottom right cell gives 20 and a hole
# costs 10, and both end the episode. The map is that of FrozenLake, without
# ice.
torch.manual_seed(0)
goal, holes = 15, torch.tensor([5, 7, 11, 12])
cells = torch.arange(16)
row, column = cells // 4, cells % 4
to_row = row.unsqueeze(1) + torch.tensor([-1, 0, 1, 0])
to_column = column.unsqueeze(1) + torch.tensor([0, 1, 0, -1])
moves = to_row.clamp(0, 3) * 4 + to_column.clamp(0, 3)
at_goal, in_hole = moves == goal, torch.isin(moves, holes)
rewards_of = -1.0 + 20.0 * at_goal - 10.0 * in_hole
ends = at_goal | in_hole
moves[0]  # tensor([0, 1, 4, 0])
rewards_of[14]  # tensor([-1., 19., -1., -1.])
rewards_of[4]  # tensor([ -1., -11.,  -1.,  -1.])

# %%
# The optimum: value iteration
# ----------------------------
#
# The value of a cell is the best return that can be reached from it. Value
# iteration repeats the Bellman equation: a cell is worth the reward of its
# best move plus the value of the next cell. Six moves lead from the start
# to the goal, so the optimal return is 20 - 6 = 14. REINFORCE does not use
# these values. It learns only from the episodes that it plays.
values = torch.zeros(16)
for _ in range(20):
    action_values = rewards_of + torch.where(ends, 0.0, values[moves])
    values = action_values.max(dim=1).values
optimum = values[0].item()
optimum  # 14.0
values.view(4, 4)[0]  # tensor([14., 15., 16., 15.])


# %%
# The policy: logits for each cell, and ``Categorical``
# -----------------------------------------------------
#
# A policy maps a state to the probabilities of the actions. Here
# ``nn.Embedding`` holds four logits for each cell. ``Categorical`` turns
# them into probabilities, draws actions, and gives their log-probabilities.
# The gradient flows through the log-probabilities.
def make_policy():
    policy = nn.Embedding(16, 4)
    nn.init.zeros_(policy.weight)
    return policy


policy = make_policy()
choice = Categorical(logits=policy(torch.tensor([0, 6])))
actions = choice.sample()
actions.shape, actions.requires_grad  # (torch.Size([2]), False)
choice.log_prob(actions).exp().detach()  # tensor([0.2500, 0.2500])
choice.log_prob(actions).requires_grad  # True


# %%
# Play a batch of episodes, and mask what comes after the end
# -----------------------------------------------------------
#
# All episodes run for 30 steps. ``alive`` is False after an episode has
# ended, and its later rewards count as 0. ``play`` returns four tensors of
# shape (steps, episodes).
def play(policy, episodes, horizon=30):
    states = torch.zeros(episodes, dtype=torch.long)
    alive = torch.ones(episodes, dtype=torch.bool)
    steps = []
    for _ in range(horizon):
        choice = Categorical(logits=policy(states))
        actions = choice.sample()
        rewards = rewards_of[states, actions] * alive
        steps.append((states, choice.log_prob(actions), rewards, alive))
        alive = alive & ~ends[states, actions]
        states = moves[states, actions]
    return map(torch.stack, zip(*steps, strict=True))


states, log_probs, rewards, alive = play(policy, 1000)
rewards.shape  # torch.Size([30, 1000])
(rewards[~alive] == 0).all()  # tensor(True)
print("mean return of the random policy:", rewards.sum(dim=0).mean().item())


# %%
# The return of a step: sum the rewards that are still to come
# ------------------------------------------------------------
#
# An action cannot change the rewards that came before it. Each step is
# therefore weighted with the sum of its own and all later rewards. Without
# a discount, this is a cumulative sum from the end.
def returns_of(rewards):
    return rewards.flip(0).cumsum(dim=0).flip(0)


returns_of(torch.tensor([-1.0, -1.0, 19.0]))  # tensor([17., 18., 19.])


# %%
# The loss, and the exact gradient to compare with
# ------------------------------------------------
#
# The gradient of the expected return is
# :math:`E[\sum_t \nabla \log \pi(a_t) G_t]`: the gradient of each
# log-probability is multiplied by its return. The optimizer minimizes, so
# the loss has a minus sign. On such a small grid, autograd can also
# differentiate the exact expected return. The gradient estimated from
# 20,000 episodes agrees with it.
def expected_return(policy, horizon=30):
    probs = policy.weight.softmax(dim=1)
    values = torch.zeros(16)
    for _ in range(horizon):
        later = torch.where(ends, 0.0, values[moves])
        values = (probs * (rewards_of + later)).sum(dim=1)
    return values[0]


def gradient(loss, policy):
    return torch.autograd.grad(loss, policy.weight, retain_graph=True)[0]


def loss_of(log_probs, weights, alive):
    return -(log_probs * weights * alive).sum(dim=0).mean()


exact = gradient(expected_return(policy), policy)
states, log_probs, rewards, alive = play(policy, 20000)
loss = loss_of(log_probs, returns_of(rewards), alive)
estimate = -gradient(loss, policy)
error = ((estimate - exact).norm() / exact.norm()).item()
print(f"relative error {error:.3f}")
error < 0.2  # True
mean_return = rewards.sum(dim=0).mean()
abs(mean_return - expected_return(policy)).item() < 0.4  # True

# %%
# A baseline lowers the variance and does not change the mean
# -----------------------------------------------------------
#
# In each state, the gradients of the log-probabilities have mean 0 under
# the policy. You can therefore subtract a number from the return that
# depends only on the state. Over 100 batches of 64 episodes, the variance
# falls when past rewards are left out. It falls again when the mean return
# of each cell is subtracted.
logits = torch.tensor([0.3, -1.2, 0.5, 2.0], requires_grad=True)
probs = logits.softmax(dim=0)
zero = torch.autograd.grad(probs.detach() @ probs.log(), logits)[0]
zero.abs().max().item() < 1e-6  # True


def cell_means(states, returns, alive):
    count = states[alive].bincount(minlength=16)
    total = torch.zeros(16).index_add(0, states[alive], returns[alive])
    return total / count.clamp(min=1), count > 0


baseline, _ = cell_means(states, returns_of(rewards), alive)
found = {"whole": [], "to come": [], "baseline": []}
for _ in range(100):
    states, log_probs, rewards, alive = play(policy, 64)
    to_come = returns_of(rewards)
    weights = to_come[0].expand_as(to_come), to_come
    weights += (to_come - baseline[states],)
    for name, weight in zip(found, weights, strict=True):
        loss = loss_of(log_probs, weight, alive)
        found[name].append(-gradient(loss, policy).flatten())
variance = {}
for name, gradients in found.items():
    variance[name] = torch.stack(gradients).var(dim=0).sum().item()
print({name: round(value, 1) for name, value in variance.items()})
variance["whole"] > 1.5 * variance["to come"]  # True
variance["to come"] > 1.5 * variance["baseline"]  # True


# %%
# Train
# -----
#
# The baseline is computed from earlier batches, so it does not depend on
# the actions of the current batch. It needs no gradient.
def train(with_baseline, iterations=150, episodes=64):
    policy, baseline, history = make_policy(), torch.zeros(16), []
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)
    for _ in tqdm(range(iterations), disable=None):
        states, log_probs, rewards, alive = play(policy, episodes)
        returns = returns_of(rewards)
        weights = returns - baseline[states] if with_baseline else returns
        optimizer.zero_grad()
        loss_of(log_probs, weights, alive).backward()
        optimizer.step()
        means, seen = cell_means(states, returns, alive)
        moved = baseline + 0.3 * (means - baseline)
        baseline = torch.where(seen, moved, baseline)
        history.append(rewards.sum(dim=0).mean().item())
    return policy, baseline, history


trained, baseline, with_baseline = train(with_baseline=True)
_, _, without_baseline = train(with_baseline=False)

# %%
# Follow the best actions of the trained policy
# ---------------------------------------------
#
# The path takes the most probable action in each cell, beginning at the
# start. It leads to the goal in six moves, like the optimal policy.
best, path = trained.weight.argmax(dim=1), [0]
for _ in range(6):
    path.append(moves[path[-1], best[path[-1]]].item())
print(path)
path[-1] == goal  # True

# %%
# A common mistake: the loss without a minus sign
# -----------------------------------------------
#
# Without the minus sign, the optimizer lowers the return, and no error is
# raised. Watch the mean return instead of the loss, because the loss of a
# policy gradient does not measure success.
wrong = make_policy()
optimizer = torch.optim.Adam(wrong.parameters(), lr=0.1)
before = expected_return(wrong).item()
for _ in range(20):
    _, log_probs, rewards, alive = play(wrong, 64)
    optimizer.zero_grad()
    (-loss_of(log_probs, returns_of(rewards), alive)).backward()
    optimizer.step()
expected_return(wrong).item() < before  # True

# %%
# Errors: ``Categorical(logits)``, and rewards without a gradient
# ---------------------------------------------------------------
#
# The first argument of ``Categorical`` is ``probs``. Logits with a negative
# value raise an error there. Positive logits are divided by their sum,
# which gives wrong probabilities. Sampled actions and their rewards have no
# gradient, so ``backward()`` on the rewards alone raises an error.
logits = torch.tensor([2.0, -1.0])
with suppress(ValueError):
    Categorical(logits)  # ValueError: Expected parameter probs
logits = torch.tensor([1.0, 3.0])
Categorical(logits).probs  # tensor([0.2500, 0.7500])
Categorical(logits=logits).probs  # tensor([0.1192, 0.8808])
_, _, rewards, _ = play(policy, 8)
with suppress(RuntimeError):
    rewards.mean().backward()  # RuntimeError: does not require grad

# %%
# What was reached
# ----------------
#
# The trained policy is evaluated on 1,000 new episodes. Left: the mean
# return of each batch with and without the baseline, and the optimum as a
# dotted line. Right: how often an episode of the trained policy visits each
# cell. The path leads around the holes (H) to the goal (G).
states, _, rewards, alive = play(trained, 1000)
reached = rewards.sum(dim=0).mean().item()
exact_return = expected_return(trained).item()
print(f"{reached=:.2f} {exact_return=:.2f} {optimum=}")
assert optimum - 1 < reached <= optimum, reached
assert abs(reached - exact_return) < 0.5, (reached, exact_return)
assert path[-1] == goal, path

visits = states[alive].bincount(minlength=16).view(4, 4) / 1000
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.plot(with_baseline, "C0", label="baseline")
left.plot(without_baseline, "C1--", label="no baseline")
left.axhline(optimum, linestyle=":", color="C2")
left.set(xlabel="iteration", ylabel="mean return")
left.legend()
shown = right.imshow(visits.tolist(), cmap="gray")
letters = {0: "S", goal: "G"} | dict.fromkeys(holes.tolist(), "H")
for i, letter in letters.items():
    right.text(i % 4, i // 4, letter, ha="center", va="center", color="C1")
right.set(xticks=[], yticks=[])
figure.colorbar(shown, label="visits")
figure.tight_layout()

"""The same tasks in PyTorch, JAX and TensorFlow; ``nox -s frameworks`` runs each of them.

A cell is a task. In it, each framework has a part of its own, which runs alone after the
imports of that framework, in an empty folder. The comment after its last line is the value
that comes out, and it must be the same in all three.
"""
# %% imports
# PyTorch
import torch
from torch import nn
from torch.nn import functional as F

# JAX
import jax
import jax.numpy as jnp
import optax

# TensorFlow
import tensorflow as tf
# %% create
# PyTorch
torch.tensor([[1.0, 2.0], [3.0, 4.0]])  # [[1, 2], [3, 4]]

# JAX
jnp.array([[1.0, 2.0], [3.0, 4.0]])  # [[1, 2], [3, 4]]

# TensorFlow
tf.constant([[1.0, 2.0], [3.0, 4.0]])  # [[1, 2], [3, 4]]
# %% numpy
# PyTorch
torch.tensor([0.5]).numpy().dtype  # float32

# JAX
jax.device_get(jnp.array([0.5])).dtype  # float32

# TensorFlow
tf.constant([0.5]).numpy().dtype  # float32
# %% int64
# PyTorch
torch.tensor([2**40])  # [1099511627776]

# JAX
with jax.enable_x64(True):
    x = jnp.array([2**40])
x  # [1099511627776]

# TensorFlow
tf.constant([2**40], dtype=tf.int64)  # [1099511627776]
# %% float64
# PyTorch
x = torch.tensor([1.0], dtype=torch.float64)
x + 1e-12 > x  # [True]

# JAX
with jax.enable_x64(True):
    x = jnp.array([1.0], dtype=jnp.float64)
    larger = x + 1e-12 > x
larger  # [True]

# TensorFlow
x = tf.constant([1.0], dtype=tf.float64)
x + 1e-12 > x  # [True]
# %% index
# PyTorch
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
x[:, 1]  # [2, 4]

# JAX
x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
x[:, 1]  # [2, 4]

# TensorFlow
x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
x[:, 1]  # [2, 4]
# %% mask
# PyTorch
x = torch.tensor([3.0, -1.0, 2.0])
x[x > 0]  # [3, 2]

# JAX
x = jnp.array([3.0, -1.0, 2.0])
x[x > 0]  # [3, 2]

# TensorFlow
x = tf.constant([3.0, -1.0, 2.0])
tf.boolean_mask(x, x > 0)  # [3, 2]
# %% update
# PyTorch
x = torch.tensor([1.0, 2.0, 3.0])
x[0] = 9.0
x  # [9, 2, 3]

# JAX
x = jnp.array([1.0, 2.0, 3.0])
x = x.at[0].set(9.0)
x  # [9, 2, 3]

# TensorFlow
x = tf.Variable([1.0, 2.0, 3.0])
x[0].assign(9.0)
x  # [9, 2, 3]
# %% reshape
# PyTorch
torch.arange(6).reshape(2, 3)  # [[0, 1, 2], [3, 4, 5]]

# JAX
jnp.arange(6).reshape(2, 3)  # [[0, 1, 2], [3, 4, 5]]

# TensorFlow
tf.reshape(tf.range(6), (2, 3))  # [[0, 1, 2], [3, 4, 5]]
# %% mean
# PyTorch
x = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
x.mean(dim=0)  # [2, 4]

# JAX
x = jnp.array([[1.0, 2.0], [3.0, 6.0]])
x.mean(axis=0)  # [2, 4]

# TensorFlow
x = tf.constant([[1.0, 2.0], [3.0, 6.0]])
tf.reduce_mean(x, axis=0)  # [2, 4]
# %% matmul
# PyTorch
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
x @ x  # [[7, 10], [15, 22]]

# JAX
x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
x @ x  # [[7, 10], [15, 22]]

# TensorFlow
x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
x @ x  # [[7, 10], [15, 22]]
# %% broadcast
# PyTorch
column = torch.tensor([[10], [20]])
column + torch.tensor([1, 2, 3])  # [[11, 12, 13], [21, 22, 23]]

# JAX
column = jnp.array([[10], [20]])
column + jnp.array([1, 2, 3])  # [[11, 12, 13], [21, 22, 23]]

# TensorFlow
column = tf.constant([[10], [20]])
column + tf.constant([1, 2, 3])  # [[11, 12, 13], [21, 22, 23]]
# %% device
# PyTorch
x = torch.tensor([1.0]).to("cpu")
x.device.type  # cpu

# JAX
x = jax.device_put(jnp.array([1.0]), jax.devices("cpu")[0])
x.device.platform  # cpu

# TensorFlow
with tf.device("CPU:0"):
    x = tf.identity([1.0])
tf.DeviceSpec.from_string(x.device).device_type.lower()  # cpu
# %% random
# PyTorch
generator = torch.Generator().manual_seed(0)
first = torch.randn(3, generator=generator)
second = torch.randn(3, generator=generator)
(first == second).any()  # False

# JAX
key, other = jax.random.split(jax.random.key(0))
first = jax.random.normal(key, 3)
second = jax.random.normal(other, 3)
(first == second).any()  # False

# TensorFlow
generator = tf.random.Generator.from_seed(0)
first = generator.normal([3])
second = generator.normal([3])
tf.reduce_any(first == second)  # False
# %% repeat
# PyTorch
torch.manual_seed(0)
first = torch.randn(3)
torch.manual_seed(0)
(first == torch.randn(3)).all()  # True

# JAX
first = jax.random.normal(jax.random.key(0), 3)
(first == jax.random.normal(jax.random.key(0), 3)).all()  # True

# TensorFlow
tf.random.set_seed(0)
first = tf.random.normal([3])
tf.random.set_seed(0)
tf.reduce_all(first == tf.random.normal([3]))  # True
# %% gradient
# PyTorch
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
(x**2).sum().backward()
x.grad  # [2, 4, 6]

# JAX
x = jnp.array([1.0, 2.0, 3.0])
jax.grad(lambda x: (x**2).sum())(x)  # [2, 4, 6]

# TensorFlow
x = tf.Variable([1.0, 2.0, 3.0])
with tf.GradientTape() as tape:
    y = tf.reduce_sum(x**2)
tape.gradient(y, x)  # [2, 4, 6]
# %% stop
# PyTorch
x = torch.tensor(3.0, requires_grad=True)
(x * x.detach()).backward()
x.grad  # 3

# JAX
jax.grad(lambda x: x * jax.lax.stop_gradient(x))(3.0)  # 3

# TensorFlow
x = tf.Variable(3.0)
with tf.GradientTape() as tape:
    y = x * tf.stop_gradient(x)
tape.gradient(y, x)  # 3
# %% jacobian
# PyTorch
x = torch.tensor([1.0, 2.0])
torch.func.jacrev(lambda x: x.prod() * x)(x)  # [[4, 1], [4, 4]]

# JAX
x = jnp.array([1.0, 2.0])
jax.jacrev(lambda x: x.prod() * x)(x)  # [[4, 1], [4, 4]]

# TensorFlow
x = tf.Variable([1.0, 2.0])
with tf.GradientTape() as tape:
    y = tf.reduce_prod(x) * x
tape.jacobian(y, x)  # [[4, 1], [4, 4]]
# %% vmap
# PyTorch
rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
torch.vmap(lambda row: row.dot(row))(rows)  # [5, 25]

# JAX
rows = jnp.array([[1.0, 2.0], [3.0, 4.0]])
jax.vmap(lambda row: row.dot(row))(rows)  # [5, 25]

# TensorFlow
rows = tf.constant([[1.0, 2.0], [3.0, 4.0]])
tf.vectorized_map(lambda row: tf.tensordot(row, row, 1), rows)  # [5, 25]
# %% compile
# PyTorch
@torch.compile
def f(x):
    return x.sin() ** 2 + x.cos() ** 2

f(torch.tensor([1.0, 2.0]))  # [1.0000, 1.0000]

# JAX
@jax.jit
def f(x):
    return jnp.sin(x) ** 2 + jnp.cos(x) ** 2

f(jnp.array([1.0, 2.0]))  # [1.0000, 1.0000]

# TensorFlow
@tf.function
def f(x):
    return tf.sin(x) ** 2 + tf.cos(x) ** 2

f(tf.constant([1.0, 2.0]))  # [1.0000, 1.0000]
# %% dense
# PyTorch
layer = nn.Linear(3, 2)
nn.init.constant_(layer.weight, 0.5)
nn.init.zeros_(layer.bias)
layer(torch.tensor([[1.0, 2.0, 3.0]])).detach()  # [[3, 3]]
layer.weight.shape  # (2, 3)

# JAX
kernel = jnp.full((3, 2), 0.5)
bias = jnp.zeros(2)
jnp.array([[1.0, 2.0, 3.0]]) @ kernel + bias  # [[3, 3]]
kernel.T.shape  # (2, 3)

# TensorFlow
half = tf.keras.initializers.Constant(0.5)
layer = tf.keras.layers.Dense(2, kernel_initializer=half)
layer(tf.constant([[1.0, 2.0, 3.0]]))  # [[3, 3]]
tf.transpose(layer.kernel).shape  # (2, 3)
# %% convolution
# PyTorch
image = torch.arange(9.0).reshape(1, 1, 3, 3)
kernel = torch.tensor([[0.0, 1.0], [2.0, 3.0]]).reshape(1, 1, 2, 2)
F.conv2d(image, kernel)[0, 0]  # [[19, 25], [37, 43]]

# JAX
image = jnp.arange(9.0).reshape(1, 3, 3, 1)
kernel = jnp.array([[0.0, 1.0], [2.0, 3.0]]).reshape(2, 2, 1, 1)
y = jax.lax.conv_general_dilated(
    image, kernel, window_strides=(1, 1), padding="VALID",
    dimension_numbers=("NHWC", "HWIO", "NHWC"),
)
y[0, :, :, 0]  # [[19, 25], [37, 43]]

# TensorFlow
image = tf.reshape(tf.range(9.0), (1, 3, 3, 1))
kernel = tf.reshape(tf.constant([[0.0, 1.0], [2.0, 3.0]]), (2, 2, 1, 1))
y = tf.nn.conv2d(image, kernel, strides=1, padding="VALID")
y[0, :, :, 0]  # [[19, 25], [37, 43]]
# %% cross_entropy
# PyTorch
logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
F.cross_entropy(logits, torch.tensor([0, 2]))  # 0.8955

# JAX
logits = jnp.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
loss = optax.softmax_cross_entropy_with_integer_labels
loss(logits, jnp.array([0, 2])).mean()  # 0.8955

# TensorFlow
logits = tf.constant([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
loss(tf.constant([0, 2]), logits)  # 0.8955
# %% adam
# PyTorch
weight = torch.tensor([1.0, -2.0], requires_grad=True)
optimizer = torch.optim.Adam([weight], lr=0.1)
(weight**2).sum().backward()
optimizer.step()
weight.detach()  # [0.9000, -1.9000]

# JAX
weight = jnp.array([1.0, -2.0])
optimizer = optax.adam(0.1)
state = optimizer.init(weight)
gradient = jax.grad(lambda weight: (weight**2).sum())(weight)
updates, state = optimizer.update(gradient, state, weight)
weight = optax.apply_updates(weight, updates)
weight  # [0.9000, -1.9000]

# TensorFlow
weight = tf.Variable([1.0, -2.0])
optimizer = tf.keras.optimizers.Adam(0.1)
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(weight**2)
optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])
weight  # [0.9000, -1.9000]
# %% train
# PyTorch
x, y = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 6.0])
w = torch.zeros((), requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    F.mse_loss(w * x, y).backward()
    optimizer.step()
w.detach()  # 1.9994

# JAX
x, y = jnp.array([1.0, 2.0, 3.0]), jnp.array([2.0, 4.0, 6.0])
w = jnp.zeros(())
optimizer = optax.sgd(0.1)
state = optimizer.init(w)

@jax.jit
def step(w, state):
    gradient = jax.grad(lambda w: ((w * x - y) ** 2).mean())(w)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(w, updates), state

for _ in range(3):
    w, state = step(w, state)
w  # 1.9994

# TensorFlow
x, y = tf.constant([1.0, 2.0, 3.0]), tf.constant([2.0, 4.0, 6.0])
w = tf.Variable(0.0)
optimizer = tf.keras.optimizers.SGD(0.1)
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((w * x - y) ** 2)
    optimizer.apply_gradients([(tape.gradient(loss, w), w)])
w  # 1.9994
# %% save
# PyTorch
torch.save({"w": torch.tensor([1.0, 2.0])}, "weights.pt")
torch.load("weights.pt")["w"]  # [1, 2]

# JAX
jnp.savez("weights.npz", w=jnp.array([1.0, 2.0]))
jnp.load("weights.npz")["w"]  # [1, 2]

# TensorFlow
tf.train.Checkpoint(w=tf.Variable([1.0, 2.0])).write("weights")
w = tf.Variable([0.0, 0.0])
tf.train.Checkpoint(w=w).read("weights").assert_consumed()
w  # [1, 2]

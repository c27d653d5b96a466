"""
Tools for tests and timing
==========================

Make random inputs for a test, read what a failed comparison reports, and
measure how long a statement takes.
"""
from contextlib import suppress

import torch
from torch import testing

# %%
# Random inputs of any dtype: ``torch.testing.make_tensor``
# ---------------------------------------------------------
#
# ``make_tensor`` draws values for any dtype, from ``low`` up to ``high``
# without it, so one test can run for several dtypes. A tensor with
# ``noncontiguous=True`` finds code that relies on the memory layout, and
# ``exclude_zero=True`` avoids divisions by zero.
bounds = {"device": "cpu", "low": 5, "high": 7}
x = testing.make_tensor((1000,), dtype=torch.uint8, **bounds)
x.unique().tolist()  # [5, 6]
x = testing.make_tensor((1000,), dtype=torch.float64, **bounds)
bool(5 <= x.min() < 5.1 and 6.9 < x.max() < 7)  # True
x = testing.make_tensor((2, 3), dtype=torch.float32, device="cpu",
                        noncontiguous=True, requires_grad=True)
x.is_contiguous(), x.requires_grad  # (False, True)
x = testing.make_tensor((1000,), dtype=torch.int64, device="cpu",
                        low=-1, high=2, exclude_zero=True)
bool((x == 0).any())  # False

# %%
# Where two results differ: the message of ``torch.testing.assert_close``
# -----------------------------------------------------------------------
#
# The message says how many elements differ, and where the difference is
# largest. If you compare dictionaries, it also names the item. Pass a
# function as ``msg`` to add words of your own.
actual = {"weight": torch.tensor([1.0, 2.0, 3.0]), "bias": torch.zeros(1)}
wanted = {"weight": torch.tensor([1.0, 2.5, 3.0]), "bias": torch.zeros(1)}
message = ""
try:
    testing.assert_close(actual, wanted, msg=lambda text: "Step 3: " + text)
except AssertionError as error:
    message = str(error)
lines = message.splitlines()
lines[0]  # 'Step 3: Tensor-likes are not close!'
lines[2]  # 'Mismatched elements: 1 / 3 (33.3%)'
lines[3][:46]  # 'Greatest absolute difference: 0.5 at index (1,'
lines[-1]  # "The failure occurred for item ['weight']"
with suppress(AssertionError):
    testing.assert_close(
        torch.zeros(1), torch.zeros(1).double()
    )  # AssertionError: The values for attribute 'dtype' do not match

# %%
# Measure a statement: ``torch.utils.benchmark.Timer``
# ----------------------------------------------------
#
# ``timeit`` runs the statement a given number of times after two runs to
# warm up. ``blocked_autorange`` repeats it until ``min_run_time`` seconds
# have passed. Use one of them instead of ``time.time``: they wait for the
# GPU, and use one thread unless ``num_threads`` says otherwise.
from torch.utils import benchmark

calls = []
timer = benchmark.Timer("calls.append(1)", globals={"calls": calls})
once = timer.timeit(5)
once.number_per_run  # 5
len(calls)  # 7
threads = benchmark.Timer("calls.append(torch.get_num_threads())",
                          globals={"calls": calls, "torch": torch})
threads.timeit(1)  # type Measurement
calls[-1]  # 1
total = benchmark.Timer("x.sum()", globals={"x": torch.ones(9)})
often = total.blocked_autorange(min_run_time=0.02)
print(often)
often.median > 0  # True

# %%
# Read a measurement: ``torch.utils.benchmark.Measurement``
# ---------------------------------------------------------
#
# ``times`` holds the seconds of one run; those here are made up. A single
# slow run changes the mean, but hardly the median, so compare medians.
# ``iqr`` is the interquartile range, the width of the middle half of the
# times. If it is large, other programs disturbed the measurement.
from torch.utils import benchmark

task = benchmark.TaskSpec(stmt="x @ x", setup="pass")
seconds = [0.02, 0.03, 0.04, 0.03, 0.9]
result = benchmark.Measurement(10, seconds, task)
result.times  # [0.002, 0.003, 0.004, 0.003, 0.09]
result.median  # 0.003
round(result.mean, 4)  # 0.0204
round(result.iqr, 4)  # 0.001
both = benchmark.Measurement.merge([result, result])
len(both[0].times)  # 10

# %%
# Compare in a table: ``torch.utils.benchmark.Compare``
# -----------------------------------------------------
#
# ``label`` is the headline, ``sub_label`` names a row and ``description`` a
# column. A ``Timer`` takes the same three arguments. The times here are
# made up, so that the table is the same on each machine.
from torch.utils import benchmark

results = []
times = [(64, "float32", 0.004), (64, "bfloat16", 0.002),
         (128, "float32", 0.03), (128, "bfloat16", 0.01)]
for size, name, seconds in times:
    task = benchmark.TaskSpec("x @ x", "pass", label="products",
                              sub_label=str(size), description=name)
    results.append(benchmark.Measurement(1, [seconds], task))
table = str(benchmark.Compare(results)).splitlines()
table[1].split()  # ['|', 'float32', '|', 'bfloat16']
table[3].split()  # ['64', '|', '4.0', '|', '2.0']
table[4].split()  # ['128', '|', '30.0', '|', '10.0']
table[-1]  # 'Times are in milliseconds (ms).'

"""
Tools for tests
===============

Make random inputs for a test, and read what a failed comparison reports.
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

"""Files that lie, one for each way to lie: every one must be caught, at the right line."""

import os
import subprocess
import sys
import textwrap
import time

import pytest

from torchproof import cards, find, process

HEAD = '''"""
Lies
====

A file that lies.
"""
from contextlib import suppress

import torch

'''


def module(*codes):
    """Source of a snippet module with one card for each code."""
    text = HEAD
    for number, code in enumerate(codes):
        text += f"# %%\n# Card {number}\n# --------\n{textwrap.dedent(code).strip()}\n\n"
    return text


# name: (code, what must be said)
LIES = {
    "wrong value": ("torch.arange(3)  # tensor([0, 1, 3])", "number 2 of the tensor: got 2"),
    "wrong value of an assignment": ("x = torch.tensor(1)  # tensor(2)", "got 1"),
    "wrong value after +=": ("x = 1\nx += 1  # 1", "got 2"),
    "wrong return value": ("def f():\n    return 2  # 3\n\nf()", "got 2"),
    "right at first, wrong at a later pass": ("for i in range(2):\n    i  # 0", "got 1"),
    "never reached": ("if torch.tensor(0):\n    1  # 1", "never reached"),
    "never called": ("def f():\n    1  # 1", "never reached"),
    "an empty loop": ("for i in range(0):\n    i  # 7", "never reached"),
    "a random sample": ("torch.rand(1)  # tensor([0.4963])", "number 0 of the tensor"),
    "a value on a line that raises": (
        "with suppress(RuntimeError):\n    torch.ones(2) @ torch.ones(3)  # tensor(2.)",
        "the line raised RuntimeError",
    ),
    "an error that does not come": (
        "with suppress(RuntimeError):\n    torch.ones(2)  # RuntimeError: size",
        "nothing was raised",
    ),
    "an error of another type": (
        "with suppress(ValueError, RuntimeError):\n    int('x')  # RuntimeError: invalid",
        "claimed RuntimeError, got ValueError",
    ),
    "a base class of the error": (
        "with suppress(LookupError):\n    [][0]  # LookupError: list index",
        "claimed LookupError, got IndexError",
    ),
    "an error with another text": (
        "with suppress(ValueError):\n    int('x')  # ValueError: too large",
        "not in the message",
    ),
    "suppress that says nothing": (
        "with suppress(ValueError):\n    int('x')",
        "suppress without a claim",
    ),
    "suppress that swallows one more": (
        "with suppress(ValueError):\n    int('y')\n    int('x')  # ValueError: invalid",
        "says so in no claim",
    ),
    "suppress of an error not claimed": (
        "with suppress(ValueError, IndexError):\n    [][1]; int('x')  # ValueError: invalid",
        "says so in no claim",
    ),
    "an undeclared warning": ("torch.tensor(torch.ones(1))", "undeclared warning: UserWarning"),
    "a warning that does not come": ("torch.ones(1)  # UserWarning: old", "there was no warning"),
    "a warning with another text": (
        "torch.tensor(torch.ones(1))  # UserWarning: deprecated",
        "not in the message",
    ),
    "a warning of another type": (
        "torch.tensor(torch.ones(1))  # FutureWarning: copy construct",
        "claimed FutureWarning, got UserWarning",
    ),
    "a second warning, undeclared": (
        "import warnings\nfor x in 'ab':\n    warnings.warn(f'{x} is old')"
        "  # UserWarning: a is old",
        "is not in the message",
    ),
    "prose behind code": ("x = 1  # the answer", "not a claim"),
    "prose on a line of its own": ("x = 1\n# now add", "code carries no prose"),
    "a claim on a line of its own": ("torch.ones(1)\n# tensor([1.])", "stands alone"),
    "a claim with a variable": ("x = 1\nx  # x", "uses no variable"),
    "a claim that computes": ("2  # 1 + 1", "not a computation"),
    "a claim inside an expression": ("x = [\n    1,  # 1\n    2,\n]", "no statement ends"),
    "a claim on a loop's head": ("for i in [1]:  # 1\n    i", "no statement ends"),
    "a claim on an import": ("import math  # 1", "no value to claim"),
    "a claim on a part": ("x = torch.ones(2)\nx[0] = 0  # tensor(0.)", "claim the whole"),
    "a claim about a device": (
        "torch.ones(1)  # tensor([1.], device='cuda:0')",
        "names no device",
    ),
    "a linter's remark": ("x = 1  # noqa", "uses no variable"),
    "another card's variable": ("first", "NameError"),
    "print claimed as a value": ("print(1)  # 1", "drop print"),
    "the number of a float": ("torch.tensor(1.5).item()  # 1", "is of type float"),
    "sparse claimed as dense": ("torch.eye(1).to_sparse()  # tensor([[1.]])", "layout is"),
    "requires_grad forgotten": (
        "torch.ones(1, requires_grad=True)  # tensor([1.])",
        "requires_grad is True",
    ),
    "sys.exit": ("import sys\nsys.exit(0)", "SystemExit"),
    "a package that is not there": ("import nonexistent", "ModuleNotFoundError"),
}

LEAKS = {
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "default device": "torch.set_default_device('meta')",
    "grad mode": "torch.set_grad_enabled(False)",
    "anomaly mode": "torch.autograd.set_detect_anomaly(True)",
    "number of threads": "torch.set_num_threads(7)",
    "print options": "torch.set_printoptions(precision=2)",
    "deterministic algorithms": "torch.use_deterministic_algorithms(True)",
    "matmul precision": "torch.set_float32_matmul_precision('medium')",
    "cudnn.benchmark": "torch.backends.cudnn.benchmark = True",
    "cudnn.deterministic": "torch.backends.cudnn.deterministic = True",
    "working directory": "import os\nos.chdir('/')",
    "environment": "import os\nos.environ['LEFT'] = '1'",
    "sys.path": "import sys\nsys.path.append('left')",
    "warn always": "torch.set_warn_always(True)",
    "recursion limit": "import sys\nsys.setrecursionlimit(5000)",
    "numpy print options": "import numpy as np\nnp.set_printoptions(precision=2)",
    "numpy error handling": "import numpy as np\nnp.seterr(all='ignore')",
    "matplotlib settings": "import matplotlib as m\nm.rcParams['lines.linewidth'] = 9",
    "autocast": "torch.set_autocast_enabled('cpu', True)",
}
AFTER_LEAK = """
x = torch.ones(1)
(x.dtype, x.requires_grad, x.device.type == "meta")  # (torch.float32, False, False)
torch.is_grad_enabled()  # True
"""

TRUTHS = """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = (x * x).sum()  # tensor(5., grad_fn=<SumBackward0>)
y.backward()
x.grad  # tensor([2., 4.])
n = 1
n += 1  # 2
for i in range(3):
    torch.full((2,), i).shape  # torch.Size([2])
with suppress(RuntimeError):
    torch.ones(2) @ torch.ones(3)  # RuntimeError: inconsistent tensor size
torch.tensor(torch.ones(1))  # UserWarning: To copy construct from a tensor
torch.rand(2)  # shape (2,), dtype float32
values, index = torch.tensor([1, 5, 2]).max(dim=0)  # (tensor(5), tensor(1))
"""

# What has slipped through once, and its like: kind: (what must be said, lies).
KINDS = {
    "a number cut from an error": (
        "whole words and numbers",
        [
            "x = [2, 3]\nwith suppress(ValueError):\n    raise ValueError(f'but got {x}')"
            "  # ValueError: but got [2",
            "x = 'cuda:1'\nwith suppress(ValueError):\n    raise ValueError(f'it is on {x}')"
            "  # ValueError: on cuda",
            "with suppress(IndexError):\n    torch.arange(30)[50]  # IndexError: index 5",
            "with suppress(IndexError):\n    torch.arange(30)[50]"
            "  # IndexError: 0 is out of bounds",
            "with suppress(IndexError):\n    torch.arange(30)[50]  # IndexError: with size 3",
            "with suppress(RuntimeError):\n    torch.ones(60).view(7)"
            "  # RuntimeError: input of size 6",
            "with suppress(RuntimeError):\n    torch.ones(2, 13) @ torch.ones(12, 2)"
            "  # RuntimeError: multiplied (2x13 and 12x",
            "x = -1\nwith suppress(ValueError):\n    raise ValueError(f'dim {x} of it')"
            "  # ValueError: 1 of it",
            "x = 1.5\nwith suppress(ValueError):\n    raise ValueError(f'the rate {x} of it')"
            "  # ValueError: the rate 1",
            "x = 1.5\nwith suppress(ValueError):\n    raise ValueError(f'the rate {x} of it')"
            "  # ValueError: 5 of it",
            "x = '1,000'\nwith suppress(ValueError):\n    raise ValueError(f'takes {x} of it')"
            "  # ValueError: takes 1",
            "x = '5%'\nwith suppress(ValueError):\n    raise ValueError(f'it lost {x} of it')"
            "  # ValueError: it lost 5",
            "import warnings\nx = 12\nwarnings.warn(f'it took {x} of it')"
            "  # UserWarning: it took 1",
        ],
    ),
    "a word cut from an error": (
        "whole words and numbers",
        [
            "with suppress(ValueError):\n    raise ValueError('unsupported value')"
            "  # ValueError: supported value",
            "with suppress(ValueError):\n    raise ValueError('a non-leaf tensor')"
            "  # ValueError: leaf tensor",
            "with suppress(ValueError):\n    raise ValueError('it is incompatible')"
            "  # ValueError: compatible",
            "with suppress(ValueError):\n    raise ValueError('you can\\'t do it')"
            "  # ValueError: you can",
            "with suppress(KeyError):\n    raise KeyError('\"you can\\'t do it')"
            "  # KeyError: you can",
            "with suppress(ValueError):\n    raise ValueError('an item is readonly')"
            "  # ValueError: is read",
        ],
    ),
    "a quotation that says the opposite": (
        "the quotation leaves out",
        [
            "x = torch.ones(1, requires_grad=True)\nwith suppress(RuntimeError):\n    x.numpy()"
            "  # RuntimeError: call numpy() on Tensor that requires grad",
            "with suppress(RuntimeError):\n    torch.ones(2).backward()"
            "  # RuntimeError: element 0 of tensors does",
            "with suppress(RuntimeError):\n    torch.ones(2).backward()"
            "  # RuntimeError: element 0 ... require grad",
            "with suppress(RuntimeError):\n    torch.ones(2).backward()"
            "  # RuntimeError: require grad",
            "with suppress(RuntimeError):\n    torch.ones(2, 3) @ torch.ones(2, 3)"
            "  # RuntimeError: be multiplied",
            "with suppress(RuntimeError):\n    torch.ones(2, 3) @ torch.ones(2, 3)"
            "  # RuntimeError: mat1 and mat2 shapes ... be multiplied",
            "with suppress(RuntimeError):\n    torch.ones(2, 3) @ torch.ones(2, 3)"
            "  # RuntimeError: mat1 and mat2 shapes",
            "with suppress(ValueError):\n    raise ValueError('it was never really used up')"
            "  # ValueError: used up",
            "with suppress(ValueError):\n    raise ValueError('unable to load it')"
            "  # ValueError: load it",
            "with suppress(ValueError):\n    raise ValueError('we do not currently allow it')"
            "  # ValueError: allow it",
            "with suppress(ValueError):\n    raise ValueError('it runs without a mask')"
            "  # ValueError: a mask",
            "with suppress(ValueError):\n    raise ValueError('neither of the two works')"
            "  # ValueError: two works",
            "import warnings\nwarnings.warn('this is no longer slow')  # UserWarning: longer slow",
        ],
    ),
    "a quotation of next to nothing": (
        "is too short",
        [
            "with suppress(RuntimeError):\n    torch.ones(2).backward()  # RuntimeError: element",
            "with suppress(RuntimeError):\n    torch.ones(2).backward()  # RuntimeError: a",
            "with suppress(RuntimeError):\n    torch.ones(2).backward()  # RuntimeError: 0",
            "with suppress(IndexError):\n    torch.arange(30)[50]"
            "  # IndexError: index ... size ... 30",
        ],
    ),
    "an error of another class": (
        "claimed",
        [
            "with suppress(RuntimeError):\n    torch.ones(2) @ torch.ones(3)"
            "  # torch.cuda.RuntimeError: inconsistent tensor size",
            "import numpy as np\nwith suppress(RuntimeError):\n"
            "    torch.linalg.inv(torch.zeros(2, 2))"
            "  # np.linalg.LinAlgError: is singular",
            "import numpy as np\nwith suppress(ValueError):\n    np.linalg.inv(np.zeros((2, 2)))"
            "  # LinAlgError: Singular matrix",
            "class _ValueError(ValueError):\n    pass\n\nwith suppress(ValueError):\n"
            "    raise _ValueError('this is bad')  # ValueError: this is bad",
            "import multiprocessing\nwith suppress(multiprocessing.TimeoutError):\n"
            "    raise multiprocessing.TimeoutError('too late')  # TimeoutError: too late",
            "import json\nwith suppress(ValueError):\n    json.loads('x')"
            "  # ValueError: Expecting value",
            "import queue\nwith suppress(queue.Empty):\n    queue.Queue().get(block=False)"
            "  # queue.Full",
        ],
    ),
    "a message that is there": (
        "say part of the message",
        ["with suppress(ValueError):\n    int('x')  # ValueError"],
    ),
    "digits that no float holds": (
        "digits that its dtype does not hold",
        [
            "torch.tensor(16777216.0) + 0.5  # tensor(16777216.5000)",
            "torch.tensor(1 / 3)  # tensor(0.333333333333)",
            "torch.tensor(16777216.0).item()  # 16777216.5000",
            "torch.tensor(1 / 3, dtype=torch.bfloat16)  # tensor(0.3350, dtype=torch.bfloat16)",
            "torch.tensor(16777216.0) + 0.5  # tensor(16777216.5)",
            "torch.tensor(100000.123)  # tensor(100000.123)",
            "torch.tensor(2.0**24 + 1)  # tensor(16777217.)",
            "float(2**53 + 1)  # 9007199254740993.0",
            "torch.tensor(2.0**53, dtype=torch.float64)"
            "  # tensor(9007199254740993., dtype=torch.float64)",
            "import numpy as np\nnp.array([2050], dtype=np.float16)"
            "  # array([2049.5], dtype=float16)",
            "import numpy as np\nnp.float32(16777217)  # np.float32(16777217.0)",
            "torch.tensor(1e-46)  # tensor(1e-46)",
        ],
    ),
    "digits that are off": (
        "got ",
        [
            "torch.tensor(2048.0, dtype=torch.float16)  # tensor(2049., dtype=torch.float16)",
            "torch.tensor([1.0, 2.5e-5])  # tensor([1., 2.6e-05])",
            "torch.tensor(0.333)  # tensor(0.33)",
            "1 / 3  # 0.3334",
            "torch.tensor(1 / 3)  # tensor(0.3334)",
            "torch.tensor([1e8]) / 3  # tensor([3.3334e+07])",
            "torch.tensor(1 / 3, dtype=torch.bfloat16)  # tensor(0.3433, dtype=torch.bfloat16)",
            "10**20 + 1  # 100000000000000000000",
            "torch.tensor(2**53 + 1)  # tensor(9007199254740992)",
        ],
    ),
    "a number that Python reads as another": (
        "to Python",
        ["5e-324 / 4  # 1e-324", "1e308 * 10  # 1e309", "1e308 * -10  # -1e309"],
    ),
    "an exponent that hides how coarse it is": (
        "",
        [
            "x = 4321.0  # 0.0000e+08",
            "x = 4321.0  # 0.0004e+07",
            "x = 4321.0  # 432.1000e+01",
            "torch.tensor(4321.0)  # tensor(0.0000e+08)",
        ],
    ),
    "zero of the other sign": (
        "got ",
        [
            "torch.tensor(-0.0)  # tensor(0.)",
            "torch.tensor([-1.0, 1.0]).relu()  # tensor([-0., 1.])",
            "x = -0.0  # 0.0",
            "complex(-0.0, 1)  # 1j",
            "complex(1, -0.0)  # (1+0j)",
            "torch.tensor(complex(-0.0, 1))  # tensor(0.+1.j)",
            "import numpy as np\nnp.array([-0.0])  # array([0.])",
        ],
    ),
    "text in code": (
        "code carries no prose",
        [
            "def f(x: 'two or three') -> 'gives 7':\n    return x\n\nf(1)  # 1",
            'def f(x):\n    """Returns tensor(7.) for every x."""\n    return x\n\nf(1)  # 1',
            'class A:\n    """Adds two."""\n\nA()',
            "torch.ones(2).sum()\n'tensor(3.)'",
            "torch.ones(2).sum(); 'this is three'",
            "b'the sum is 3'",
            "f'the sum is {3}'",
            "async def f():\n    'Gives two.'",
        ],
    ),
    "text that is shown": (
        "a number that nobody checks",
        [
            "import logging\nlogging.info('the loss is 0.1')",
            "print('the sum is 3')",
            "acc = 1\nprint(f'accuracy 0.99 = {acc}')",
            "print('tensor([1, 2])')",
            "print('accuracy:', '0.99')",
            "print('reached {} of 97 %'.format(1))",
            "from matplotlib import pyplot\npyplot.title('accuracy 0.99')",
            "from matplotlib import pyplot\nfigure, axes = pyplot.subplots()\n"
            "axes.set(title='accuracy 0.99')",
            "from matplotlib import pyplot\npyplot.text(0, 1, 'loss 0.01')",
            "x = torch.ones(2)\nassert x.sum() == 2, 'the sum is 7'",
            "x = torch.ones(2)\nif x.sum() > 9:\n    raise ValueError('the sum is 2, not 9')",
            "import sys\nsys.stdout.write('loss 0.1')",
            "exec('x = 1  # x is 2')",
        ],
    ),
    "a claim in the text": ("looks like a claim", ["# tensor([1, 2])\ntorch.ones(2)"]),
    "a line for sphinx-gallery that hides code": (
        "code carries no prose",
        [
            "# sphinx_gallery_start_ignore\ntorch.Size.numel = None\n# sphinx_gallery_end_ignore",
            "torch.ones(2)\n# sphinx_gallery_note: the sum of ones(2) is 3",
            "torch.ones(2)\n# sphinx_gallery_thumbnail_number = 1, and the sum is 3",
        ],
    ),
    "a tensor of another class": (
        "it is a",
        [
            "torch.nn.Parameter(torch.ones(1))  # tensor([1.], requires_grad=True)",
            "torch.ones(1)  # Parameter containing: tensor([1.])",
            "torch.nn.Linear(1, 1).weight.data  # Parameter containing: tensor([[1.]])",
            "[torch.nn.Parameter(torch.ones(1))]  # [tensor([1.], requires_grad=True)]",
            "class Image(torch.Tensor):\n    pass\n\nImage([1.0])  # tensor([1.])",
            "class Image(torch.Tensor):\n    pass\n\nImage([1.0])  # Mask([1.])",
            "torch.ones(1)  # Image([1.])",
            "torch.nn.UninitializedParameter()  # tensor([], requires_grad=True)",
        ],
    ),
    "a tensor that is no leaf": (
        "",
        [
            "x = torch.ones(1, requires_grad=True)\nx * 2  # tensor([2.], requires_grad=True)",
            "x = torch.ones(1, requires_grad=True)\nx * 2  # tensor([2.], grad_fn=<AddBackward0>)",
            "torch.ones(1, requires_grad=True)  # tensor([1.], grad_fn=<MulBackward0>)",
        ],
    ),
    "a container of another type": (
        "",
        [
            "from collections import OrderedDict\nOrderedDict(a=1)  # {'a': 1}",
            "from collections import Counter\nCounter('aab')  # {'a': 2, 'b': 1}",
            "from collections import defaultdict\ndefaultdict(int, a=1)  # {'a': 1}",
            "from collections import defaultdict\ndefaultdict(int, a=1)"
            "  # defaultdict(<class 'list'>, {'a': 1})",
            "dict(a=1)  # OrderedDict({'a': 1})",
            "from collections import OrderedDict\nOrderedDict(a=1)  # OrderedDict({'a': 2})",
            "from collections import Counter\nCounter('aab')  # Counter({'b': 1, 'a': 2})",
            "frozenset({1})  # {1}",
            "set(torch.tensor([1.0, 2.0]).tolist())  # {1, 2}",
            "{True, False}  # {0, 1}",
            "{(1.0, 2)}  # {(True, 2)}",
            "frozenset({1.0})  # frozenset({1})",
            "from collections import deque\ndeque([1])  # [1]",
            "from collections import deque\ndeque([1])  # deque([2])",
        ],
    ),
    "a fact of another type": (
        " is (",
        [
            "torch.ones(2, 3)  # shape (2.0, 3)",
            "torch.ones(1, 3)  # shape (True, 3)",
            "torch.ones(2, 3)  # stride (3, True)",
        ],
    ),
    "a keyword that nobody looks at": (
        "",
        [
            "torch.ones(1)  # tensor([1.], nnz=5)",
            "torch.ones(1)  # tensor([1.], layout=torch.strided)",
            "torch.arange(4)  # tensor([[0, 1], [2, 3]], size=(4,))",
            "torch.arange(4)  # tensor([0, 1, 2, 3], size=(4,))",
            "torch.zeros(0, 3)  # tensor([], size=(3, 0))",
            "import numpy as np\nnp.ones(1)  # array([1.], requires_grad=True)",
            "torch.eye(1).to_sparse()  # tensor([[1.]], indices=tensor([[0], [0]]),"
            " values=tensor([1.]), size=(1, 1), layout=torch.sparse_coo)",
            "torch.eye(1).to_sparse()  # tensor(indices=tensor([[0], [0]]),"
            " values=tensor([1.]), size=(1, 1), nnz=2, layout=torch.sparse_coo)",
        ],
    ),
    "an error that nobody hears of": (
        "says so in no claim",
        [
            "try:\n    int('x')\nexcept ValueError:\n    x = None",
            "try:\n    int('x')\nexcept ValueError:\n    print('all is well')",
            "try:\n    int('x')\nexcept ValueError:\n    pass",
            "try:\n    int('x')\nexcept ValueError:\n    ...",
            "try:\n    int('x')\nexcept ValueError as error:\n    None",
            "for i in [1]:\n    try:\n        int('x')\n    except ValueError:\n        continue",
            "def f():\n    try:\n        int('x')\n    except ValueError:\n        return\n"
            "\nf()  # None",
            "def f():\n    try:\n        int('x')\n    finally:\n        return 1\n\nf()  # 1",
            "try:\n    int('x')\nexcept* ValueError:\n    pass",
            "try:\n    int('y')\n    int('x')  # ValueError: invalid literal for int()\n"
            "except ValueError:\n    pass",
            "with suppress(ValueError):\n    for i in range(int('y')):\n        pass\n"
            "    int('x')  # ValueError: invalid literal for int()",
            "with suppress(ValueError):\n    if int('y'):\n        pass\n"
            "    int('x')  # ValueError: invalid literal for int()",
            "from contextlib import contextmanager\n\n@contextmanager\ndef calm():\n    try:\n"
            "        yield\n    except ValueError as error:\n        print(error)\n\n"
            "with calm():\n    int('x')",
            "class Calm:\n    def __enter__(self):\n        return self\n\n"
            "    def __exit__(self, *_):\n        return True\n\nwith Calm():\n    int('x')",
            "from contextlib import ExitStack\nwith ExitStack() as stack:\n"
            "    stack.enter_context(suppress(ValueError))\n    int('x')",
            "import pytest\nwith pytest.raises(ValueError):\n    int('x')",
            "import unittest\nwith unittest.TestCase().assertRaises(ValueError):\n    int('x')",
            "with torch.no_grad(), suppress(ValueError), torch.no_grad():\n    int('y')\n"
            "    int('x')  # ValueError: invalid literal for int()",
            "import threading\nthread = threading.Thread(target=int, args=('x',))\nthread.start()\n"
            "thread.join()",
            "import threading\n\ndef f():\n    int('x')\n\nthread = threading.Thread(target=f)\n"
            "thread.start()\nthread.join()",
            "class A:\n    def __del__(self):\n        int('x')\n\na = A()\ndel a",
            "from concurrent.futures import ThreadPoolExecutor\n\ndef f():\n    int('x')\n\n"
            "with ThreadPoolExecutor() as pool:\n    pool.submit(f)",
            "import multiprocessing\n\ndef f():\n    int('x')\n\n"
            "process = multiprocessing.Process(target=f)\nprocess.start()\nprocess.join()",
            "match 1:\n    case 1:\n        try:\n            int('x')\n"
            "        except ValueError:\n"
            "            pass",
        ],
    ),
    "suppress under another name": (
        "suppress without a claim",
        [
            "import contextlib as c\nwith c.suppress(ValueError):\n    int('x')",
            "from contextlib import suppress as ignoring\nwith ignoring(ValueError):\n    int('x')",
            "calm = suppress(ValueError)\nwith calm:\n    int('x')",
            "def calm():\n    return suppress(ValueError)\n\nwith calm():\n    int('x')",
            "with suppress(ValueError):\n    torch.tensor(torch.ones(1))"
            "  # UserWarning: To copy construct from a tensor",
        ],
    ),
    "in a forked child": (
        "claimed ",
        [
            "from torch.utils.data import DataLoader, Dataset, get_worker_info\n\n"
            "class D(Dataset):\n    def __len__(self):\n        return 2\n\n"
            "    def __getitem__(self, i):\n        here = get_worker_info() is None  # True\n"
            "        return i\n\nD()[0]\n"
            "list(DataLoader(D(), num_workers=1, multiprocessing_context='fork'))",
            "from torch.utils.data import DataLoader\n\ndef stack(items):\n"
            "    batch = torch.tensor(items)  # shape (2,)\n    return batch\n\nstack([1, 2])\n"
            "loader = DataLoader(range(3), batch_size=2, collate_fn=stack, num_workers=1,\n"
            "    multiprocessing_context='fork')\nlen(list(loader))  # 2",
            "import os\n\ndef f():\n    os.getpid()  # 1\n\n"
            "pid = os.fork()\nif pid == 0:\n    f()\n    os._exit(0)\ndone = os.waitpid(pid, 0)",
            "import os\n\ndef f():\n    int('7')  # ValueError: invalid literal for int()\n\n"
            "pid = os.fork()\nif pid == 0:\n    f()\n    os._exit(0)\ndone = os.waitpid(pid, 0)",
        ],
    ),
    "unheard of in a forked child": (
        "undeclared warning",
        [
            "import os, warnings\npid = os.fork()\nif pid == 0:\n    warnings.warn('it is old')\n"
            "    os._exit(0)\ndone = os.waitpid(pid, 0)",
        ],
    ),
    "two warnings, one claim": (
        "undeclared warning",
        [
            "import warnings\n\ndef f():\n    warnings.warn('a is old')\n"
            "    warnings.warn('a is old, too')\n\nf()  # UserWarning: a is old",
            "import warnings\n\ndef f():\n    warnings.warn('a is old')\n"
            "    warnings.warn('a is old', FutureWarning)\n\nf()  # UserWarning: a is old",
        ],
    ),
    "the last line of a match": (
        "",
        [
            "with suppress(ValueError):\n    match 1:\n        case 1:\n            int('x')\n"
            "        case _:\n            torch.ones(2)  # ValueError: invalid literal for int()",
            "match 1:\n    case 1:\n        1  # 2",
        ],
    ),
    "a second comment behind a claim": (
        "one comment, one claim",
        ["x = 1  # 1  # the sum is 7", "x = [1]  # [1] # tensor(7.)"],
    ),
    "a result in a string": ("looks like a claim", ["x = torch.ones(2)\n_ = 'tensor([2., 2.])'"]),
    "asserts that do not run": ("AssertionError", ["x = torch.ones(2)\nassert x.sum() == 3"]),
    "not the side that holds": (
        "claimed ",
        [
            "x = 1  # 2 since 2.0, 1 before",
            "x = 1  # 1 since 99.0, 2 before",
            "with suppress(ValueError):\n    int('7')"
            "  # ValueError: invalid literal for int() since 2.0, 7 before",
        ],
    ),
}
LINES = [(kind, lie) for kind, (_, lies) in KINDS.items() for lie in lies]

# What an honest author writes.
HONEST = {
    "match": "match 1:\n    case 1:\n        2  # 2\n        x = 3  # 3",
    "NumPy's own print": "import numpy as np\nnp.float32(0.1)  # np.float32(0.1)\n"
    "np.bool_(True)  # np.True_\nnp.array(['a', 'b'])  # array(['a', 'b'], dtype='<U1')",
    "a sparse tensor that warned": "x = torch.eye(2).to_sparse_csr()"
    "  # UserWarning: Sparse CSR tensor"
    " support\nx  # tensor(crow_indices=tensor([0, 1, 2]), col_indices=tensor([0, 1]),"
    " values=tensor([1., 1.]), size=(2, 2), nnz=2, layout=torch.sparse_csr)",
    "torch.Size in a sparse claim": "torch.eye(1).to_sparse()  # tensor(indices=tensor([[0], [0]]),"
    " values=tensor([1.]), size=torch.Size([1, 1]), nnz=1, layout=torch.sparse_coo)",
    "facts inside vmap": "def f(x):\n    x  # shape ()\n    return x\n\n"
    "torch.vmap(f)(torch.ones(2))  # tensor([1., 1.])",
    "an empty message": "with suppress(AssertionError):\n    assert 1 > 2  # AssertionError\n"
    "import queue\nwith suppress(queue.Empty):\n    queue.Queue().get(block=False)  # queue.Empty",
    "other names of errors": "import zipfile, io\nwith suppress(zipfile.BadZipFile):\n"
    "    zipfile.ZipFile(io.BytesIO(b'x'))  # zipfile.BadZipFile: File is not a zip file\n"
    "with suppress(ExceptionGroup):\n    raise ExceptionGroup('some failed', [ValueError()])"
    "  # ExceptionGroup: some failed",
    "containers as printed": "from collections import *\n"
    "OrderedDict(a=1)  # OrderedDict({'a': 1})\nOrderedDict(a=1)  # OrderedDict([('a', 1)])\n"
    "Counter('aab')  # Counter({'a': 2, 'b': 1})\nCounter('baa')  # Counter({'a': 2, 'b': 1})\n"
    "defaultdict(list, a=[1])  # defaultdict(<class 'list'>, {'a': [1]})\n"
    "frozenset({1, 2})  # frozenset({2, 1})\ndeque([1, 2])  # deque([1, 2])\nset()  # len 0",
    "tensors of other classes": "torch.nn.Parameter(torch.ones(1))"
    "  # Parameter containing: tensor([1.], requires_grad=True)\n\n"
    "class Image(torch.Tensor):\n    pass\n\nImage([1.0])  # Image([1.])\n"
    "Image([1.0])  # type Image, shape (1,)\ntorch.nn.Buffer(torch.ones(1))  # tensor([1.])",
    "an error that is shown": "try:\n    int('x')\nexcept ValueError as error:\n"
    "    str(error)  # \"invalid literal for int() with base 10: 'x'\"\n"
    "try:\n    int('x')  # ValueError: invalid literal for int()\nexcept ValueError:\n    pass",
    "an error as a decision": "size = 8\ntry:\n    int('x')\nexcept ValueError:\n    size //= 2\n"
    "size  # 4",
    "managers that swallow nothing": "import tempfile\nwith tempfile.TemporaryFile() as file,"
    " torch.no_grad():\n    file.write(b'x')  # 1\nwith suppress(ValueError), torch.no_grad():\n"
    "    int('x')  # ValueError: invalid literal for int()",
    "errors that are read": "from concurrent.futures import ThreadPoolExecutor\n\n"
    "def f():\n    int('x')\n\nwith ThreadPoolExecutor() as pool:\n    job = pool.submit(f)\n"
    "type(job.exception()) is ValueError  # True\nwith suppress(ValueError):\n"
    "    job.result()  # ValueError: invalid literal for int()",
    "a claimed error in a process": "import multiprocessing\n\ndef f():\n"
    "    int('x')  # ValueError: invalid literal for int()\n\n"
    "process = multiprocessing.Process(target=f)\nprocess.start()\nprocess.join()\n"
    "process.exitcode  # 1",
    "a claimed error in a thread": "import threading\n\ndef f():\n"
    "    int('x')  # ValueError: invalid literal for int()\n\nthread = threading.Thread(target=f)\n"
    "thread.start()\nthread.join()",
    "claims in workers": "from torch.utils.data import DataLoader, Dataset, get_worker_info\n\n"
    ""
    "class D(Dataset):\n    def __len__(self):\n        return 2\n\n"
    "    def __getitem__(self, i):\n        here = get_worker_info().num_workers  # 1\n"
    "        return i\n\n"
    "len(list(DataLoader(D(), num_workers=1, multiprocessing_context='fork')))  # 2",
    "the same warning twice": "import warnings\n\ndef f():\n    for _ in range(2):\n"
    "        warnings.warn('it is old')\n\nf()  # UserWarning: it is old",
    "zeros as printed": "torch.tensor([-0.0, 0.0])  # tensor([-0., 0.])\n"
    "torch.tensor(-1e-9)  # tensor(-1.0000e-09)\ntorch.zeros(2) * 1e-9  # tensor([0., 0.])\n"
    "complex(1, -0.0)  # (1-0j)\ncomplex(0, -2)  # -2j\n"
    "torch.tensor([0.0, 1e-9])  # tensor([0.0000e+00, 1.0000e-09])",
    "messages in full words": "with suppress(IndexError):\n    torch.arange(30)[50]"
    "  # IndexError: index 50 ... with size 30\nwith suppress(KeyError):\n    {}['a']"
    "  # KeyError: 'a'\nwith suppress(RuntimeError):\n    torch.ones(2, 3) @ torch.ones(2, 3)"
    "  # RuntimeError: cannot be multiplied (2x3 and 2x3)",
    "text that says no result": "for epoch in range(1):\n    print(f'epoch {epoch}: {0.5:.3f}')\n"
    "print('done')\nassert torch.ones(1).sum() == 1, 'it is not one'\n"
    "from matplotlib import pyplot\npyplot.title(f'{0.5:.2f}')\npyplot.text(0, 1, 'here')",
    "an error on one side only": "with suppress(ValueError):\n    int('7')"
    "  # 7 since 2.0, ValueError: invalid literal for int() before\n"
    "torch.tensor(torch.ones(1))  # UserWarning: To copy construct since 2.0, tensor(1.) before",
    "an error from the future": "class A:\n    def f(self) -> A:\n        return self\n\nA().f()",
}


def outcomes(folder, sources, limit=60.0):
    """Check many small files at once: ``{name: job}``."""
    jobs = {}
    for number, (name, source) in enumerate(sources.items()):
        path = folder / f"lie_{number}.py"
        path.write_text(source)
        jobs[name] = process.Job(path, "cpu", process.plan(cards.read(path)), process.check)
    for _ in process.run(list(jobs.values()), limit=limit):
        pass
    return jobs


@pytest.fixture(scope="module")
def lies(tmp_path_factory):
    sources = {name: module("first = 1", code) for name, (code, _) in LIES.items()}
    return outcomes(tmp_path_factory.mktemp("lies"), sources)


@pytest.fixture(scope="module")
def leaks(tmp_path_factory):
    sources = {name: module(code, AFTER_LEAK) for name, code in LEAKS.items()}
    return outcomes(tmp_path_factory.mktemp("leaks"), sources)


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_caught(lies, name):
    code, expected = LIES[name]
    job = lies[name]
    assert not job.lost
    failures = []
    for seed in process.SEEDS:
        assert job.results["Card 0", seed].failures == []
        failures += job.results["Card 1", seed].failures
        # A random sample may be right by chance under one seed, never under both.
        assert failures or name == "a random sample"
    assert any(expected in message for _, message in failures), failures
    first = job.path.read_text().split("\n").index("# Card 1") + 3
    assert all(first <= line < first + len(code.split("\n")) for line, _ in failures)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """All lies of KINDS in one file, a card for each: ``{lie: failures under both seeds}``."""
    job = outcomes(tmp_path_factory.mktemp("lines"), {"": module(*[lie for _, lie in LINES])})[""]
    assert not job.lost
    return {
        lie: [job.results[f"Card {number}", seed].failures for seed in process.SEEDS]
        for number, (_, lie) in enumerate(LINES)
    }


@pytest.mark.parametrize(("kind", "lie"), LINES, ids=[f"{k}-{n}" for n, (k, _) in enumerate(LINES)])
def test_a_lie_of_this_kind_is_caught(lines, kind, lie):
    for failures in lines[lie]:
        assert failures
        assert any(KINDS[kind][0] in message for _, message in failures), failures


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    source = module(*HONEST.values()).replace(
        "from contextlib", "from __future__ import annotations\n\nfrom contextlib", 1
    )
    return outcomes(tmp_path_factory.mktemp("honest"), {"": source})[""]


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_card_is_accepted(honest, name):
    assert not honest.lost
    for seed in process.SEEDS:
        outcome = honest.results[f"Card {list(HONEST).index(name)}", seed]
        assert outcome.failures == []


def run_alone(code, **environment):
    """What a card's run gives in a process of its own, where torch warns of things once."""
    script = f"""
import warnings
from torchproof import cards, execute
outcome = execute.run(cards.Card("Card", "", {code!r}, 5, "import torch"), "card.py")
print(outcome.failures, outcome.draws)
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return done.stdout


ONCE = """x = torch.eye(2).to_sparse_csr()  # UserWarning: Sparse CSR tensor support
y = torch.eye(3).to_sparse_csr()  # UserWarning: Sparse CSR tensor support"""


def test_a_warning_that_comes_once_is_claimed_once():
    assert "there was no warning" in run_alone(ONCE)


def test_asserts_run_whatever_the_environment_says():
    code = "assert torch.ones(2).sum() == 3\n__debug__  # True"
    assert "AssertionError" in run_alone(code, PYTHONOPTIMIZE="1")


@pytest.mark.parametrize(
    ("code", "draws"),
    [
        ("torch.rand(1)", True),
        ("import random\nrandom.random()", True),
        ("import numpy as np\nnp.random.rand()", True),
        ("torch.ones(1)", False),
        ("torch.rand(1, generator=torch.Generator())", False),
    ],
)
def test_a_run_tells_whether_it_drew(code, draws):
    assert run_alone(code).endswith(f"[] {draws}\n")


@pytest.mark.parametrize(
    ("line", "lies"),
    [
        ("tensor([1, 2])", True),
        ("``shape (2, 3), dtype float32``", True),
        ("[1, 2]", True),
        ("The sum is 3, as a tensor", False),
        ("0.", False),
        ("- shape (2, 3)", False),
    ],
)
def test_a_line_of_text_that_is_a_claim(line, lies):
    assert bool(find.prose(f"Some text.\n{line}", 3)) is lies


def test_a_long_card_takes_no_more_than_its_length():
    code = "x = 1  # 1\n" * 2000
    start = time.perf_counter()
    find.find(code, 1)
    early = time.perf_counter() - start
    find.find(code, 1_000_000)
    assert time.perf_counter() - start < 10 * early


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_named_and_undone(leaks, name):
    job = leaks[name]
    assert not job.lost
    for seed in process.SEEDS:
        messages = [message for _, message in job.results["Card 0", seed].failures]
        assert f"leaves the {name} changed" in messages
        assert job.results["Card 1", seed].failures == []


def test_a_card_does_not_find_another_ones_files(tmp_path):
    writes = "from pathlib import Path\nPath('left').write_text('x')  # 1"
    reads = "from pathlib import Path\nPath('left').read_text()  # 'x'"
    job = outcomes(tmp_path, {"files": module(writes, reads)})["files"]
    for seed in process.SEEDS:
        assert job.results["Card 0", seed].failures == []
        assert "FileNotFoundError" in job.results["Card 1", seed].failures[0][1]


def test_the_truth_passes(tmp_path):
    job = outcomes(tmp_path, {"truth": module(TRUTHS)})["truth"]
    for seed in process.SEEDS:
        outcome = job.results["Card 0", seed]
        assert outcome.failures == []
        assert outcome.claims == 8


def test_a_fork_beside_threads_is_not_the_card_s_fault(tmp_path):
    # Word for word what Python says since 3.12; the one that runs this may say nothing.
    text = (
        "This process (pid=7) is multi-threaded, use of fork() may lead to deadlocks in the child."
    )
    code = f"import warnings\nwarnings.warn({text!r}, DeprecationWarning)"
    job = outcomes(tmp_path, {"fork": module(code)})["fork"]
    assert [outcome.failures for outcome in job.results.values()] == [[], []]


UNREADABLE = {
    "does not parse": (HEAD + "# %%\n# Card\n# ----\nx = = 1\n", "does not parse"),
    "no docstring": ("import torch\n", "no docstring"),
    "no title": ('"""No title."""\n# %%\n# A\n# --\n1\n', "has no title"),
    "a card with no title": (HEAD + "# %%\nx = 1\n", "a card has no title"),
    "a card with no code": (HEAD + "# %%\n# Card\n# ----\n", "has no code"),
    "two cards with one title": (HEAD + "# %%\n# Card\n# ----\n1\n" * 2, "two cards"),
    "no card": (HEAD, "no card"),
    "half a statement": (
        HEAD + '# %%\n# One\n# ---\nx = """\n# %%\n# Two\n# ---\n"""\n',
        "does not parse on its own",
    ),
    "a claim among the imports": (
        HEAD.replace("import torch", "import torch  # tensor(1)") + "# %%\n# Card\n# ----\n1\n",
        "no comments",
    ),
    "code among the imports": (HEAD + "x = 1\n\n# %%\n# Card\n# ----\nx\n", "only imports"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read(tmp_path, name):
    source, why = UNREADABLE[name]
    path = tmp_path / "unreadable.py"
    path.write_text(source)
    with pytest.raises(cards.CardError, match=rf"unreadable.py:\d+: .*{why}"):
        cards.read(path)

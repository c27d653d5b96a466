"""
Models and weights from the hub
===============================

Load a model from a repository that has a file ``hubconf.py``, and download
weights. The cards use files on disk, so they need no network.
"""
import hashlib
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import hub

# %%
# Load a model of a repository: ``torch.hub.load``
# ------------------------------------------------
#
# Each function in ``hubconf.py`` that does not begin with an underscore is
# a model. ``hub.load`` imports the file, calls the function with the other
# arguments and returns its result. By default the first argument is a
# repository on GitHub such as ``"pytorch/vision"``; with
# ``source="local"`` it is a folder.
code = """
import torch
dependencies = ["torch"]

def small(width=4):
    "A linear layer with one output."
    return torch.nn.Linear(width, 1)
"""
with TemporaryDirectory() as folder:
    Path(folder, "hubconf.py").write_text(code)
    model = hub.load(folder, "small", source="local", width=6)
    model.weight.shape  # torch.Size([1, 6])
    model = hub.load(folder, "small", source="local")
    model.weight.shape  # torch.Size([1, 4])

# %%
# Which models does a repository have: ``torch.hub.list``, ``help``
# -----------------------------------------------------------------
#
# ``hub.list`` returns the names and ``hub.help`` the docstring of one of
# them. Both download the repository if it is not in ``hub.get_dir``. The
# card puts a folder there and names the branch, so nothing is downloaded.
# ``hubconf.py`` is run, so say ``trust_repo=True`` for code that you trust.
code = """
def small():
    "A linear layer with one output."

def _helper():
    "No model, because of the underscore."
"""
default = hub.get_dir()
with TemporaryDirectory() as folder:
    hub.set_dir(folder)
    path = Path(folder, "someone_models_main", "hubconf.py")
    path.parent.mkdir()
    path.write_text(code)
    name = "someone/models:main"
    hub.list(name, trust_repo=True)  # ['small']
    text = hub.help(name, "small", trust_repo=True)
    text.strip()  # 'A linear layer with one output.'
    hub.set_dir(default)

# %%
# Download weights once: ``torch.hub.load_state_dict_from_url``
# -------------------------------------------------------------
#
# The file is stored in ``model_dir``, or else in the folder ``checkpoints``
# of ``hub.get_dir``. The next call reads the stored file, even if the file
# at the address is gone or has changed. With ``check_hash=True`` the name
# must end with the beginning of the SHA-256 checksum, which is compared.
with TemporaryDirectory() as folder:
    file = Path(folder, "weights.pt")
    torch.save({"w": torch.ones(2)}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file = file.rename(Path(folder, f"small-{digest[:8]}.pt"))
    cache = Path(folder, "cache")
    load = hub.load_state_dict_from_url
    state = load(file.as_uri(), cache, progress=False, check_hash=True)
    state["w"]  # tensor([1., 1.])
    (cache / file.name).read_bytes() == file.read_bytes()  # True
    file.unlink()
    load(file.as_uri(), cache, progress=False)["w"]  # tensor([1., 1.])

# %%
# Error: invalid hash value (``torch.hub.download_url_to_file``)
# --------------------------------------------------------------
#
# ``download_url_to_file`` stores a file under a path of your choice. If the
# checksum does not begin with ``hash_prefix``, the download was cut off, or
# the file at the address has changed. It then raises an error and leaves no
# file behind. An address can also begin with ``file://``.
with TemporaryDirectory() as folder:
    source = Path(folder, "source.txt")
    source.write_bytes(b"some words")
    digest = hashlib.sha256(b"some words").hexdigest()
    copy, broken = Path(folder, "copy.txt"), Path(folder, "broken.txt")
    fetch = hub.download_url_to_file
    fetch(source.as_uri(), str(copy), digest[:8], progress=False)
    copy.read_bytes()  # b'some words'
    with suppress(RuntimeError):
        fetch(
            source.as_uri(), str(broken), "00000000", progress=False
        )  # RuntimeError: invalid hash value (expected "00000000", got
    broken.exists()  # False

# %%
# Error: Cannot find callable, Missing dependencies (``torch.hub.load``)
# ----------------------------------------------------------------------
#
# The first error means that ``hubconf.py`` has no function of this name, so
# look at ``hub.list``. The second means that the repository needs a package
# that is not installed. Install it.
code = """
def small():
    return 1
"""
with TemporaryDirectory() as folder:
    path = Path(folder, "hubconf.py")
    path.write_text(code)
    with suppress(RuntimeError):
        hub.load(
            folder, "large", source="local"
        )  # RuntimeError: Cannot find callable large in hubconf
    path.write_text("dependencies = ['no_such_package']\n" + code)
    with suppress(RuntimeError):
        hub.load(
            folder, "small", source="local"
        )  # RuntimeError: Missing dependencies: no_such_package
    path.write_text(code)
    hub.load(folder, "small", source="local")  # 1

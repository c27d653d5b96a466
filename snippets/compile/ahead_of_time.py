"""
Ahead of time
=============

Compile a model into a package that Python and C++ programs load without
compiling it again.
"""
import subprocess
import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.utils import cpp_extension


# %%
# Compile a package: ``torch._inductor.aoti_compile_and_package``
# ---------------------------------------------------------------
#
# ``torch.compile`` compiles at the first call of each process.
# Ahead-of-time compilation compiles an exported program once, with a C++
# compiler, into a ``.pt2`` file. ``torch._inductor.aoti_load_package``
# loads this file. It contains machine code for one kind of device, so
# compile it on a machine like the one that will run it.
class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        weight = torch.linspace(-1, 1, 8).reshape(4, 2)
        self.weight = nn.Parameter(weight)

    def forward(self, x):
        return torch.tanh(x @ self.weight)


model, x = Layer(), torch.linspace(0, 1, 40).reshape(10, 4)
batch = torch.export.Dim("batch", max=1024)
program = torch.export.export(model, (x,), dynamic_shapes=({0: batch},))
with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "layer.pt2")
    torch._inductor.aoti_compile_and_package(program, package_path=path)
    compiled = torch._inductor.aoti_load_package(path)
    same = [
        torch.allclose(compiled(x[:size]), model(x[:size]), atol=1e-5)
        for size in (1, 3, 10)
    ]
same  # [True, True, True]
compiled.get_constant_fqns()  # ['weight']


# %%
# Load the package from C++: ``AOTIModelPackageLoader``
# -----------------------------------------------------
#
# The C++ program needs no Python. It links against the libraries of the
# installed PyTorch, and ``cpp_extension`` gives their paths. The tensor in
# C++ is on the CPU, so the model is exported on the CPU as well. Both give
# the same numbers.
class Layer(nn.Module):
    def forward(self, x):
        return torch.tanh(x).sum(dim=1)


source = """
#include <ATen/ATen.h>
#include <iostream>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

int main(int count, char** arguments) {
  torch::inductor::AOTIModelPackageLoader loader(arguments[1]);
  at::Tensor x = at::arange(8, at::kFloat).reshape({2, 4});
  at::Tensor y = loader.run({x})[0];
  std::cout << y[0].item<float>() << " " << y[1].item<float>();
}
"""
x = torch.arange(8.0, device="cpu").reshape(2, 4)
program = torch.export.export(Layer(), (x,))
headers = [f"-I{path}" for path in cpp_extension.include_paths()]
libraries = ["-Wl,--no-as-needed", "-ltorch", "-ltorch_cpu", "-lc10"]
for path in cpp_extension.library_paths():
    libraries += [f"-L{path}", f"-Wl,-rpath,{path}"]
with tempfile.TemporaryDirectory() as folder:
    package = str(Path(folder) / "layer.pt2")
    torch._inductor.aoti_compile_and_package(program, package_path=package)
    Path(folder, "main.cpp").write_text(source)
    command = [cpp_extension.get_cxx_compiler(), "-std=c++20", "main.cpp"]
    command += [*headers, *libraries, "-o", "main"]
    subprocess.run(command, cwd=folder, check=True)
    ran = subprocess.run(
        ["./main", package], cwd=folder, check=True, capture_output=True
    )
from_cpp = torch.tensor([float(number) for number in ran.stdout.split()])
from_cpp  # tensor([2.7207, 3.9992])
Layer()(x)  # tensor([2.7207, 3.9992])

# %%
# Old advice: TorchScript files, ``torch.jit.load``
# -------------------------------------------------
#
# A TorchScript file also runs without the class of the model, and you can
# still load old files. ``torch.jit.trace`` and ``torch.jit.load`` warn that
# they are deprecated. If you have the source code of the model, use
# ``torch.export.export`` instead.
with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "old.pt")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        torch.jit.trace(nn.ReLU(), torch.rand(2)).save(path)
        loaded = torch.jit.load(path)
texts = [str(warning.message).split(". ")[0] for warning in heard]
texts[0]  # '`torch.jit.trace` is deprecated'
texts[-1]  # '`torch.jit.load` is deprecated'
kind = heard[-1].category.__name__
kind  # 'FutureWarning' since 2.14, 'DeprecationWarning' before
loaded(torch.tensor([-1.0, 2.0]))  # tensor([0., 2.])
loaded  # type RecursiveScriptModule

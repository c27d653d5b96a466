"""
Transform pipelines
===================

Combine image transforms into pipelines for training and for evaluation, and
write your own transforms.
"""
from contextlib import suppress

import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torch import nn
from torch.utils.data import Dataset, default_collate
from torchvision import transforms, tv_tensors
from torchvision.transforms import v2

# %%
# Train and eval pipelines: ``v2.Compose``
# ----------------------------------------
#
# Use two pipelines: random crops and flips for training, and one fixed crop
# for evaluation. Both end with the conversion and the normalization that
# the model needs. If validation images go through the training pipeline,
# the metrics change from run to run.
finish = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True),
          v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
train = v2.Compose([v2.RandomResizedCrop(224),
                    v2.RandomHorizontalFlip(), *finish])
evaluate = v2.Compose([v2.Resize(256), v2.CenterCrop(224), *finish])
photo = Image.fromarray(load_sample_image("china.jpg"))
train(photo)  # shape (3, 224, 224), dtype float32
torch.equal(evaluate(photo), evaluate(photo))  # True
torch.equal(train(photo), train(photo))  # False
evaluate(photo).abs().max() < 3  # tensor(True)

# %%
# In which order: bytes first, ``v2.Normalize`` last
# --------------------------------------------------
#
# Crop and resize bytes, because they take a quarter of the memory of
# float32. Then convert to float, and normalize at the end. Colour
# transforms need values from 0 to 255 or from 0 to 1. After a
# normalization, brightness and contrast cut off the values below 0.
image = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)
to_float = v2.ToDtype(torch.float32, scale=True)
normalize = v2.Normalize([0.5] * 3, [0.5] * 3)
dim = v2.ColorJitter(brightness=(0.5, 0.5))
right = v2.Compose([dim, to_float, normalize])(image)
wrong = v2.Compose([to_float, normalize, dim])(image)
-1 <= right.min() < -0.9 and -0.1 < right.max() < 0.1  # tensor(True)
wrong.min()  # tensor(0.)

# %%
# Old and new pipelines: ``transforms.Compose``, ``v2.Compose``
# -------------------------------------------------------------
#
# ``v2`` has the transforms of the first version under the same names, and
# it also handles boxes and masks. ``ToTensor`` and ``to_tensor`` are
# replaced by two steps, ``v2.ToImage`` and ``v2.ToDtype``. Do not mix both
# versions in one project.
photo = Image.fromarray(load_sample_image("china.jpg"))
old = transforms.Compose([
    transforms.Resize(64), transforms.CenterCrop(64),
    transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.25] * 3),
])
new = v2.Compose([
    v2.Resize(64), v2.CenterCrop(64), v2.ToImage(),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize([0.5] * 3, [0.25] * 3),
])
torch.allclose(old(photo), new(photo).cpu(), atol=1e-5)  # True
old_tensor = transforms.functional.to_tensor(photo)
old_tensor.amax()  # tensor(1.)

# %%
# Convert without scaling: ``v2.ToDtype``
# ---------------------------------------
#
# ``scale`` is False by default, so the dtype changes and the values stay.
# ``v2.ConvertImageDtype`` from the first version scales the values.
# ``v2.PILToTensor`` returns bytes, and ``v2.ToPILImage`` converts back.
# With a dictionary you choose a dtype for images and another for masks.
image = tv_tensors.Image(torch.tensor([[[0, 51, 255]]], dtype=torch.uint8))
v2.ToDtype(torch.float32)(image)  # Image([[[0., 51., 255.]]])
v2.ToDtype(torch.float32, scale=True)(image)[0, 0, 1]  # tensor(0.2000)
v2.ConvertImageDtype(torch.float32)(image)[0, 0, 1]  # tensor(0.2000)
v2.ToPILImage()(image).getpixel((1, 0))  # 51
v2.PILToTensor()(v2.ToPILImage()(image)).tolist()  # [[[0, 51, 255]]]
mask = tv_tensors.Mask(torch.tensor([[0, 1, 2]], dtype=torch.uint8))
dtypes = {tv_tensors.Image: torch.float32, tv_tensors.Mask: torch.int64,
          "others": None}
image, mask = v2.ToDtype(dtypes, scale=True)(image, mask)
image[0, 0, 1], mask  # (tensor(0.2000), Mask([[0, 1, 2]]))

# %%
# Any function as a transform: ``v2.Lambda``, ``v2.Identity``
# -----------------------------------------------------------
#
# A pipeline accepts any callable. A plain function gets the whole sample,
# and ``v2.Lambda`` gets each part of the types that you name. A lambda
# cannot be sent to workers that are not forked, so write a named function
# for them. ``Identity`` returns its input.
image = tv_tensors.Image(torch.tensor([[[1.0, 2.0]]]))
mask = tv_tensors.Mask(torch.tensor([[1, 2]]))
double = v2.Lambda(lambda part: part * 2, tv_tensors.Image)
out = double(image, mask)
out[0]  # tensor([[[2., 4.]]])
out[1]  # Mask([[1, 2]])
swap = v2.Compose([v2.Identity(), lambda image, mask: (mask, image)])
swap(image, mask)[0]  # Mask([[1, 2]])

# %%
# Your own transform: subclass ``v2.Transform``
# ---------------------------------------------
#
# ``make_params`` draws once per call, and gets the parts to transform as a
# flat list. ``transform`` is called for each image, box or mask with that
# draw, so all parts change in the same way. If you transform just images,
# an ``nn.Module`` is enough.
class RandomRoll(v2.Transform):
    def make_params(self, flat_inputs):
        return {"shift": int(torch.randint(1, 4, ()))}

    def transform(self, inpt, params):
        return inpt.roll(params["shift"], dims=-1)


image = tv_tensors.Image(torch.arange(4.0).reshape(1, 1, 4))
mask = tv_tensors.Mask(torch.arange(4).reshape(1, 4))
moved, moved_mask = RandomRoll()(image, mask)
torch.equal(moved[0, 0], moved_mask[0].float())  # True
torch.equal(moved, image)  # False

# %%
# Where transforms run: ``Dataset.__getitem__``
# ---------------------------------------------
#
# Call the transform in ``__getitem__``. It then runs in the workers of the
# loader, and each image gets a new draw in each epoch. Pass the transform
# as an argument, so that two datasets can use the same images, one for
# training and one for evaluation.
class Photos(Dataset):
    def __init__(self, images, transform=None):
        self.images, self.transform = images, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return image if self.transform is None else self.transform(image)


images = torch.rand(10, 3, 40, 40)
train = Photos(images, v2.RandomCrop(8))
evaluate = Photos(images, v2.CenterCrop(8))
len({train[0].sum().item() for _ in range(30)}) > 1  # True
torch.equal(evaluate[0], evaluate[0])  # True

# %%
# One call for image and target, or the draws differ
# --------------------------------------------------
#
# Two calls draw twice. With a random flip, half of the masks then no longer
# fit their images, and there is no error. Pass image and mask in one call.
image = tv_tensors.Image(torch.tensor([[[0.0, 1.0]]]))
mask = tv_tensors.Mask(torch.tensor([[0, 1]]))
flip = v2.RandomHorizontalFlip()


def fits(image, mask):
    return torch.equal(image[0], mask.float())


apart = sum(fits(flip(image), flip(mask)) for _ in range(400))
100 < apart < 300  # True
all(fits(*flip(image, mask)) for _ in range(400))  # True

# %%
# A batch gets one draw for all: transforms on (N, C, H, W)
# ---------------------------------------------------------
#
# If you transform a batch, all images are cropped at the same place, and
# either all of them are flipped or none of them. To draw for each image,
# transform the images one by one.
batch = torch.tensor([0.0, 1.0]).expand(64, 1, 1, 2)
flip = v2.RandomHorizontalFlip()
together = flip(batch)
together[:, 0, 0, 0].unique().numel()  # 1
each = torch.stack([flip(image) for image in batch])
each[:, 0, 0, 0].unique()  # tensor([0., 1.])

# %%
# ``eval()`` does not stop augmentation
# -------------------------------------
#
# Transforms are modules, but unlike ``nn.Dropout`` they ignore ``training``
# and stay random after ``eval()``. Use another pipeline for evaluation, and
# keep random transforms out of the model.
x = torch.arange(100.0).reshape(1, 10, 10)
crop = v2.RandomCrop(2)
crop.eval()
corners = {crop(x)[0, 0, 0].item() for _ in range(50)}
len(corners) > 5  # True
dropout = nn.Dropout(0.5).eval()
torch.equal(dropout(x), x)  # True

# %%
# Error: batch must contain tensors; found PIL.Image (no transform)
# -----------------------------------------------------------------
#
# The dataset returns PIL images, because it has no transform. Pass a
# transform that ends with a tensor. All images of a batch must also have
# the same size.
photo = Image.fromarray(load_sample_image("china.jpg"))
with suppress(TypeError):
    default_collate(
        [photo, photo]
    )  # TypeError: found <class 'PIL.Image.Image'>
transform = v2.Compose([v2.Resize((32, 32)), v2.ToImage(),
                        v2.ToDtype(torch.float32, scale=True)])
default_collate([transform(photo)] * 2)  # shape (2, 3, 32, 32)

# %%
# Error: no module named 'torchvision.transforms.functional_tensor'
# -----------------------------------------------------------------
#
# torchvision 0.17 removed this module, and old libraries such as
# ``basicsr`` still import it. Change the import in the library to
# ``torchvision.transforms.functional``, or install a newer version of the
# library.
with suppress(ModuleNotFoundError):
    from torchvision.transforms.functional_tensor import (
        rgb_to_grayscale,
    )  # ModuleNotFoundError: No module named
from torchvision.transforms.functional import rgb_to_grayscale

rgb_to_grayscale(torch.ones(3, 4, 4))  # shape (1, 4, 4)

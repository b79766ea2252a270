r"""
1.2 A convolution filters an image
==================================

A photograph is a table of numbers too, with a hundred thousand of them. **How can
nine weights find the upright edges in it, wherever they are?**

*After this lesson you can* compute a convolution by hand, choose a kernel for a
property, predict the size of the output, and say in what sense a convolution is a
dense layer with most of its weights at zero.

*Time*: 40 minutes. *Before*: lesson 1.1.
"""

# %%
# A photograph in numbers
# -----------------------
# Gray pixels between 0, black, and 1, white. The layers of the package take images in
# the shape (images, channels, height, width), here with one of each of the first two. A
# **channel** is one table of numbers of an image: a gray image has one, a color image
# three, red, green and blue.

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, nn, plots

plots.style.use()
photo = datasets.photo("china")[:, :, 20:340, 55:375]
picture = photo[0, 0]
print(f"Shape {tuple(photo.shape)}, cropped and turned gray.")
print(datasets.PHOTO_CREDITS["china"])

# %%
fig, ax = plt.subplots(figsize=(4.6, 4.6))
plots.image(ax, picture)
plots.outline(ax, row=179, column=46, height=6, width=6)
fig.alt_text = (
    "A gray photograph of a Chinese pagoda with three curved roofs; a small frame "
    "on a pillar to the left."
)
plt.show()

# %%
# Nine weights
# ------------
# In lesson 1.1 a row of weights covered all the columns of a table. Here a small table
# of weights, the **kernel** :math:`K`, covers nine neighboring pixels only, and the
# *same* kernel serves every place of the image:
#
# .. math:: I'[i, j] = b + \sum_{m=0}^{2} \sum_{n=0}^{2} I[i + m,\; j + n]\; K[m, n] .
#
# Our kernel has -1/3 on the left, 0 in the middle and 1/3 on the right: brightness to
# the right minus brightness to the left. Take nine pixels at the edge of a pillar,
# inside the small frame.

kernel = torch.tensor([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]) / 3

row, column = 180, 47
patch = picture[row : row + 3, column : column + 3]
products = patch * kernel
on_the_left, _, on_the_right = patch.sum(dim=0)
print(f"({on_the_right:.2f} - {on_the_left:.2f}) / 3 = {products.sum():.2f}")
print(f"With a bias of -0.10 it is {products.sum() - 0.1:.2f}")

# %%
# The nine pixels, times the nine weights, give nine products; their sum is one pixel of
# the new image.

fig, axes = plt.subplots(1, 3, figsize=(6.0, 2.3))
digits = "{:.2f}".format
plots.cells(axes[0], patch, kind="photo", number_format=digits).set_title("pixels")
plots.cells(axes[1], kernel, number_format=digits).set_title("× kernel")
plots.cells(axes[2], products, number_format=digits).set_title("= products")
fig.alt_text = (
    "Nine pixels, brighter on the right, the kernel's nine weights, and the nine "
    "products."
)
plt.show()

# %%
# One sum per pixel would be slow in Python. But each weight meets a *shifted copy* of
# the whole image, so nine products of whole images do it. The result is two pixels
# smaller each way: the window must fit.


def convolve(image, kernel, bias=0.0):
    height = image.shape[0] - kernel.shape[0] + 1
    width = image.shape[1] - kernel.shape[1] + 1
    output = torch.full((height, width), bias, dtype=image.dtype)
    for m in range(kernel.shape[0]):
        for n in range(kernel.shape[1]):
            output += kernel[m, n] * image[m : m + height, n : n + width]
    return output


edges = convolve(picture, kernel)
torch.testing.assert_close(edges[row, column], products.sum())
print(f"From {tuple(picture.shape)} to {tuple(edges.shape)}.")

# %%
# The kernel on its way
# ---------------------
# The frame holds six by six pixels. The window visits every place where it fits. Under
# the image stands the sum of this place, to the right the output as it fills.

small = picture[179:185, 46:52]
small_output = convolve(small, kernel)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(6.0, 5.4), width_ratios=[3, 2])
left.set_title("image, 6 × 6")
right.set_title("output, 4 × 4")
movie = plots.sliding_kernel(left, right, small, kernel, small_output)
movie.still = 5  # the frame to look at until it plays
fig.alt_text = (
    "A three by three window moves over six by six pixels; its weighted sum fills a "
    "four by four output."
)
plt.show()

# %%
# The edge answers in two columns: both windows have dark pixels on their left and
# bright ones on their right.
#
# Before and after
# ----------------
# On the whole photograph the result has both signs, according to whether it gets
# brighter to the right or darker, and is near zero where nothing changes. A bias of
# -0.1 asks for more than a faint change, and ReLU drops the rest.
#
# .. predict:: other-direction

biased = convolve(picture, kernel, bias=-0.1)
selected = biased.clamp(min=0)
for name, share in {
    "brighter to the right by 0.01 or more": edges > 0.01,
    "darker by as much": edges < -0.01,
    "left by bias and ReLU": selected > 0,
}.items():
    print(f"{share.double().mean():4.0%} {name}")
assert (selected > 0).double().mean() < 0.2

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(6.0, 3.4))
plots.image(left, edges, kind="signed", limit=0.6).set_title("convolution")
plots.image(right, selected, kind="positive", limit=0.5).set_title("bias, ReLU")
fig.alt_text = (
    "Left: upright edges in orange and blue. Right: after bias and ReLU only edges "
    "from dark to bright are left."
)
plt.show()

# %%
# Orange is where it gets brighter to the right, blue where it gets darker. ReLU drops
# all the blue, however strong: to keep these edges too, a layer needs a second kernel,
# with the signs turned. The roofs answer because the joints between their tiles stand
# upright; a level edge, one from left to right, leaves nothing.
#
# The same with the package
# -------------------------
# The layer is ``Conv2d``: one channel in, one channel out, kernel 3 × 3. Its weight
# has the shape (channels out, channels in, height, width).

layer = nn.Conv2d(1, 1, kernel_size=3)
with torch.no_grad():
    layer.weight.copy_(kernel.reshape(1, 1, 3, 3))
    layer.bias.fill_(-0.1)
    output = nn.ReLU()(layer(photo))

torch.testing.assert_close(output[0, 0], selected)
difference = (output[0, 0] - selected).abs().max()
print(f"Shape {tuple(output.shape)}, largest difference from ours {difference:.0e}.")

# %%
# Six kernels, six properties
# ---------------------------
# With six output channels the layer holds six kernels and makes six images at once.
# When the weights of a kernel sum to 0, flat areas give 0 and only changes remain
# (first four). When they sum to 1, a flat area keeps its gray (last two). The Sobel
# kernel trusts the middle row most; the Laplacian compares a pixel with its four
# neighbors at once.

bank = {  # whole numbers, and what they are divided by
    "upright edges": ([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], 3),
    "level edges": ([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], 3),
    "Sobel": ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], 4),
    "Laplacian": ([[0, 1, 0], [1, -4, 1], [0, 1, 0]], 4),
    "blur": ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], 9),
    "sharpen": ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], 1),
}
kernels = torch.stack([torch.tensor(table) / part for table, part in bank.values()])
filters = nn.Conv2d(1, 6, kernel_size=3, bias=False)
with torch.no_grad():
    filters.weight.copy_(kernels[:, None])
    filtered = filters(photo)[0]

flat = filters(torch.full((1, 1, 3, 3), 0.5)).flatten().abs()
for weights, channel, gray in zip(kernels, filtered, flat, strict=True):
    torch.testing.assert_close(channel, convolve(picture, weights))
    torch.testing.assert_close(gray, 0.5 * weights.sum().abs())
print(f"Of a flat gray of 0.50 the first makes {flat[0]:.2f}, the last {flat[-1]:.2f}.")

# %%
# The kernels, each colored by its own largest weight, stand beside what they make.

fig, axes = plt.subplots(3, 4, figsize=(6.0, 5.8), width_ratios=[1, 2.2] * 2)
for pair, (name, (table, part)), result in zip(
    axes.reshape(-1, 2), bank.items(), filtered, strict=True
):
    left, right = pair
    kind, limit = ("photo", 1.0) if name in {"blur", "sharpen"} else ("signed", 0.4)
    plots.cells(left, torch.tensor(table).float()).set_title(f"÷ {part}")
    plots.image(right, result, kind=kind, limit=limit).set_title(name)
fig.alt_text = (
    "Six kernels beside the images they make: four kinds of edges in orange and blue, "
    "then a blurred and a sharper one."
)
plt.show()

# %%
# The first kernel does not see a level edge, and sees a slanted one in part. Nobody
# needs to choose such kernels: in a network they are parameters, and training finds
# them (lessons 1.3 and 3.5).
#
# Three channels in
# -----------------
# A color photograph has three channels, and the layer then has a kernel for *each* of
# them. The three results are added up, and one bias for all. So an output channel costs
# three times nine weights and a bias, and six of them cost six times as much.

color = datasets.photo("china", gray=False)[:, :, 20:340, 55:375]
of_color = nn.Conv2d(3, 6, kernel_size=3)
with torch.no_grad():
    red, green, blue = of_color.weight[0]
    together = sum(
        convolve(channel, weights)
        for channel, weights in zip(color[0], (red, green, blue), strict=True)
    )
    output = of_color(color)
    torch.testing.assert_close(
        output[0, 0], together + of_color.bias[0], rtol=1e-4, atol=1e-5
    )
count = sum(parameter.numel() for parameter in of_color.parameters())
print(f"From {tuple(color.shape)} to {tuple(output.shape)}.")
print(f"Weight {tuple(of_color.weight.shape)}: 6 x (3 x 9 + 1) = {count} parameters.")
assert count == 6 * (3 * 9 + 1)

# %%
# Shift the image, and the output shifts
# --------------------------------------
# The same weights serve every place. So if the whole photograph moves by eight pixels,
# what the convolution finds moves with it.
#
# A dense layer has weights of its own for every pixel. So one of its outputs can know
# the upright edges of our photograph by heart: it multiplies the edge image of whatever
# comes in by ours, place by place, and adds up. (Each value of an edge image is a
# weighted sum of pixels, and a weighted sum of weighted sums is one again: a single
# output can do it.) The sum is large when the edges lie where ours lay. What is left of
# it when the photograph moves? Two more outputs are asked: one knows the level edges,
# one how much lighter or darker than the mean each pixel is.
#
# .. predict:: shifted

moved_edges = convolve(picture.roll(8, dims=1), kernel)
inner = slice(10, -10)  # away from where the image was wrapped around
torch.testing.assert_close(moved_edges[:, inner], edges.roll(8, dims=1)[:, inner])
print("Convolution of the moved image, against the moved convolution: the same.")

known = {
    "upright edges": lambda image: convolve(image, kernel),
    "level edges": lambda image: convolve(image, kernel.T),
    "light and dark": lambda image: image - picture.mean(),
}
moves = range(13)
left_over = pd.DataFrame(
    {
        name: [
            (see(picture) * see(picture.roll(by, dims=1))).sum().item() for by in moves
        ]
        for name, see in known.items()
    },
    index=pd.Index(moves, name="moved to the right by, pixels"),
)
left_over = left_over / left_over.iloc[0]
print(left_over.loc[[0, 1, 2, 8]].map("{:.0%}".format).to_string())
down = {
    name: (see(picture) * see(picture.roll(1, dims=0))).sum()
    / see(picture).square().sum()
    for name, see in known.items()
}
print("Down by one:", {name: f"{share:.0%}" for name, share in down.items()})
assert down["upright edges"] > down["level edges"]
assert abs(left_over.loc[8, "upright edges"]) < 0.25
assert left_over.loc[8, "light and dark"] > 0.75

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.4))
plots.curves(ax, left_over, percent=True)
ax.axhline(0, color=plots.style.MUTED, linewidth=1)
ax.set(ylabel="left of a dense answer")
fig.alt_text = (
    "What is left of three dense answers when the photograph moves by up to twelve "
    "pixels: that of upright edges falls at once and swings about zero, that of level "
    "edges falls slowly, that of light and dark hardly falls."
)
plt.show()

# %%
# To a convolution it is the same scene in another place. To an output that knows its
# upright edges by heart it is another image: an edge is narrow, and after a move it
# meets weights that were made for something else, here even for the opposite edge. The
# level edges of this roof are long to the side and bear the move better; when the roof
# moves down, the two change places. Broad patches of light bear it best.
#
# Padding and stride
# ------------------
# The output shrinks, unless the image gets a border of zeros first: **padding**. (Zero
# is black, so that an edge kernel finds an edge there that nobody photographed.) And
# the window may move by more than one pixel: **stride**. With height :math:`H`, padding
# :math:`p`, kernel size :math:`k` and stride :math:`s`,
#
# .. math:: H' = \left\lfloor \frac{H + 2p - k}{s} \right\rfloor + 1 .
#
# The brackets round down, as ``//`` does in Python.

choices = [("valid", 0, 1), ("same", 1, 1), ("strided", 1, 2)]
for name, padding, stride in choices:
    by_formula = (320 + 2 * padding - 3) // stride + 1
    shape = nn.Conv2d(1, 1, kernel_size=3, padding=padding, stride=stride)(photo).shape
    assert shape[2] == by_formula
    print(f"{name:8} padding {padding}, stride {stride}: 320 -> {by_formula}")

# %%
# The same with 6 × 6 pixels: filled cells are the image, empty ones the padding, and
# each dot is the center of a window, that is, one pixel of the output.
#
# .. predict:: windows

fig, axes = plt.subplots(1, 3, figsize=(6.0, 2.4))
for ax, (name, padding, stride) in zip(axes, choices, strict=True):
    size = (6 + 2 * padding - 3) // stride + 1
    plots.window_centers(ax, 6, kernel_size=3, padding=padding, stride=stride)
    ax.set_title(f"{name}: 6 → {size}")
fig.alt_text = (
    "A six by six image: without padding 4 by 4 windows fit, with padding 6 by 6, "
    "with stride two 3 by 3."
)
plt.show()

# %%
# With stride 2 the output follows even moves alone: when the image moves by two pixels,
# it moves by one. When the image moves by one, the windows stand on other pixels than
# before, and the output has other values.
#
# The sizes tell one more thing. Let two convolutions of 3 × 3 follow each other. Of 5 ×
# 5 pixels the first makes 3 × 3 numbers, and the second a single one.

five = picture[180:185, 46:51]
three = convolve(five, kernel)
one = convolve(three, kernel)
print(f"{tuple(five.shape)} -> {tuple(three.shape)} -> {tuple(one.shape)}")

# %%
fig, axes = plt.subplots(1, 3, figsize=(6.0, 2.5), width_ratios=[5, 3, 1.4])
plots.outline(plots.cells(axes[0], five, kind="photo", number_format=None), 0, 0, 3, 3)
plots.outline(plots.cells(axes[1], three, number_format=digits), 0, 0, 1, 1)
plots.cells(axes[2], one, number_format=digits)
for ax, title in zip(axes, ("image", "after one", "after two"), strict=True):
    ax.set_title(title)
fig.alt_text = (
    "Five by five pixels, of which a window of three by three makes one of three by "
    "three numbers, and these make a single number."
)
plt.show()

# %%
# This one number has 5 × 5 pixels behind it: it is a sum of nine values, each of them
# has a window of nine pixels, like the framed one, and side by side these windows cover
# 5 × 5. Its **receptive field** is all the pixels that it can depend on, whatever the
# weights are. (With our kernel some of the 25 get the weight zero.) Every further layer
# of 3 × 3 adds a pixel on each side; after a layer of stride 2 it adds two.
#
# In mathematics a convolution turns the kernel by 180 degrees before it multiplies.
# What deep-learning libraries call a convolution does not: it is a
# **cross-correlation**. Since kernels are learned, a turned one would be learned as
# easily.
#
# A dense layer in disguise
# -------------------------
# A convolution is a weighted sum per output pixel: that is a dense layer. To see its
# weights, send in images with a single white pixel, one after the other. Each answer is
# a column of the matrix :math:`M` in :math:`y = M x`.

image, K = small.double(), kernel.double()
single_pixels = torch.eye(36, dtype=torch.float64).reshape(36, 6, 6)
M = torch.stack([convolve(one, K).flatten() for one in single_pixels], dim=1)

x, y = image.flatten(), convolve(image, K).flatten()
torch.testing.assert_close(M @ x, y)
print(f"M is {tuple(M.shape)}; {(M == 0).double().mean():.0%} of its entries are zero.")
print(f"Largest difference of M x from the convolution: {(M @ x - y).abs().max():.0e}.")

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.2))
plots.cells(ax, M, number_format=None)
ax.set_axis_on()
ax.set(xlabel="36 input pixels, row by row", ylabel="16 output pixels")
ax.set(xticks=range(0, 36, 6), yticks=range(0, 16, 4))
fig.alt_text = (
    "A matrix of 16 rows and 36 columns: every row holds the same six weights, "
    "shifted, and zeros elsewhere."
)
plt.show()

# %%
# The same six values in every row, 1/3 in orange and -1/3 in blue (the three others of
# the nine are zero), shifted, and zeros everywhere else. A convolution is a dense layer
# with two rules: *look only at neighbors*, and *use the same weights everywhere*. The
# rules save a fortune.

outputs = edges.numel()
dense = outputs * picture.numel() + outputs
convolution = sum(parameter.numel() for parameter in layer.parameters())
print(f"From {picture.numel():,} pixels to {outputs:,}:")
print(f"{convolution} parameters for the convolution, {dense:,} for a dense layer.")
assert convolution == 10

# %%
# Under your hands
# ----------------
# Change a weight and look. Click on the image to the right to see the sum behind a
# pixel. :doc:`Its own page </play/filter>` has more room.
#
# .. play:: filter
#    :embed:
#
# What to remember
# ----------------
# - A convolution is a weighted sum of neighbors, with the same weights at every place,
#   plus a bias.
# - The kernel chooses the property: edges of a direction, spots, smoothness. Bias and
#   ReLU keep where it is strong and positive.
# - Output size: :math:`\lfloor (H + 2p - k)/s \rfloor + 1`. What one number has seen
#   grows with every layer.
# - It is a dense layer that is sparse and shares its weights, so ten numbers serve an
#   image of any size.
#
# **Try this.** Load a photo of yours, ``datasets.photo("my-photo.jpg")``, and find a
# kernel of nine weights that makes text on a wall stand out. Then apply the blur ten
# times: which larger kernel would do the same in one step?
#
# **Read on.** Every case of padding and stride, drawn: :cite:`dumoulin2016`.

r"""
3.5 Back-propagation through a convolution
==========================================

Nine weights made a whole image of edges (lesson 1.2). Each of them took part in every
pixel of the result, and most pixels lay in several windows. The result is wrong.
**How much is the fault of each weight, and of each pixel?**

*After this lesson you can* back-propagate through a convolution by hand, say where the
turned kernel and the padding come from, and let a network find an edge filter by
itself.

*Time*: 45 minutes. *Before*: lessons 1.2 and 3.3.
"""

# %%
# Forward, in four loops
# ----------------------
# An image :math:`o` of 5 × 5 pixels and a kernel :math:`K` of 3 × 3 weights make 3 × 3
# sums. The window of sum :math:`(f, g)` begins at pixel :math:`(f, g)`:
#
# .. math:: s_{f,g} = b + \sum_{v=0}^{2} \sum_{w=0}^{2} K_{v,w} \; o_{f+v,\, g+w} .
#
# We number the weights from 1 to 9, so that you will recognize each of them wherever it
# turns up.

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, gradients, plots
from glassbox.nn import functional as F

plots.style.use()


def zeros(rows, columns):
    return [[0] * columns for _ in range(rows)]


K = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
o = [
    [0, 1, 2, 1, 0],
    [1, 3, 1, 0, 2],
    [0, 2, 1, 1, 0],
    [2, 0, 1, 3, 1],
    [1, 1, 0, 2, 0],
]

s = zeros(3, 3)
for f in range(3):
    for g in range(3):
        for v in range(3):
            for w in range(3):
                s[f][g] += K[v][w] * o[f + v][g + w]
print("s =", s)


def matrix(table):
    return torch.tensor(table, dtype=torch.float64)


# %%
whole = "{:.0f}".format
fig, axes = plt.subplot_mosaic("oK;os", figsize=(4.8, 3.6), width_ratios=[5, 3])
for name, title, table in (
    ("o", "image o", o),
    ("K", "kernel K", K),
    ("s", "sums s", s),
):
    limit = {"o": 3, "K": 9}.get(name)
    plots.cells(axes[name], matrix(table), limit=limit, number_format=whole)
    axes[name].set_title(title)
fig.alt_text = (
    "An image of five by five small whole numbers, a kernel with the weights 1 to 9, "
    "and the nine sums."
)
plt.show()

# %%
# Now the way back. The output of the layer is :math:`o^{l+1} = \varphi(s)`, the image
# of the next one. That layer hands back how the risk changes with each number of it,
# :math:`\partial R / \partial o_{f,g}^{l+1}`. Times the slope :math:`\varphi'(s_{f,g})`
# it is how the risk changes with each *sum*. As in lesson 3.3 call it
# :math:`\delta_{f,g}`:
#
# .. math:: \delta_{f,g} = \frac{\partial R}{\partial s_{f,g}}
#    = \frac{\partial R}{\partial o_{f,g}^{l+1}} \; \varphi'(s_{f,g}) .
#
# Nine small whole numbers for us. A positive one says: *this sum is too large*.

delta = [[1, 0, -1], [2, 1, 0], [0, -2, 1]]

# %%
# The fault of a weight
# ---------------------
# Look at the forward line again. Weight :math:`K_{v,w}` meets pixel
# :math:`o_{f+v,\,g+w}` in sum :math:`(f, g)`, so this sum adds to its gradient
# :math:`\delta_{f,g} \, o_{f+v,\,g+w}`. It takes part in all nine sums. Add up:
#
# .. math:: \frac{\partial R}{\partial K_{v,w}}
#    = \sum_{f=0}^{2} \sum_{g=0}^{2} \delta_{f,g} \; o_{f+v,\, g+w} ,
#
# .. math:: \frac{\partial R}{\partial b} = \sum_{f=0}^{2} \sum_{g=0}^{2} \delta_{f,g} .

grad_K = zeros(3, 3)
for v in range(3):
    for w in range(3):
        for f in range(3):
            for g in range(3):
                grad_K[v][w] += delta[f][g] * o[f + v][g + w]
grad_b = sum(sum(row) for row in delta)
print("dR/dK =", grad_K)
print("dR/db =", grad_b)

# %%
# Compare with the forward line: it is the same pattern. The gradient of the kernel is a
# convolution of the image, with :math:`\delta` for a kernel. In the picture: the frame
# holds the nine pixels that weight :math:`K_{0,2}` has met on its way.

v, w = 0, 2
block = matrix(o)[v : v + 3, w : w + 3]
products = block * matrix(delta) + 0.0  # + 0.0 makes -0 a 0
assert products.sum() == grad_K[v][w]

# %%
fig, axes = plt.subplot_mosaic("ob;dp", figsize=(4.8, 4.4), height_ratios=[5, 4])
plots.cells(axes["o"], matrix(o), limit=3, number_format=whole).set_title("image o")
plots.outline(axes["o"], v, w, 3, 3)
plots.cells(axes["b"], block, limit=3, number_format=whole).set_title("in the frame")
plots.cells(axes["d"], matrix(delta), limit=3, number_format=whole).set_title("× δ")
plots.cells(axes["p"], products, limit=3, number_format=whole)
axes["p"].set_title(f"sum: {products.sum():.0f}")
fig.alt_text = (
    "The image with a frame around its upper right nine pixels, these nine, times the "
    "nine deltas, and the products with their sum."
)
plt.show()

# %%
# The fault of a pixel
# --------------------
# The same argument from the pixel's side. In sum :math:`(f, g)` pixel
# :math:`o_{f+v,\,g+w}` is multiplied by :math:`K_{v,w}`, so this sum adds to its
# gradient :math:`\delta_{f,g} K_{v,w}`. The easiest code walks over the *windows* and
# hands each pixel in them its share. Every :math:`\delta_{f,g}` prints the whole kernel
# on the image, like a stamp.

grad_o = zeros(5, 5)
for f in range(3):
    for g in range(3):
        for v in range(3):
            for w in range(3):
                grad_o[f + v][g + w] += delta[f][g] * K[v][w]
print(pd.DataFrame(grad_o).to_string(index=False, header=False))

# %%
# Now the question from the other end: *what does one pixel get?* Here are all nine
# windows, one small image each, with its :math:`\delta` above, and pixel
# :math:`(2, 2)` in a purple frame.
#
# .. predict:: order

padded = torch.zeros(7, 7, dtype=torch.float64)
padded[2:5, 2:5] = matrix(delta)  # two rows and columns of zeros on each side


# %%
def draw_pixel(i, j):
    """Draw the windows that touch pixel (i, j), and the sum that makes its gradient."""
    fig, axes = plt.subplot_mosaic(
        [["windows", "windows"], ["weights", "delta"]],
        figsize=(4.8, 6.6),
        height_ratios=[2.7, 1],
    )
    plots.touching_windows(
        axes["windows"], matrix(K), size=5, pixel=(i, j), gradient=matrix(delta)
    )
    turned, around = matrix(K).flip(0, 1), padded[i : i + 3, j : j + 3]
    plots.cells(axes["weights"], turned, limit=9, number_format=whole)
    plots.cells(axes["delta"], around, limit=9, number_format=whole)
    axes["weights"].set_title("turned kernel")
    axes["delta"].set_title(f"× δ, sum: {(turned * around).sum():.0f}")
    assert (turned * around).sum() == grad_o[i][j]
    return fig


fig = draw_pixel(2, 2)
fig.alt_text = (
    "Nine small images, one per output, each with its window of weights 1 to 9. The "
    "middle pixel is framed: row by row the frames hold 9, 8, 7, 6, 5, 4, 3, 2, 1."
)
plt.show()

# %%
# Nine, eight, seven: *the kernel backwards.* There is no trick behind it. When the
# window moves one pixel to the right, the same pixel lies one weight further to the
# *left* in it. That is the famous **flip**, a half turn of the kernel.
#
# In the formula it is a minus sign. Pixel :math:`(i, j)` lies in window :math:`(f, g)`
# under the weight with :math:`v = i - f` and :math:`w = j - g`. So
# :math:`f = i - v`, :math:`g = j - w`, and
#
# .. math:: \frac{\partial R}{\partial o_{i,j}}
#    = \sum_{v=0}^{2} \sum_{w=0}^{2} K_{v,w} \; \delta_{i-v,\, j-w},
#    \qquad \delta = 0 \text{ outside.}
#
# **Where the padding comes from.** A pixel near the border lies in fewer windows. For
# pixel :math:`(1, 1)` five of the nine would begin outside the image. There is no such
# output, so its :math:`\delta` is 0. Written around :math:`\delta`, these zeros are a
# **padding** of two rows and two columns on each side, :math:`k - 1` for a kernel of
# :math:`k` × :math:`k`.

fig = draw_pixel(1, 1)
fig.alt_text = (
    "The same nine small images for a pixel near the corner: five are empty and "
    "dotted, outside; the four others hold the weights 5, 4, 2 and 1 in the frame."
)
plt.show()

# %%
# So the way back is a convolution again: :math:`\delta` with its padding for an image,
# and the turned kernel. As a layer of its own, which makes a large image of a small
# one, it is called a **transposed convolution**; PyTorch has it as ``ConvTranspose2d``.
# The film goes both ways. First nine stamps, each :math:`\delta` times the kernel,
# printed over each other; then the turned kernel visits all 25 pixels. *One answer.*

fig, axes = plt.subplot_mosaic("ks;dt", figsize=(4.8, 5.4))
fig.get_layout_engine().set(rect=(0, 0.14, 1, 0.86))  # below, the player's buttons
titles = {"d": "δ, padded", "s": "by stamps", "t": "by the turned kernel"}
for name, title in titles.items():
    axes[name].set_title(title)
movie = plots.stamping_kernel(
    *(axes[name] for name in "dkst"), matrix(delta), matrix(K), number_format=whole
)
fig.alt_text = (
    "Film: nine times a frame stands on one delta, and the kernel times this delta is "
    "added to a table of five by five. Then the kernel stands turned, a window moves "
    "over delta with its border of zeros, and one weighted sum after the other fills a "
    "second table, which ends equal to the first."
)
plt.show()

# %%
# For a GPU, where thousands of threads compute at once, the two differ. As stamps, two
# threads may have to add to the same pixel: one waits, and the order of the sum, with
# its last digit, may change from run to run. As the turned kernel, each thread writes a
# pixel of its own.
#
# To open any of these sums yourself, go to
# :exported:`a page of this convolution <convolution>` and turn it *backward*;
# :doc:`a digit that you draw </play/digit>` opens in the same way.
#
# The same with the package: ``conv2d_backward`` takes :math:`\delta` and what the
# forward pass had, and returns three gradients. Autograd calls it when the layer is
# part of a network. We compare with PyTorch's own convolution.

image, kernel, grad_output = (matrix(table)[None, None] for table in (o, K, delta))
bias = torch.zeros(1, dtype=torch.float64)
by_hand = [matrix(grad_o), matrix(grad_K), torch.tensor([float(grad_b)]).double()]
by_package = F.conv2d_backward(grad_output, image, kernel, bias)

leaves = [t.clone().requires_grad_() for t in (image, kernel, bias)]
output = torch.nn.functional.conv2d(*leaves)
by_torch = torch.autograd.grad(output, leaves, grad_output)
as_convolution = F.conv2d(padded[None, None], kernel.flip(2, 3))
transposed = torch.nn.functional.conv_transpose2d(grad_output, kernel)

for name, ours, package, theirs in zip(
    ["image", "kernel", "bias"], by_hand, by_package, by_torch, strict=True
):
    first = (ours - package.squeeze()).abs().max()
    second = (ours - theirs.squeeze()).abs().max()
    print(f"{name:6}: from conv2d_backward {first:.0e}, from PyTorch {second:.0e}")
    assert max(first, second) < 1e-12
torch.testing.assert_close(as_convolution, by_package[0])
torch.testing.assert_close(transposed, by_package[0])

# %%
# Steps and channels
# ------------------
# Real layers have more indices and no new idea. With input channel :math:`c`, output
# channel :math:`h` and stride :math:`t`:
#
# .. math:: s_{h,f,g} = b_h + \sum_{c} \sum_{v,w} K_{h,c,v,w} \;
#    o_{c,\, t f + v,\, t g + w} .
#
# The rule is always the same. Where two numbers were multiplied forward, backward each
# gets :math:`\delta` times the other. The kernel :math:`K_{h,c}` belongs to one output
# and one input channel, so its gradient sums over places only. A pixel goes into all
# output channels, so its gradient sums over :math:`h` too. The padding takes part as
# zeros, and what it gets is cut off again.


def backward_by_loops(delta, image, kernel, stride, padding):
    """Return the gradients of the image and of the kernel, share by share."""
    channels, height, width = image.shape
    wide = torch.zeros(channels, height + 2 * padding, width + 2 * padding).double()
    wide[:, padding : padding + height, padding : padding + width] = image
    grad_wide, grad_kernel = torch.zeros_like(wide), torch.zeros_like(kernel)
    for h, f, g in torch.cartesian_prod(*map(torch.arange, delta.shape)):
        for c, v, w in torch.cartesian_prod(*map(torch.arange, kernel.shape[1:])):
            i, j = stride * f + v, stride * g + w
            grad_wide[c, i, j] += delta[h, f, g] * kernel[h, c, v, w]
            grad_kernel[h, c, v, w] += delta[h, f, g] * wide[c, i, j]
    inside = slice(padding, padding + height), slice(padding, padding + width)
    return grad_wide[:, *inside], grad_kernel


generator = torch.Generator().manual_seed(0)
image = torch.randn(2, 6, 6, generator=generator, dtype=torch.float64)
kernel = torch.randn(3, 2, 3, 3, generator=generator, dtype=torch.float64)
options = {"stride": 2, "padding": 1}
output = F.conv2d(image, kernel, **options)
grad_output = torch.randn(output.shape, generator=generator, dtype=torch.float64)

by_loops = backward_by_loops(grad_output, image, kernel, **options)
by_package = F.conv2d_backward(grad_output, image, kernel, **options)
for name, ours, package in zip(["image", "kernel"], by_loops, by_package, strict=False):
    difference = (ours - package).abs().max()
    print(f"{name:6} {tuple(ours.shape)}: largest difference {difference:.0e}")
    assert difference < 1e-12

check = gradients.check(
    lambda image, kernel: F.conv2d(image, kernel, **options),
    image,
    kernel,
    backward=lambda given, *tensors: F.conv2d_backward(given, *tensors, **options)[:2],
)
print(check)  # both ways against central differences, which know no formula

# %%
# With stride :math:`t` the stamps stand :math:`t` places apart, and the table that they
# make is longer: :math:`n` of them, with a kernel of :math:`k`, need
# :math:`(n - 1)\, t + k` places. In one dimension:

delta_row, kernel_row, t = [2, 1], [1, 3, 1], 2
stamped = [0] * ((len(delta_row) - 1) * t + len(kernel_row))
for f in range(len(delta_row)):
    for v in range(len(kernel_row)):
        stamped[t * f + v] += delta_row[f] * kernel_row[v]
print(f"{delta_row} with the kernel {kernel_row}, stride {t}: {stamped}")
row, weights = (torch.tensor([[values]]) for values in (delta_row, kernel_row))
made = torch.nn.functional.conv_transpose1d(row.float(), weights.float(), stride=t)
assert made[0, 0].tolist() == stamped

# %%
# That is a transposed convolution with stride 2: the way back through the convolution
# with three weights and stride 2 that makes 2 numbers out of 5. Seen from the pixel,
# put :math:`t - 1` zeros between neighbors of :math:`\delta`, and let the turned kernel
# visit as before.
#
# How many windows touch a pixel? With all weights and all :math:`\delta` at 1, the
# gradient of the image counts them. With stride 1 only the border gets less. With
# stride 2 and a kernel of 3 × 3, neighbors get 1, 2 or 4 shares: a checkerboard, which
# shows in images that are made by such gradients. If the size of the kernel is a
# multiple of the stride (2 × 2 or 4 × 4 with stride 2), all pixels away from the border
# get equally many.

ones = torch.ones(1, 1, 3, 3)
counted = {}
for stride in (1, 2):
    output = F.conv2d(torch.zeros(1, 1, 7, 7), ones, stride=stride)
    shares, *_ = F.conv2d_backward(
        torch.ones_like(output), torch.zeros(1, 1, 7, 7), ones, stride=stride
    )
    counted[f"stride {stride}"] = shares[0, 0]

fig, axes = plt.subplots(1, 2, figsize=(4.8, 2.8))
for ax, (title, shares) in zip(axes, counted.items(), strict=True):
    plots.cells(ax, shares, number_format=whole).set_title(title)
fig.alt_text = (
    "Seven by seven counts. Stride 1: nine in the middle, fewer at the border. Stride "
    "2: ones, twos and fours in a checkerboard."
)
plt.show()

# %%
# Pooling: the winner takes all
# -----------------------------
# Max-pooling (lesson 1.3) has no weights. Forward it hands on the largest value of each
# window. A little more or less of any *smaller* value changes nothing, so backward the
# largest gets all of the :math:`\delta` of its window, the others get 0. Of several
# that are equally large it is the first. Where windows overlap, a pixel may be the
# largest of several, and gets the sum. For windows that do not:
#
# .. math:: \frac{\partial R}{\partial o_{i,j}} = \begin{cases} \delta_{f,g} &
#    \text{if largest in window } (f, g) \\ 0 & \text{else.} \end{cases}

values = matrix([[1, 3, 0, 2], [4, 2, 1, 1], [0, 1, 5, 3], [2, 0, 2, 4]])
delta_pool = matrix([[2, -1], [1, -3]])

grad_values = zeros(4, 4)
for f in range(2):
    for g in range(2):
        window = values[2 * f : 2 * f + 2, 2 * g : 2 * g + 2]
        v, w = divmod(int(window.argmax()), 2)
        grad_values[2 * f + v][2 * g + w] += int(delta_pool[f, g])

leaf = values[None, None].clone().requires_grad_()
pooled = F.max_pool2d(leaf, 2)
pooled.backward(delta_pool[None, None])
assert (leaf.grad[0, 0] == matrix(grad_values)).all()
print("By hand and by the package:", grad_values)

# %%
fig, axes = plt.subplot_mosaic(
    "vl;gd", figsize=(4.8, 4.4), width_ratios=[4, 2], layout="constrained"
)
tables = {
    "values": values,
    "largest": pooled.detach()[0, 0],
    "δ": delta_pool,
    "gradient of the values": matrix(grad_values),
}
for name, (title, table) in zip("vldg", tables.items(), strict=True):
    plots.cells(axes[name], table, limit=5, number_format=whole).set_title(title)
for i, j in matrix(grad_values).nonzero().tolist():
    plots.outline(axes["v"], i, j, 1, 1)
    plots.outline(axes["g"], i, j, 1, 1)
fig.alt_text = (
    "Four by four values, the largest of each two by two window, a delta for each, and "
    "the gradient: each delta stands where the largest value was, all else is zero."
)
plt.show()

# %%
# Learning a filter
# -----------------
# Lesson 1.2 chose the edge filter by thought. Now hide it: all we have is a piece of
# the photograph, and the image that the filter made of it. Nine random weights start,
# the risk is the mean squared difference of the two images, and ``conv2d_backward``
# gives the gradient. Momentum (lesson 2.3) takes the steps. The mean brightness is
# subtracted from each piece, as one standardizes a column: in a bright piece, the sky
# for one, all nine gradients would be large at once, and the step of 0.5 would
# overshoot.

edge = torch.tensor([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]) / 3
photo = datasets.photo("china")


def learn_edge(row, column):
    """Learn from the piece there; return kernels, outputs, risks, and that of zeros."""
    picture = photo[:, :, row : row + 96, column : column + 96]
    picture = picture - picture.mean()
    wanted = F.conv2d(picture, edge[None, None])
    generator = torch.Generator().manual_seed(1)
    kernel, velocity = torch.randn(1, 1, 3, 3, generator=generator) / 2, 0
    kernels, outputs, risks = [], [], []
    for _ in range(201):
        output = F.conv2d(picture, kernel)
        kernels.append(kernel[0, 0])
        outputs.append(output[0, 0])
        risks.append(((output - wanted) ** 2).mean().item())

        delta = 2 * (output - wanted) / output.numel()
        velocity = 0.9 * velocity + F.conv2d_backward(delta, picture, kernel)[1]
        kernel = kernel - 0.5 * velocity
    return kernels, outputs, risks, (wanted**2).mean().item()


kernels, outputs, risks, zeros_risk = learn_edge(120, 155)
print("Learned:", [[round(v, 3) + 0.0 for v in row] for row in kernels[-1].tolist()])
print("Hidden: ", [[round(v, 3) for v in row] for row in edge.tolist()])
difference = (kernels[-1] - edge).abs().max()
print(f"Largest difference {difference:.0e}, risk {risks[0]:.3f} -> {risks[-1]:.0e};")
print(f"an image of zeros would have {zeros_risk:.0e}.")
assert difference < 0.005

# %%
# The kernel, and what it makes of the photograph, on the way.

steps = [0, 5, 20, 200]
fig, axes = plt.subplots(2, 4, figsize=(4.8, 2.8))
for (upper, lower), t in zip(axes.T, steps, strict=True):
    shown = kernels[t].round(decimals=1) + 0.0  # + 0.0 makes -0 a 0
    plots.cells(upper, shown, limit=0.5, number_format="{:.1f}".format)
    plots.image(lower, outputs[t], kind="signed", limit=0.5)
    upper.set_title(f"step {t}")
fig.alt_text = (
    "Four kernels and four images: random weights that see horizontal edges at step 0, "
    "the edge filter and vertical edges at step 200."
)
plt.show()

# %%
# The risk falls by eight powers of ten. Does it always find the filter? The same from a
# piece of even sky:

kernels, _, risks, zeros_risk = learn_edge(0, 0)
difference = (kernels[-1] - edge).abs().max()
print(f"Risk {risks[-1]:.0e}, and a weight is off by {difference:.1f};")
print(f"an image of zeros would have {zeros_risk:.0e}.")
assert difference > 0.3
assert risks[-1] > zeros_risk

# %%
# A risk of 0.00002 looks like success, and is worse than that of an image of zeros: the
# sky hardly has an edge to be wrong about. Where neighbors are nearly equal, so are the
# nine gradients: in 200 steps the weights have moved together, and the differences
# between them stay about as they were drawn. Compare a risk with that of the simplest
# answer before you call it small.
#
# What to remember
# ----------------
# - Forward, a weight times a pixel goes into a sum. Backward, the weight gets
#   :math:`\delta` times the pixel and the pixel :math:`\delta` times the weight, over
#   all sums in which they met.
# - Gradient of the kernel, with stride 1: a convolution of the image with
#   :math:`\delta`. That of the bias: the sum of :math:`\delta`.
# - Gradient of the image, with stride 1: a convolution of :math:`\delta`, padded with
#   zeros, with the kernel turned by half a turn. The turn is a minus sign in an index.
# - Channels add sums. A stride leaves gaps: zeros between the :math:`\delta`, and
#   stamps that stand apart.
# - Max-pooling hands :math:`\delta` to the largest value of the window, and 0 to the
#   others.
# - With these gradients a kernel finds its filter from examples, quickly where they
#   show edges, hardly where they show none.
#
# **Try this.** Hide another filter of lesson 1.2, the Laplacian, and let the kernel
# find it. Then hide a 5 × 5 filter and let nine weights do what they can: where does
# the risk stop falling, and what does the kernel look like?
#
# **Read on.** The convolution that runs backward, with padding and stride, in pictures:
# :cite:`dumoulin2016`.

r"""
3.7 Faster and wider
====================

A network, a set of digits, one function ``fit``. Its sums can be written in several
ways, and run on one thread or on two, in two processes that share the work, perhaps on
a graphics processor. **Do they all learn the same, and which of them is worth it?**

*After this lesson you can* say where the time of a formula goes, cut a batch among
several workers and put their gradients together without an error, start such a run with
one command, and say from two numbers when a faster device pays.

*Time*: 45 minutes. *Before*: lessons 1.3, 3.4 and 3.5.
"""

# %%
# The same sum, four times
# ------------------------
# Before you buy a faster machine, look at how the sum is written. A convolution is one
# formula (lesson 1.2, here with channels :math:`c` and several kernels :math:`o`),
#
# .. math:: y_{ofg} = \sum_{c,v,w} K_{ocvw} \; x_{c,\,f+v,\,g+w} ,
#
# and many programs. Here it is as it stands, in six loops, three over the output and
# three over what a kernel sees.

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from glassbox import datasets, models, nn, optim, plots, training

plots.style.use()


def six_loops(x, K):
    (filters, channels, kh, kw), (_, H, W) = K.shape, x.shape
    y = torch.zeros(filters, H - kh + 1, W - kw + 1, dtype=x.dtype)
    for o, f, g in torch.cartesian_prod(*map(torch.arange, y.shape)).tolist():
        for c in range(channels):
            for v in range(kh):
                for w in range(kw):
                    y[o, f, g] += K[o, c, v, w] * x[c, f + v, g + w]
    return y


# %%
# The loops over the output need not be written: what *all* windows have at one place of
# the kernel, a **tap**, is a slice of the image. And with each window laid out as a
# column and each kernel as a row, all sums are a single product of two matrices.


def over_taps(x, K):
    kh, kw = K.shape[2:]
    h, w = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    y = 0
    for v in range(kh):
        for u in range(kw):
            seen = x[:, v : v + h, u : u + w].flatten(1)
            y = y + (K[:, :, v, u] @ seen).view(-1, h, w)
    return y


def columns(x, K):
    windows = x.unfold(1, K.shape[2], 1).unfold(2, K.shape[3], 1)
    seen = windows.permute(0, 3, 4, 1, 2).flatten(0, 2).flatten(1)
    return (K.flatten(1) @ seen).view(len(K), *windows.shape[1:3])


# %%
# The same numbers, by the same multiplications. Count what each asks of PyTorch.
#
# .. predict:: four-ways


class Calls(TorchDispatchMode):
    """Count the operations that PyTorch is asked for."""

    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


torch.manual_seed(0)
x, K = torch.randn(3, 8, 8).double(), torch.randn(4, 3, 3, 3).double()
expected = torch.nn.functional.conv2d(x, K)
asked = {}
for way in (six_loops, over_taps, columns):
    with Calls() as calls:
        y = way(x, K)
    torch.testing.assert_close(y, expected)
    asked[way.__name__] = calls.count
    print(f"{way.__name__:9} {calls.count:6,} operations")
assert asked["six_loops"] > 1000 * asked["columns"]

# %%
# Seconds belong to a machine, so these are *recorded*, with the programs of the page
# :ref:`same-sum`, which ask for slightly more operations. A fourth way takes one *row*
# of the kernel at a time: one product of matrices for each, over windows of one row, so
# that each pixel is copied once for each weight of a row. PyTorch's own stands beside.
# Each is a point: what it asks for, and how long it takes.

ways = datasets.recorded("same_sum")
cost = ways.to_frame()
print(f"{ways}: {ways.made_with['command']}")
print(cost.to_string())
slow, quick = cost.loc["six loops"], cost.loc["columns"]
ratio = slow["microseconds"] / quick["microseconds"]
print(f"Columns are {ratio:,.0f} times as fast as loops.")
assert ratio > 1000

# %%
fig, ax = plt.subplots(figsize=(4.8, 4.0))
ax.set(xscale="log", yscale="log", xlim=(1.2, 4e5), ylim=(3, 2e5))
ax.plot(cost["calls"], cost["microseconds"], "o", color=plots.style.BLUE, markersize=9)
for name, (calls, microseconds) in cost.iterrows():
    far = calls > 1e4
    ax.annotate(
        name,
        (calls, microseconds),
        (-9 if far else 9, -3),
        textcoords="offset points",
        ha="right" if far else "left",
        va="center",
    )
ax.set(xlabel="operations asked of PyTorch", ylabel="microseconds")
ax.set_title(f"one convolution of 3 × 8 × 8\nrecorded: {ways}", fontsize=10)
fig.alt_text = (
    "Microseconds against the number of operations, both logarithmic: six loops far in "
    "the upper right; taps, rows, columns and PyTorch's own at the lower left; all "
    "five near one rising line."
)
plt.show()

# %%
# **One formula, one machine, one thread, and a factor of thousands**, if PyTorch is
# asked for each number by itself. On an image as small as this the points lie near a
# line: what costs is *asking*. The multiplications are the same for all, and hardly
# matter.
#
# With many channels the numbers themselves count, and where they lie in memory. A
# processor fetches a line of neighbors at a time, and keeps what it used last close at
# hand, in its **cache**: to read along a row and to use a number again soon is cheap,
# to jump about and to copy is not. Columns copy each pixel up to nine times.
# Milliseconds with the gradients, 16 images of 28 × 28, for more and more channels:

larger = datasets.recorded("convolution_ways")
table = larger.to_frame()
print(f"{larger}: {larger.made_with['command']}")
print(table.to_string())
ratio = table["columns"] / table["rows"]
print(f"Columns take {ratio.min():.1f} to {ratio.max():.1f} times as long as rows.")
assert (ratio.loc[4:] > 1).all()
assert (table.idxmax(axis=1).loc[:4] == "torch").all()
assert (table.idxmin(axis=1).loc[8:] == "torch").all()

# %%
# From 4 channels on the rows are ahead of the columns: copying whole windows costs more
# than it saves. PyTorch's own is the slowest up to 4 channels here, and the fastest
# from 8 on. All four ways are written out, with the bytes that each one moves, on the
# page :ref:`same-sum`.
#
# **How often is a byte used?** A dense layer multiplies each weight once for each
# example: inputs × outputs × :math:`|B|` multiplications. But each weight, four bytes,
# is fetched only once for the whole batch, if the product is arranged well. PyTorch
# counts for us, for a layer of the size of ``fc1`` in lesson 3.6:

from torch.utils.flop_counter import FlopCounterMode  # one multiply-add is two flops

dense = nn.Linear(512, 64, bias=False)
held = dense.weight.nbytes
for size in (1, 50):
    with FlopCounterMode(display=False) as flops:
        dense(torch.zeros(size, 512))
    count = flops.get_total_flops() // 2
    print(f"batch of {size:2}: 512 x 64 x {size} = {count:,} multiplications,")
    print(f"   {held:,} bytes of weights, {count / held:g} multiplications for each")
    assert count == 512 * 64 * size

# %%
# That is the second reason for batches, beside the price of asking: where the weights
# come from memory a single example mostly waits for them, and a batch shares the wait.
#
# The work shared: two halves of a batch
# --------------------------------------
# The risk of a batch :math:`B` is a mean over its examples, and so is its gradient. Cut
# the batch into parts :math:`B_1, \dots, B_W`, one for each **worker**. Worker
# :math:`w` knows the mean :math:`g_w` over its own part. Then
#
# .. math:: \nabla R = \frac{1}{|B|} \sum_{i \in B} \nabla R^i
#    = \sum_{w=1}^{W} \frac{|B_w|}{|B|} \; g_w,
#
# .. math:: g_w = \frac{1}{|B_w|} \sum_{i \in B_w} \nabla R^i .
#
# If all parts have the same size, every factor is :math:`1/W`: *the mean of the
# workers' gradients is the gradient.* By hand, on ten digits, in double precision:

train, test = datasets.mnist("train"), datasets.mnist("test")
print(f"Digits: {train.source}.")
torch.manual_seed(0)
network = models.SmallCNN().double()
images, labels = train.images[:10].double(), train.labels[:10]


def gradient(rows):
    """Return the gradient of the mean loss over some rows, as one long list."""
    network.zero_grad()
    nn.CrossEntropyLoss()(network(images[rows]), labels[rows]).backward()
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


whole = gradient(slice(0, 10))
first, second = gradient(slice(0, 5)), gradient(slice(5, 10))
difference = (whole - (first + second) / 2).abs().max()
print(f"{len(whole):,} gradients; 5 + 5 digits: largest difference {difference:.0e}.")
assert difference < 1e-14

# %%
# Now one worker has seven digits and the other three. The mean of two means over
# unequal counts is *not* the mean of all: it counts each of the three as much as two
# and a third of the seven. Weighted by count, it is.

seven, three = gradient(slice(0, 7)), gradient(slice(7, 10))
plain, weighted = (seven + three) / 2, (7 * seven + 3 * three) / 10
for name, estimate in {"plain mean": plain, "weighted by count": weighted}.items():
    difference = (whole - estimate).abs().max()
    print(f"7 + 3 digits, {name}: largest difference {difference:.0e}.")
assert (whole - weighted).abs().max() < 1e-14
assert (whole - plain).abs().max() > 1e-3

# %%
# Two of the gradients, those of two biases of the last layer, as arrows. The workers
# point to different sides. Only the weighted mean has its tip on the gradient of the
# whole batch, which is the cross.

pair = (whole[-10:] - plain[-10:]).abs().topk(2).indices - 10
fig, ax = plt.subplots(figsize=(4.8, 3.4))
arrows = {
    "seven": seven,
    "three": three,
    "weighted": weighted,
    "plain": plain,
}
plots.named_arrows(ax, {name: vector[pair] for name, vector in arrows.items()})
ax.plot(*whole[pair], "x", color=plots.style.INK, markersize=12, markeredgewidth=2.5)
one, other = (int(index) + 10 for index in pair)
ax.set(xlabel=f"derivative by the bias of digit {one}", title="means of 7 + 3 digits")
ax.set_ylabel(f"derivative by the bias of digit {other}")
fig.alt_text = (
    "Arrows of two components of the gradient: that of seven digits, that of three, "
    "their plain mean, and their weighted mean, which ends on the cross of the whole."
)
plt.show()

# %%
# ``fit`` does this by itself. PyTorch's launcher starts :math:`W` **processes**,
# programs with a memory of their own. Each draws the same batch and sends its part
# through the network. They tell each other their scores, so that each knows the loss of
# the whole batch, and each computes its share :math:`\tfrac{|B_w|}{|B|} \, g_w`. These
# shares should be added. PyTorch takes their mean instead, which divides by :math:`W`,
# so each multiplies its share by :math:`W` first:
#
# .. math:: \frac{1}{W} \sum_{w=1}^{W} \frac{W\, |B_w|}{|B|} \; g_w = \nabla R .
#
# So all take the same step, from the same weights. The command ``glassbox train`` calls
# ``fit``. On your computer, type it into a terminal:
#
# .. code-block:: bash
#
#    python -m torch.distributed.run --standalone --nproc-per-node 2 \
#        -m glassbox train --model mlp --images 6000 --epochs 1
#
# Here Python types it, and asks for the weights and the log as files.

settings = {"images": 6000, "epochs": 1, "batch-size": 50, "learning-rate": 0.003}
launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
environment = os.environ | {"OMP_NUM_THREADS": "1"}
if sys.platform == "win32":  # PyTorch for Windows comes without libuv
    environment["USE_LIBUV"] = "0"

with tempfile.TemporaryDirectory() as folder:
    options = [f"--{name}={value}" for name, value in settings.items()]
    options += ["--model=mlp", "--seed=0", "--device=cpu"]
    files = [f"--save={folder}/weights.safetensors", f"--log-file={folder}/log.jsonl"]
    command = [sys.executable, "-m", *launcher, "-m", "glassbox", "train"]
    done = subprocess.run(
        [*command, *options, *files],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the two processes ended with an error:\n{done.stderr}")
    rows = Path(folder, "log.jsonl").read_text().splitlines()
    epoch, last = (json.loads(row) for row in rows)
    from safetensors.torch import load_file

    by_two = load_file(f"{folder}/weights.safetensors")

print(done.stdout.splitlines()[0])
print(f"{epoch['steps']} steps, loss {epoch['loss']:.4f}")
print(f"{last['test_accuracy']:.2%} of the test digits right")

# %%
# Only the first of the two prints. At each step they send each other every gradient,
# and ten scores for each image.
#
# **Do all learn the same?** The same ``fit`` in this process: the same seed, the same
# digits. A **thread** shares the memory of its process: two of them cut the sums inside
# one operation in two. Nothing is to be sent, but each operation has to start and join
# both.


def train_here(device="cpu", threads=1, epochs=1, seed=0, nudge=0.0):
    """Do what the command does, in this process."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    model = models.MLP(28 * 28, 64, 10)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 1 + nudge
    history = training.fit(
        model,
        train[: settings["images"]],
        optimizer=lambda parameters: optim.Adam(
            parameters, lr=settings["learning-rate"]
        ),
        epochs=epochs,
        batch_size=settings["batch-size"],
        seed=seed,
        device=device,
    )
    torch.set_num_threads(before)
    return model, history


runs = {"one thread": train_here(), "two threads": train_here(threads=2)}
if torch.cuda.is_available():
    runs["GPU"] = train_here("cuda")
else:
    print("There is no CUDA device here: the row of the GPU is missing.")

reference = runs["one thread"][0].state_dict()


def compare(weights, loss):
    """Return the loss, and the largest difference of a weight from one thread."""
    gaps = [(weights[name].cpu() - reference[name]).abs().max() for name in reference]
    return {"loss": f"{loss:.6f}", "largest difference": f"{max(gaps):.0e}"}, max(gaps)


table, gaps = {}, {}
for name, (model, history) in runs.items():
    table[name], gaps[name] = compare(model.state_dict(), history[-1].loss)
table["two processes"], gaps["two processes"] = compare(by_two, epoch["loss"])
print(pd.DataFrame(table).T.to_string())
assert max(gaps.values()) < 1e-3
assert abs(epoch["loss"] - runs["one thread"][1][-1].loss) < 1e-3

# %%
# The rule of learning is the same for all. What differs is the *order* in which numbers
# are added up, and so the last digit of a sum in single precision. How far had the
# weights moved? Against that the differences vanish.

torch.manual_seed(0)
start = models.MLP(28 * 28, 64, 10).state_dict()
moved = max((reference[name] - start[name]).abs().max().item() for name in start)
print(f"Training moved a weight by up to {moved:.2f};")
print(f"two processes differ from one by up to {gaps['two processes']:.0e}.")
assert gaps["two processes"] < moved / 100

# %%
# Does it stay so? Change the last digit of every weight at the *start*, on one thread,
# and let the two runs go on for 20 epochs. Two such pairs:

for seed in (0, 1):
    two = [train_here(epochs=20, seed=seed, nudge=nudge)[0] for nudge in (0.0, 2**-23)]
    weights, others = (model.state_dict() for model in two)
    gap = max((weights[name] - others[name]).abs().max().item() for name in weights)
    correct = [training.evaluate(model, test).accuracy for model in two]
    print(f"start {seed}: weights differ by up to {gap:.0e},", end=" ")
    print(f"{correct[0]:.1%} and {correct[1]:.1%} right")
    assert gap > 0
    assert abs(correct[0] - correct[1]) < 0.01

# %%
# Each step takes the differences of the step before with it. They may stay small. Where
# the sum of a unit is almost 0, a last digit may decide whether ReLU passes it, and
# then they may grow: when, if at all, is chance. What does change between two runs is
# then the weights, and not the quality, as with two orders of the images.
#
# One layer needs more talk. ``BatchNorm2d`` (lesson 3.6) takes a mean over the *batch*,
# and a worker knows only its part. Each with a mean of its own would train another
# network than one process trains, so ``fit`` adds up their sums within the layer.
#
# Two numbers tell the speed
# --------------------------
# A step has two kinds of cost. A **fixed** cost :math:`a`: start every operation,
# run the Python between them, send the gradients. And a cost :math:`b` **per image**:
# the arithmetic. For a batch of :math:`B` images,
#
# .. math:: t(B) = a + b B, \quad \text{images per second} = \frac{B}{a + b B} .
#
# Seconds belong to a machine. These are *recorded* on another one: milliseconds per
# step of ``SmallCNN``, the best of five epochs, for batches of 2 to 2,048 images.
#
# .. predict:: two-threads

run = datasets.recorded("step_time")
recorded = run.to_frame()
batches = recorded.index.tolist()
print(recorded.to_string())
print("To record them on your machine:", run.made_with["command"])


def step_milliseconds(batch_size, device="cpu", steps=20):
    """Measure one step of fit, the best of five epochs: noise serves as digits."""
    noise = torch.rand(steps * batch_size, 1, 28, 28)
    answers = torch.randint(10, (len(noise),))
    history = training.fit(
        models.SmallCNN(),
        (noise, answers),
        epochs=5,
        batch_size=batch_size,
        device=device,
    )
    return 1000 * min(row.seconds for row in history) / steps


def fixed_and_per_image(milliseconds):
    """Fit t = a + b B so that the *relative* errors are small, by least squares."""
    B, t = milliseconds.index.to_numpy(float), milliseconds.to_numpy()
    a, b = np.linalg.lstsq(np.stack([1 / t, B / t], axis=1), np.ones(len(t)))[0]
    return a, b


# %%
# To see your own machine in the figure, set ``measure_mine`` to True: a GPU if you have
# one, else your processor. It takes a minute.

measure_mine = False
if measure_mine:
    mine = "cuda" if torch.cuda.is_available() else "cpu"
    times = [step_milliseconds(B, mine) for B in batches]
    recorded[f"mine: {mine}"] = times
assert step_milliseconds(2, steps=2) > 0  # the measurement itself works

costs = {name: fixed_and_per_image(times) for name, times in recorded.items()}
machine = f"{run.made_with['machine']}, two cores, {run.made_with['date']}"
print(f"Recorded on {machine}:")
for name, (a, b) in costs.items():
    print(f"{name:14} a = {a:5.2f} ms, b = {b:.4f} ms, a / b = {a / b:,.0f} images")

# %%
fig, ax = plt.subplots(figsize=(4.8, 4.2))
ax.set(xscale="log", yscale="log", ylabel="images per second", title=machine)
fine = np.geomspace(2, 2048, 40)
lines = {
    name: pd.Series(1000 * fine / (a + b * fine), fine)
    for name, (a, b) in costs.items()
}
plots.curves(ax, pd.DataFrame(lines).rename_axis("images in a batch"), markers=False)
for times, color in zip(recorded.T.to_numpy(), plots.style.SERIES, strict=False):
    ax.plot(batches, 1000 * np.array(batches) / times, "o", color=color)
ax.set_xticks(batches, [f"{B:,}" for B in batches])
ax.minorticks_off()
fig.alt_text = (
    "Recorded images per second against the batch size: all curves first rise in "
    "proportion to the batch, then bend; the dots of one thread fall again at the end, "
    "those of two threads a little."
)
plt.show()

# %%
measured = recorded.iloc[:, :3]
predicted = pd.DataFrame(
    {n: costs[n][0] + costs[n][1] * measured.index for n in measured}
)
error = (predicted.to_numpy() / measured - 1).abs().max().max()
print(f"The two numbers predict every recorded time within {error:.0%}.")
assert error < 0.5

# %%
# Two regimes. With small batches the fixed cost rules: twice the images cost nearly the
# same time, and the curve rises with a slope of nearly one. With large batches the
# arithmetic rules, and the *line* levels off below :math:`1/b`. The bend is at :math:`B
# = a/b`, where both cost the same. The dots leave the line: here one thread is slower
# again at the end, and two threads a little. Two numbers are a model, and it knows
# nothing of a cache.

per_second = 1000 * recorded.index.to_numpy() / recorded["one thread"]
print(f"One thread: {per_second[512]:,.0f} images a second with batches of 512,")
print(f"{per_second[2048]:,.0f} with batches of 2,048.")
assert per_second[2048] < 0.9 * per_second[512]

# %%
# **How much faster can many workers be?** They share the arithmetic and not the rest:
# with :math:`W` of them a step takes :math:`a' + b B / W`, where :math:`a'` holds what
# sending the gradients costs. However many they are, the **speed-up**, the time of one
# over the time of all, stays below :math:`(a + b B) / a'`. From the two fits:

B = 512
a, b = costs["one thread"]
a_sent = costs["two processes"][0]
print(f"Batches of {B}: {a + b * B:.1f} ms alone, {b * B:.1f} of them can be shared;")
print(f"with processes {a_sent:.1f} ms are not shared.")
for W in (2, 4, 8):
    step = a_sent + b * B / W
    print(f"{W} workers: {step:4.1f} ms, speed-up {(a + b * B) / step:.2f}")
print(f"any number: less than {(a + b * B) / a_sent:.2f}")

# %%
# What does a GPU need to be worth it?
# ------------------------------------
# A GPU has thousands of small arithmetic units, which promises a much smaller
# :math:`b`. But every operation must be sent over to it, and that goes into :math:`a`.
# It overtakes the processor where :math:`a' + b' B < a + b B`, that is, if
# :math:`b' < b`, for
#
# .. math:: B > \frac{a' - a}{b - b'} .
#
# So if its :math:`a'` is the larger, it needs large batches, or a network with much
# arithmetic in each operation: many channels, large images. A small product leaves most
# of its units without work. To lower :math:`a`, ``fit`` records the whole step once and
# replays it as one (a *CUDA graph*). **No GPU has been recorded for this page**: in a
# checkout of the project, on a machine with a CUDA device, ``make check-gpu`` measures
# its curve.
#
# The same inequality holds for a second thread or process: it lowers :math:`b`, and
# starting or sending adds to :math:`a`. From the two numbers of the fit, and from what
# was recorded:

names = list(recorded)[:3]
a, b = costs[names[0]]
for name in names[1:]:
    a_new, b_new = costs[name]
    wins = recorded.index[recorded[name] < recorded[names[0]]]
    assert b_new < b
    print(
        f"{name}: the fit says from B = {max(0.0, (a_new - a) / (b - b_new)):.1f} on;"
    )
    print(f"   recorded as faster with {', '.join(f'{B:,}' for B in wins)} images.")

# %%
# The fixed costs of one thread and of two differ by less than the fit errs, so where
# two threads begin to pay it cannot say. Recorded, the gain is clear from 128 on.
#
# What to remember
# ----------------
# - One formula is many programs. The same multiplications, asked for in a few large
#   operations instead of number by number, were done hundreds to thousands of times as
#   fast here.
# - A dense layer uses each weight that it fetches once for each example: many times for
#   a batch.
# - The gradient of a batch is the mean over its parts, each weighted by its count. With
#   equal parts it is the mean of the workers' gradients.
# - Threads, processes and devices change the order of a sum, and so the last digit, not
#   the rule. In some runs the last digit grows, to other weights that are no worse.
# - A step costs :math:`a + bB`: a fixed part, and a part per image. Small batches pay
#   the first, large ones the second. Workers share only the second, so that the first
#   bounds the speed-up.
# - A faster device lowers :math:`b`. If its :math:`a` is larger, by more than the fit
#   errs, you can compute from which batch size on it pays.
#
# **Try this.** Set ``"batch-size"`` to 51: what are the parts of the two processes, and
# do the weights still agree with those of one? Then set ``measure_mine``, and take
# ``DigitCNN`` in place of ``SmallCNN``: which of the two numbers changes more?

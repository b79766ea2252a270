"""Make .venv ready: uv from the bootstrap lock, the locked packages, then Glassbox itself, editable.

`make setup` runs this file with the Python that it finds; nothing but the standard library is needed. Whatever goes
wrong ends in one line that says what to do; the installers' own words are kept in `.venv/install.log`.

`TORCH` in the environment names another build of PyTorch than that of the lock, as uv's `--torch-backend` does: `cpu`,
`cu130`... The versions stay those of the lock, and its hashes guard everything else. Later calls keep to it.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
LOG = ENVIRONMENT / "install.log"
READY = ENVIRONMENT / "ready"  # make compares its date with the locks'
BIN = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
OLDEST_PYTHON = (3, 11)
NEEDED_GIGABYTES = 8  # torch for Linux brings CUDA's libraries: 6.7 GB were measured
TORCH = ("torch", "torchvision")  # a pair
OF_CUDA = ("cuda-", "nvidia-", "triton")  # what PyPI's torch for Linux brings along

# What the installers print, and what it means for the reader.
CAUSES = {
    "No space left on device|os error 28": "the disk is full: free some space, or move the project to a larger disk",
    "(?i)hash(es)? mismatch|do not match the hashes": (
        "a downloaded package is not the locked one: run it again, and if that repeats, do not install it"
    ),
    r"No matching distribution|error sending request|client error \(Connect\)|dns error|Connection|timed out": (
        "the package registry cannot be reached or lacks a locked version: check the network, then run it again"
    ),
}


def stop(reason):
    """End with one line."""
    sys.exit(f"glassbox setup: {reason}")


def check_python_and_disk():
    """Refuse what cannot work before anything is written."""
    if sys.version_info < OLDEST_PYTHON:
        found = "{}.{}".format(*sys.version_info)
        stop(f"Python 3.11 or later is needed and this is {found}: try `make setup PYTHON=python3.12`")
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if not READY.exists() and free < NEEDED_GIGABYTES:
        stop(f"the disk is nearly full: {NEEDED_GIGABYTES} GB are needed, {free:.1f} GB are free")


def run(step, *command):
    """Run one installer, its words into the log; if it fails, say why in one line."""
    print(f"glassbox setup: {step}", flush=True)
    with LOG.open("a", encoding="utf-8") as log:
        start = log.tell()
        failed = subprocess.call([str(part) for part in command], stdout=log, stderr=log)
    if failed:
        said = LOG.read_text(encoding="utf-8", errors="replace")[start:]
        cause = next((cause for sign, cause in CAUSES.items() if re.search(sign, said)), "see the end of the log")
        stop(f"{step} failed: {cause} (log: {LOG.relative_to(ROOT)})")


def without_torch(lock):
    """Return the lock without torch and what it brings along, and the lines that pin torch and torchvision."""
    entries = re.split(r"\n(?=[a-z0-9])", lock.strip())
    pins = [entry.split(" \\", 1)[0] for entry in entries if entry.split("==")[0] in TORCH]
    kept = [entry for entry in entries if entry.split("==")[0] not in TORCH and not entry.startswith(OF_CUDA)]
    return "\n".join(kept) + "\n", pins


def main():
    """Install, step by step."""
    check_python_and_disk()
    before = READY.read_text(encoding="utf-8") if READY.exists() else None
    backend = os.environ.get("TORCH") or before or ""
    try:
        if before not in (None, backend) or (not (BIN / "pip").exists() and not (BIN / "pip.exe").exists()):
            venv.create(ENVIRONMENT, with_pip=True, clear=ENVIRONMENT.exists())
    except (OSError, subprocess.CalledProcessError) as error:
        stop(f"cannot create .venv ({error}); on Debian and Ubuntu, `apt install python3-venv` first")
    LOG.write_text("", encoding="utf-8")
    locks = ROOT / "requirements"
    python, uv = BIN / "python", BIN / "uv"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run("installing uv", *pip, "--require-hashes", "-r", locks / "bootstrap.txt")
    # Bytecode now, or every later start compiles torch anew where PYTHONDONTWRITEBYTECODE is set.
    install = (uv, "pip", "install", "--python", python, "--compile-bytecode")
    lock = locks / "dev.txt"
    if backend:
        rest, pins = without_torch(lock.read_text(encoding="utf-8"))
        lock = ENVIRONMENT / "without-torch.txt"
        lock.write_text(rest, encoding="utf-8")
    run("installing the locked packages (a minute or more)", *install, "--require-hashes", "-r", lock)
    if backend:
        run(f"installing {' and '.join(pins)} for {backend}", *install, "--torch-backend", backend, "--no-deps", *pins)
    run("installing glassbox, editable", *install, "--no-deps", "-e", ROOT)
    READY.write_text(backend, encoding="utf-8")


if __name__ == "__main__":
    main()

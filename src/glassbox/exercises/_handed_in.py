"""One notebook that was handed in, run apart: what `glassbox.exercises.grading` starts as a process of its own.

It reads a job as JSON from its input and writes a line of JSON for each answer that reaches `check`. It judges
nothing: a notebook that tampers with this process can spoil its own answers only.
"""

from __future__ import annotations

import builtins
import json
import os
import site
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from glassbox import exercises
from glassbox.exercises.judging import Outcome, outcomes
from glassbox.exercises.reading import Unreadable

# What Python tells of itself (PEP 578) and a notebook has no need of: other programs, the network, foreign code.
REFUSED = (
    *("os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.posix_spawn", "os.spawn", "os.startfile"),
    *("os.system", "pty.spawn", "signal.pthread_kill", "subprocess.Popen", "socket.", "ctypes.", "webbrowser.open"),
)
CHANGES = (
    *("os.chflags", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr", "os.rename"),
    *("os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime", "shutil.chown", "shutil.move"),
    *("shutil.rmtree", "sqlite3.connect"),
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


# What programs read of a system, none of it a person's: libraries, fonts, the time zone, the hardware.
SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache"),
    *("/etc/localtime", "/sys", "/System/Library", "/Library/Fonts", os.environ.get("SYSTEMROOT", "")),
)


def readable() -> list[str]:
    """Return the folders that a notebook needs: those of Python, of the package and of its data, and the system's."""
    import pooch

    import glassbox

    found = [sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages(), *glassbox.__path__]
    found += [os.environ.get("GLASSBOX_DATA", ""), pooch.os_cache("glassbox"), *SYSTEM]
    named = [os.path.abspath(os.path.expanduser(path)) for path in found if path]
    return [path for path in dict.fromkeys([*named, *map(os.path.realpath, named)]) if os.path.exists(path)]


def keep_inside(folder: Path, refused: list[str]) -> None:
    """Refuse from now on, for good, what reaches out of the folder, and note it: a cell may catch the error.

    Outside the folder, what a notebook needs may be read.
    """
    own = (os.path.realpath(folder), os.devnull)
    process = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys", f"/proc/{os.getpid()}", "/dev/urandom")
    installed = tuple(map(os.path.realpath, readable()))
    needed = (*own, *process, *installed)

    def within(path: Any, roots: tuple[str, ...] = own) -> bool:
        path = os.fsdecode(path)
        if not os.path.isabs(path) and os.pardir in Path(path).parts:  # it may begin at any open folder
            return False
        real = os.path.realpath(path)
        return any(real == root or real.startswith(root + os.sep) for root in roots)

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            # A folder that is open would be a way to what is in it, and to what may not be written there.
            shut = not isinstance(path, int) and (flags & WRITING or os.path.isdir(path))
            outside = not isinstance(path, int) and not within(path, own if shut else needed)
        elif event in ("os.listdir", "os.scandir"):
            outside = not isinstance(arguments[0], int | None) and not within(arguments[0], needed)
        elif event == "ctypes.dlopen":  # a package loads its own library; what is in it stays refused
            outside = not isinstance(arguments[0], str) or not within(arguments[0], installed)
        elif event in CHANGES:
            paths = [value for value in arguments if isinstance(value, str | bytes | os.PathLike)]
            directories = [value for value in arguments[1:] if isinstance(value, int) and value > 2]
            outside = bool(directories and event in ("os.remove", "os.rmdir")) or not all(map(within, paths))
        else:
            outside = event.startswith(REFUSED)
        if outside:
            refused.append(event)
            raise PermissionError(f"a notebook that is graded may not do this: {event}")

    sys.addaudithook(guard)


def limit(seconds: int, gigabytes: float) -> None:
    """Bound the process's time, memory and the size of its files, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: time is bounded from outside
        return
    pages = Path("/proc/self/statm")
    used = int(pages.read_text().split()[0]) * resource.getpagesize() if pages.exists() else 0
    room = used + int(gigabytes * 1e9)
    for name, bound in (("CPU", seconds + int(time.process_time()) + 1), ("FSIZE", 10**8), ("CORE", 0), ("AS", room)):
        try:
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (bound, bound))
        except (AttributeError, OSError, ValueError):  # macOS bears no bound on memory
            continue


def plain(outcome: Outcome) -> dict[str, Any]:
    """Write an outcome in words and numbers alone."""
    if isinstance(outcome, Unreadable):
        return {"unreadable": str(outcome)[:300]}
    return {
        part: value if isinstance(value, str) else {"shape": list(value.shape), "numbers": value.flatten().tolist()}
        for part, value in outcome.items()
    }


def run(cells: list[list[Any]], answers: TextIO, refused: list[str]) -> None:
    """Run the cells one after the other; an error ends its cell, not the notebook.

    `refused` is what the guard has refused so far; what a cell adds to it is told with the cell's number.
    """

    def tell(row: dict[str, Any]) -> None:
        answers.write(json.dumps(row) + "\n")
        answers.flush()

    def check(name: Any, answer: Any) -> exercises.Verdict:
        if name in exercises.EXERCISES:
            tell(
                {
                    "exercise": name,
                    "outcomes": [plain(outcome) for outcome in outcomes(exercises.EXERCISES[name], answer)],
                }
            )
        return exercises.Verdict(str(name), True, "received.")

    exercises.check = check
    names = {"__name__": "__main__", "display": print}
    for number, source in cells:
        tell({"at": number})  # the first of these begins its time
        before = len(refused)
        try:
            exec(compile(source, f"<cell {number}>", "exec"), names)
        except BaseException as error:
            tell({"cell": number, "error": f"{type(error).__name__}: {error}"[:160]})
        if refused[before:]:
            tell({"cell": number, "refused": refused[before]})
    tell({"at": None})


def main() -> None:
    """Run the notebook that comes as JSON: its cells, and the bounds to keep."""
    job = json.loads(sys.stdin.buffer.read())
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    for module in ("matplotlib.pyplot", "numpy", "pandas", "torch.nn.functional", "glassbox.plots"):
        builtins.__import__(module)  # what is loaded from C needs ctypes, which is refused from here on
    sys.dont_write_bytecode = True
    limit(job["seconds"], job["gigabytes"])
    refused: list[str] = []
    keep_inside(Path.cwd(), refused)
    run(job["cells"], answers, refused)


if __name__ == "__main__":
    main()

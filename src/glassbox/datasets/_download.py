"""Downloads that end soon when they fail, and leave either a whole file or none."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from pathlib import Path

PATIENCE = 6.0  # seconds after which a server that sends nothing, or next to nothing, is given up
SLOWEST_RATE = 20_000  # bytes per second


def retrieve(url: str, md5: str, folder: Path) -> Path:
    """Let pooch download a file into a folder; give up when next to nothing comes in.

    The time-out of a request alone would not do: it holds for each address of a host, of which there may be eight; it
    does not hold for the look-up of the host's name; and a server that sends a byte now and then never meets it.

    Parameters
    ----------
    url : str
        The file's address.
    md5 : str
        The MD5 sum that it must have.
    folder : Path
        Where to put it, under the name that it has in the address.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConnectionError
        If it cannot be had. The message says why in a few words.
    """
    import pooch
    import requests

    received = 0
    given_up = threading.Event()
    outcome: Future[str] = Future()

    def download(url: str, output_file: str, _: object) -> None:
        nonlocal received
        with requests.get(url, stream=True, timeout=PATIENCE) as response, open(output_file, "wb") as target:
            response.raise_for_status()
            for chunk in response.iter_content(8192):
                if given_up.is_set():
                    return
                received += target.write(chunk)

    def work() -> None:
        try:
            outcome.set_result(
                pooch.retrieve(url, f"md5:{md5}", fname=url.rpartition("/")[2], path=folder, downloader=download)
            )
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()  # daemon: a look-up that hangs must not hold up the exit
    before = 0
    while not wait([outcome], timeout=PATIENCE).done:
        if received - before < PATIENCE * SLOWEST_RATE:
            given_up.set()
            raise ConnectionError(f"no answer, or next to none, in {PATIENCE:g} s")
        before = received
    try:
        return Path(outcome.result())
    except (OSError, ValueError) as error:
        raise ConnectionError(_in_words(error)) from error


def _in_words(error: OSError | ValueError) -> str:
    """Shorten what went wrong: the messages of requests fill half a screen."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.RequestException):
        return f"no connection ({type(error).__name__})"
    if isinstance(error, ValueError):
        return "what came is not the published file (its MD5 sum differs)"
    return str(error)

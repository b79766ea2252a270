"""A photograph to filter: one of two that ship with scikit-learn, or the reader's own."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glassbox.files import home_expanded

if TYPE_CHECKING:
    import PIL.Image

PHOTO_CREDITS = {
    "china": "Photo: danielbuechele, flickr.com/photos/danielbuechele/6061409035, CC BY 2.0, from scikit-learn",
    "flower": "Photo: vultilion, flickr.com/photos/vultilion/6056698931, CC BY 2.0, from scikit-learn",
}
MOST_PIXELS = 50_000_000
GRAY_WEIGHTS = (0.299, 0.587, 0.114)  # how bright red, green and blue look (ITU-R BT.601)


def photo(name_or_path: str | os.PathLike[str] = "china", *, gray: bool = True) -> Tensor:
    """Load a photograph as a batch of one image.

    Parameters
    ----------
    name_or_path : {"china", "flower"} or path
        A photograph that ships with scikit-learn, whose credit line is in ``PHOTO_CREDITS``; or an image file of your
        own. It is turned upright if the camera noted how it was held; what is transparent becomes white.
    gray : bool, default True
        One channel, 0.299 red + 0.587 green + 0.114 blue. Otherwise three.

    Returns
    -------
    Tensor
        Shape (1, 1, H, W), or (1, 3, H, W) in color; float32, 0 for black and 1 for white.

    Raises
    ------
    FileNotFoundError
        If there is no such photograph and no such file.
    ValueError
        If the file is not an image, is damaged, or has more than 50 million pixels.

    Examples
    --------
    >>> photo().shape
    torch.Size([1, 1, 427, 640])
    >>> photo("flower", gray=False).shape
    torch.Size([1, 3, 427, 640])
    """
    if name_or_path in PHOTO_CREDITS:
        from sklearn.datasets import load_sample_image

        pixels = torch.tensor(load_sample_image(f"{name_or_path}.jpg"), dtype=torch.float32) / 255
    else:
        pixels = _read_image(home_expanded(name_or_path, "the photograph"))
    if gray:
        pixels = (pixels @ torch.tensor(GRAY_WEIGHTS))[..., None].clamp(0, 1)
    return pixels.permute(2, 0, 1)[None].contiguous()


def _read_image(path: Path) -> Tensor:
    """Read any image file that Pillow knows as (H, W, 3) in [0, 1]."""
    import PIL.Image
    import PIL.ImageOps

    if not path.is_file():
        names = " or ".join(repr(name) for name in PHOTO_CREDITS)
        raise FileNotFoundError(f"there is no file {str(path)!r}; give the path of an image, or {names}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # the limit here is lower
            with PIL.Image.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise PIL.Image.DecompressionBombError
                return _to_rgb(PIL.ImageOps.exif_transpose(image))
    except PIL.Image.DecompressionBombError:
        raise ValueError(
            f"{path} has more than {MOST_PIXELS / 1e6:.0f} million pixels; make it smaller with any image program"
        ) from None
    except PIL.UnidentifiedImageError:
        raise ValueError(f"{path} is not an image that Pillow can read; try a PNG or a JPEG file") from None
    except (OSError, SyntaxError) as error:  # SyntaxError: what Pillow raises for a broken PNG
        raise ValueError(f"{path} cannot be read as an image ({error}); it is damaged or not wholly copied") from error


def _to_rgb(image: PIL.Image.Image) -> Tensor:
    import numpy as np
    import PIL.Image

    if image.mode.startswith("I"):  # 16 bits of gray, which convert("RGB") would cut at 255
        gray = torch.tensor(np.asarray(image, dtype=np.float32) / 65535).clamp(0, 1)
        return gray[..., None].expand(-1, -1, 3)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image)
    return torch.tensor(np.asarray(image.convert("RGB")), dtype=torch.float32) / 255

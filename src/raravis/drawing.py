"""The look of every figure: one style, one palette that colour-blind readers can tell apart, one way to save.

Figures are `matplotlib.figure.Figure` objects without pyplot: no window, no global state, safe in threads.
Nothing of matplotlib loads before the first figure.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from raravis import files

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#1d2a2c"
MUTED: Final = "#5d6a6c"
LINE: Final = "#dde2e0"
PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5C3E", "#4D4D4D")
"""Okabe and Ito's colours (2008), reordered, without their yellow, with a brown and a grey."""
DPI: Final = 144


def figure(width: float = 8.0, height: float = 4.5) -> Figure:
    """Make an empty figure, inches at 144 dots each, whose parts make room for one another."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    room = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    return Figure(figsize=(width, height), dpi=DPI, layout=room, facecolor="white")


def dress(axes: Axes, *, title: str = "", x: str = "", y: str = "", grid: str = "y") -> Axes:
    """Give axes the house's look and texts; `grid` is `x`, `y`, `both` or "". Returns the same axes."""
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(LINE)
    axes.tick_params(colors=MUTED, labelsize=9, length=0)
    for which in "xy":
        axes.grid(False, axis=which)  # type: ignore[arg-type]
        if grid in (which, "both"):
            axes.grid(True, axis=which, color=LINE, linewidth=0.7)  # type: ignore[arg-type]
    axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold", pad=10)
    axes.set_xlabel(x, color=MUTED, fontsize=9.5)
    axes.set_ylabel(y, color=MUTED, fontsize=9.5)
    return axes


def png(drawn: Figure) -> bytes:
    """Draw the figure as PNG bytes, the same for the same figure.

    The bytes are those of `savefig`, which draws twice: once to make room, once to keep.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.image import imsave

    canvas, stream = FigureCanvasAgg(drawn), io.BytesIO()
    canvas.draw()  # type: ignore[no-untyped-call]
    shown: Any = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    anonymous: dict[str, Any] = {"Software": None}
    imsave(stream, shown, format="png", origin="upper", dpi=drawn.dpi, metadata=anonymous)
    return stream.getvalue()


def jpeg(drawn: Figure) -> bytes:
    """Draw the figure as JPEG bytes: a tenth of the PNG where it shows photographs."""
    stream = io.BytesIO()
    drawn.savefig(stream, format="jpg", pil_kwargs={"quality": 88, "subsampling": 0})
    return stream.getvalue()


def save(drawn: Figure, path: Path) -> bytes:
    """Write the figure as PNG to `path`, whole or not at all; returns what was written.

    Raises:
        StorageError: the file cannot be written.
    """
    made = png(drawn)
    with files.atomic(path) as stream:
        stream.write(made)
    return made


def image_grid(
    images: Sequence[np.ndarray[Any, np.dtype[np.uint8]]],
    titles: Sequence[str],
    columns: int,
    subtitles: Sequence[str] = (),
    colours: Sequence[str] = (),
    side: int = 224,
) -> Figure:
    """Images in rows, each with a title above and a subtitle below it, pixel for pixel where it fits.

    Args:
        images: RGB uint8 `(H, W, 3)`, any sizes, at least one; each is fitted into a square, its shape kept.
        titles: one an image; long ones are cut.
        columns: images a row.
        subtitles: one an image, or none at all; at most two lines each, cut beyond.
        colours: of the titles, one an image, or none at all.
        side: of the squares, in pixels.

    Raises:
        ValueError: the lists differ in length, or an image is no RGB uint8.
    """
    from matplotlib.figure import Figure
    from matplotlib.transforms import IdentityTransform

    count = len(images)
    if count == 0 or len(titles) != count or len(subtitles) not in (0, count) or len(colours) not in (0, count):
        raise ValueError(
            f"An image grid needs one title (and subtitle, colour, or none) an image: {count} images, "
            f"{len(titles)} titles, {len(subtitles)} subtitles, {len(colours)} colours."
        )
    columns = min(columns, count)
    rows = -(-count // columns)
    lines = [textwrap.wrap(text, max(side // 8, 8), max_lines=2, placeholder="…") for text in subtitles]
    gap, above, below = 18, 38, 16 * max(map(len, lines), default=0) + (18 if subtitles else 0)
    wide, high = columns * (side + gap) + gap, rows * (above + side + below) + gap
    drawn = Figure(figsize=(wide / DPI, high / DPI), dpi=DPI, facecolor="white")

    def write(left: int, bottom: int, text: str, **look: Any) -> None:
        drawn.text(left, bottom, text.replace("$", r"\$"), transform=IdentityTransform(), **look)

    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        left, top = gap + column * (side + gap), high - row * (above + side + below) - above
        drawn.figimage(_fitted(image, side), left, top - side)
        title = textwrap.shorten(titles[i], max(side // 9, 8), placeholder="…")
        write(
            left,
            top + 7,
            title,
            va="bottom",
            fontsize=7.5,
            weight="bold",
            color=colours[i] if colours else INK,
        )
        if subtitles:
            write(left, top - side - 6, "\n".join(lines[i]), va="top", fontsize=7, color=MUTED)
    return drawn


def _fitted(image: np.ndarray[Any, np.dtype[np.uint8]], side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Put the image, its shape kept, centred on a light square."""
    from PIL import Image, ImageColor, ImageOps

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"RGB uint8 (H, W, 3) was expected; received {image.dtype} {image.shape}.")
    paper = ImageColor.getrgb(LINE)
    return np.asarray(ImageOps.pad(Image.fromarray(image), (side, side), Image.Resampling.LANCZOS, color=paper))

"""Makes the pictures of a folder small and writes a page that shows them all: python album.py FOLDER.

A picture keeps the colours of its surfaces, and of the others the most frequent, none too like another; each other pixel, mostly the edge of a letter, takes the nearest of them. What
is left has few colours and packs well. A picture that has been made small stays as it is.
"""

import math
import pathlib
import sys

from PIL import Image

COLOURS = 48
# From which share of a picture on a colour is a surface, and how far from each other the further colours are, in steps of red, green and blue.
SURFACE = 0.004
APART = 24
LOOKS = ["desktop-light-en", "desktop-dark-en", "phone-light-en", "phone-dark-en", "desktop-light-ko", "phone-dark-ko"]
# What all pictures together may weigh, in bytes: they stay in the repository's history.
MOST = 3_000_000

HEAD = """# The page in each of its states

`cargo xtask golden` takes these pictures: Chromium shows the page before an API that answers what the state needs. They are for people to look at; nothing compares
them, because fonts differ between machines. `--only NAME` takes some of them again.
"""


def shrink(path):
    with Image.open(path) as picture:
        if picture.mode == "P":
            return
        picture = picture.convert("RGB")
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in kept(picture) for channel in colour])
    # No dithering: flat surfaces stay flat.
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def kept(picture):
    colours = []
    pixels = picture.width * picture.height
    for count, colour in sorted(picture.getcolors(pixels), reverse=True):
        if count > SURFACE * pixels or all(math.dist(colour, other) >= APART for other in colours):
            colours.append(colour)
        if len(colours) == COLOURS:
            break
    return colours


def index(folder):
    states = sorted({path.name.split(".")[0] for path in folder.glob("*.png")})
    lines = [HEAD]
    for state in states:
        lines.append(f"\n## {state}\n\n")
        for look in LOOKS:
            path = folder / f"{state}.{look}.png"
            if path.exists():
                width = 420 if look.startswith("desktop") else 150
                lines.append(f'<img src="{path.name}" alt="{state}, {look.replace("-", ", ")}" width="{width}">\n')
    (folder / "README.md").write_text("".join(lines))


def main():
    folder = pathlib.Path(sys.argv[1])
    pictures = sorted(folder.glob("*.png"))
    if not pictures:
        sys.exit(f"no pictures in {folder}")
    for path in pictures:
        shrink(path)
    index(folder)
    size = sum(path.stat().st_size for path in pictures)
    print(f"{len(pictures)} pictures, {size:,} bytes")
    if size > MOST:
        sys.exit(f"the pictures weigh {size:,} bytes, more than {MOST:,}: take fewer or smaller ones")


main()

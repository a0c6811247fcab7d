"""Makes the pictures of a folder small and writes a page that shows them all: python album.py FOLDER.

A picture has at most 64 colours afterwards: a page of few colours looks the same and weighs a third. What is small already stays as it is,
so that a second run changes nothing.
"""

import pathlib
import sys

from PIL import Image

COLOURS = 64
LOOKS = ["desktop-light-en", "desktop-dark-en", "phone-light-en", "phone-dark-en", "desktop-light-ko", "phone-dark-ko"]
# What all pictures together may weigh, in bytes: they stay in the repository's history.
MOST = 2_000_000

HEAD = """# The page in each of its states

`cargo xtask golden` takes these pictures: Chromium shows the page before an API that answers what the state needs. They are for people to look at; nothing compares
them, because fonts differ between machines. `--only NAME` takes some of them again.
"""


def shrink(path):
    with Image.open(path) as picture:
        if picture.mode == "P":
            return
        # No dithering: flat surfaces stay flat, and flat surfaces pack well.
        small = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


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

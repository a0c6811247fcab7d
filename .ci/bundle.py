"""Whether a function's binary fits where it is going: `bundle.py BINARY MAX_ZIP_BYTES MAX_GLIBC`."""

import re
import sys
import zlib
from pathlib import Path


def main() -> int:
    path, max_zip, max_glibc = Path(sys.argv[1]), int(sys.argv[2]), version(sys.argv[3])
    binary = path.read_bytes()
    zipped = len(zlib.compress(binary, 6))
    # Symbol versions stand in the binary as plain text.
    needed = max(version(found.decode()) for found in re.findall(rb"\x00GLIBC_([0-9.]+)(?=\x00)", binary))
    print(f"{path.name}: {len(binary):,} bytes, {zipped:,} zipped, glibc {text(needed)}")
    problems = []
    if zipped > max_zip:
        problems.append(f"{zipped:,} bytes zipped are more than {max_zip:,}")
    if needed > max_glibc:
        problems.append(f"needs glibc {text(needed)}, provided.al2023 has {text(max_glibc)}")
    for problem in problems:
        print(f"{path.name}: {problem}", file=sys.stderr)
    return 1 if problems else 0


def version(text_: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text_.split("."))


def text(version_: tuple[int, ...]) -> str:
    return ".".join(map(str, version_))


if __name__ == "__main__":
    sys.exit(main())

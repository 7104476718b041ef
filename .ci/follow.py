"""Do what pages of the handbook say, block after block in an empty folder: python .ci/follow.py [PAGE.md ...].

A block with a caption is a file, one of sh or python is run, others are read over. Without pages all how-to guides are
followed, which takes some minutes.
"""

import os
import re
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):  # in a container
    os.environ.setdefault(name, "1")
GUIDES = Path(__file__).resolve().parent.parent / "wgflow" / "handbook" / "howto"
BLOCK = re.compile(r"^(`{3,})(?:\{code-block\} )?(\w*)\n(?::caption: (\S+)\n)?\n?(.*?)^\1$", re.M | re.S)


def follow(page: Path) -> list[str]:
    """Do all blocks of a page in the current folder; gives what failed."""
    failed, names = [], {"__name__": "__main__"}
    text = page.read_text()
    for block in BLOCK.finditer(text):
        _, language, file, code = block.groups()
        place = f"{page.name}:{text.count(chr(10), 0, block.start()) + 1}"
        if file:
            Path(file).write_text(code)
        elif language == "sh":
            failed += [place] * (subprocess.run(["bash", "-ec", code], check=False).returncode != 0)
        elif language == "python":
            try:
                exec(compile(code, place, "exec"), names)
            except Exception:
                traceback.print_exc()
                failed.append(place)
    return failed


def main() -> None:
    """Follow the pages that are named; the exit code is 1 if something failed."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    pages = [Path(name).resolve() for name in sys.argv[1:]] or sorted(GUIDES.glob("*.md"))
    failed = []
    for page in pages:
        print(f"== {page}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            failed += follow(page)
            os.chdir(GUIDES)
    print(f"failed: {', '.join(failed) or 'nothing'}")
    sys.exit(bool(failed))


main()

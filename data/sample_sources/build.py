"""Build the sample books of data/books from the Markdown sources beside this file.

Each book is `<domain>/<book>/*.md` with a `metadata.yaml`. The same five books are shipped in
five forms, so that every reader of the project has something real to read: a typeset PDF, an
EPUB, a Markdown folder, a folder of scanned pages and a web page.

Run it as `python data/sample_sources/build.py [book ...]`; without names it builds all five.
Only maintainers need it, and its tools are no dependencies of the package: pandoc (2.17 or
later), pdflatex with the recommended LaTeX packages and Latin Modern (the Debian packages
texlive-latex-recommended, texlive-fonts-recommended and lmodern), pdftoppm (poppler-utils), and
the Python packages numpy, pillow and pyyaml. With the same versions of the tools the same
sources give the same bytes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image, ImageFilter

SOURCES = Path(__file__).resolve().parent
TEMPLATES = SOURCES / "templates"
BOOKS = SOURCES.parent / "books"
READ = "--from=markdown"
DPI = 300
SCAN_SEED = 1720
EPOCH = "1735689600"  # the date that goes into the files: 1 January 2025


@dataclass(frozen=True)
class Source:
    """One book as it is written: its place, its chapters and what its metadata say."""

    folder: Path
    title: str
    subtitle: str
    authors: tuple[str, ...]
    domain: str
    license: str
    language: str
    selection: tuple[str, ...]

    @classmethod
    def read(cls, domain: str, name: str) -> "Source":
        """Read the metadata of the book `name`."""
        folder = SOURCES / domain / name
        fields = yaml.safe_load((folder / "metadata.yaml").read_text(encoding="utf-8"))
        return cls(
            folder=folder,
            title=fields["title"],
            subtitle=fields.get("subtitle", ""),
            authors=tuple(fields["authors"]),
            domain=fields["domain"],
            license=fields["license"],
            language=fields["language"],
            selection=tuple(fields.get("chapters", ())),
        )

    @property
    def chapters(self) -> list[Path]:
        """The chapter files in reading order: all, or those that the metadata select."""
        files = sorted(self.folder.glob("*.md"))
        return [file for file in files if not self.selection or file.stem in self.selection]

    @property
    def full_title(self) -> str:
        """Title and subtitle in one line."""
        if not self.subtitle:
            return self.title
        return f"{self.title}{'.' if ':' in self.title else ':'} {self.subtitle}"

    def describe(self, path: Path) -> None:
        """Write the `book.yaml` that travels with the built book."""
        fields = {
            "title": self.full_title,
            "authors": list(self.authors),
            "domain": self.domain,
            "license": self.license,
            "language": self.language,
        }
        text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)
        path.write_text(text, encoding="utf-8")


def call(*command: str | Path) -> None:
    """Run one tool, without a shell and with a fixed date; stop the build if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "FORCE_SOURCE_DATE": "1"},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        tail = (done.stdout + done.stderr).decode("utf-8", "replace")[-3000:]
        raise SystemExit(f"{command[0]} failed with status {done.returncode}:\n{tail}")


def pandoc(source: Source, work: Path, *options: str | Path) -> None:
    """Run pandoc over all chapters of a book; its footnote labels must differ throughout."""
    metadata = {
        "title": source.title,
        "subtitle": source.subtitle,
        "author": list(source.authors),
        "lang": source.language,
        "rights": source.license,
        "identifier": f"urn:xpoll:sample:{source.folder.name}",
    }
    described = work / "metadata.json"
    described.write_text(json.dumps(metadata), encoding="utf-8")
    fixed = (READ, "--standalone", f"--metadata-file={described}")
    call("pandoc", *fixed, *options, *source.chapters)


def typeset(source: Source, work: Path, font_size: str) -> Path:
    """Typeset a book with LaTeX and give the PDF."""
    pandoc(
        source,
        work,
        f"--template={TEMPLATES / 'textbook.tex'}",
        "--to=latex",
        "--top-level-division=chapter",
        f"--variable=fontsize:{font_size}",
        f"--output={work / 'book.tex'}",
    )
    for _ in range(3):  # the contents and the page numbers need three passes
        call(
            "pdflatex",
            "-interaction=nonstopmode",
            "-halt-on-error",
            f"-output-directory={work}",
            work / "book.tex",
        )
    return work / "book.pdf"


def build_pdf(source: Source, shelf: Path, work: Path) -> None:
    """Give a two-sided textbook with running heads, hyphenation, footnotes and formulas."""
    target = shelf / f"{source.folder.name}.pdf"
    shutil.copyfile(typeset(source, work, "10pt"), target)
    source.describe(target.with_suffix(".book.yaml"))


def build_epub(source: Source, shelf: Path, work: Path) -> None:
    """Give an EPUB 3 with one document per chapter, a navigation document and footnotes."""
    target = shelf / f"{source.folder.name}.epub"
    options = ("--to=epub3", "--mathml", "--toc", "--toc-depth=2", "--epub-chapter-level=1")
    pandoc(source, work, *options, f"--output={work / 'book.epub'}")
    with zipfile.ZipFile(work / "book.epub") as loose, zipfile.ZipFile(target, "w") as packed:
        for name in loose.namelist():  # the same entries, without the time of the build
            method = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            packed.writestr(zipfile.ZipInfo(name), loose.read(name), method)
    source.describe(target.with_suffix(".book.yaml"))


def build_html(source: Source, shelf: Path, work: Path) -> None:
    """Give one page that loads nothing from elsewhere, with formulas in MathML."""
    target = shelf / f"{source.folder.name}.html"
    options = ("--to=html5", "--mathml", "--toc", "--toc-depth=2")
    template = f"--template={TEMPLATES / 'page.html'}"
    pandoc(source, work, *options, template, f"--output={target}")
    source.describe(target.with_suffix(".book.yaml"))


def build_markdown(source: Source, shelf: Path, work: Path) -> None:  # noqa: ARG001
    """Give the chapters as they are written, with a SUMMARY.md that names their order."""
    target = empty_folder(shelf / source.folder.name)
    summary = ["# Summary", ""]
    for chapter in source.chapters:
        text = chapter.read_text(encoding="utf-8")
        heading = re.search(r"^# (.+)$", text, re.MULTILINE)
        summary.append(f"- [{heading[1].strip() if heading else chapter.stem}]({chapter.name})")
        (target / chapter.name).write_text(text, encoding="utf-8")
    (target / "SUMMARY.md").write_text("\n".join(summary) + "\n", encoding="utf-8")
    source.describe(target / "book.yaml")


def build_scan(source: Source, shelf: Path, work: Path) -> None:
    """Give the pages of a typeset book as a flatbed scanner would have left them."""
    target = empty_folder(shelf / source.folder.name)
    pdf = typeset(source, work, "10pt")
    call("pdftoppm", "-r", str(DPI), "-gray", pdf, work / "leaf")
    for number, leaf in enumerate(sorted(work.glob("leaf-*.pgm")), start=1):
        with Image.open(leaf) as page:
            scanned = as_scanned(page.convert("L"), np.random.default_rng([SCAN_SEED, number]))
        path = target / f"page-{number:03}.png"
        scanned.save(path, optimize=True, dpi=(DPI, DPI))
    source.describe(target / "book.yaml")


def as_scanned(page: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turn a clean page a little, blur it, light it unevenly, add grain and make it bilevel."""
    angle = float(rng.uniform(-0.4, 0.4))
    turned = page.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255)
    blurred = turned.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.7, 1.0))))
    ink = np.asarray(blurred, dtype=np.float32)
    height, width = ink.shape
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    slope = rng.uniform(-9, 9, size=2).astype(np.float32)
    light = slope[0] * across + slope[1] * down - 7 * (across**2 + down**2)
    grain = rng.normal(0, 9, size=ink.shape).astype(np.float32)
    dark = ink + light + grain < rng.uniform(166, 182)
    for _ in range(int(rng.integers(4, 14))):  # dust on the glass
        top, left = int(rng.integers(0, height - 4)), int(rng.integers(0, width - 4))
        rows, columns = rng.integers(1, 4, size=2)
        dark[top : top + rows, left : left + columns] = True
    return Image.fromarray(np.where(dark, 0, 255).astype(np.uint8)).convert(
        "1", dither=Image.Dither.NONE
    )


def empty_folder(folder: Path) -> Path:
    """Give an empty folder in the place of what an earlier build left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


Builder = Callable[[Source, Path, Path], None]
BUILDERS: dict[tuple[str, str], Builder] = {
    ("mathematics", "chance-and-measurement"): build_pdf,
    ("history", "ships-books-and-states"): build_epub,
    ("astronomy", "measuring-the-heavens"): build_markdown,
    ("economics", "money-risk-and-markets"): build_scan,
    ("biology", "heredity-and-populations"): build_html,
}


def main(wanted: list[str]) -> None:
    """Build the books named in `wanted`, or all of them."""
    known = {name for _, name in BUILDERS}
    if unknown := set(wanted) - known:
        raise SystemExit(f"no such book: {', '.join(sorted(unknown))}")
    for (domain, name), build in BUILDERS.items():
        if wanted and name not in wanted:
            continue
        shelf = BOOKS / domain
        shelf.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as work:
            build(Source.read(domain, name), shelf, Path(work))
        print(f"built {domain}/{name}")


if __name__ == "__main__":
    main(sys.argv[1:])

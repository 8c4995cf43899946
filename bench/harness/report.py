"""Numbers as Markdown, and generated blocks of a document."""

import pathlib
import re
import statistics
import sys


def number(value):
    """Three digits or all before the point: 0.0123, 1.23, 12.3, 123, 12,345."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(values, unit=""):
    """The median, and the range where there is one."""
    text = f"{number(statistics.median(values))}{unit}"
    return text if len(values) == 1 else f"{text} ({number(min(values))}-{number(max(values))})"


def ratio(ours, peer):
    """Ratio of medians, and the range of the ratios of paired rounds."""
    paired = [a / b for a, b in zip(ours, peer, strict=True)]
    return f"{statistics.median(ours) / statistics.median(peer):.2f}x ({min(paired):.2f}-{max(paired):.2f})"


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def begin(name):
    return f"<!-- {name}: generated, see the end of this page -->"


def end(name):
    return f"<!-- end of {name} -->"


def update(path, blocks):
    """Replaces the text between the markers of each block."""
    path = pathlib.Path(path)
    text = path.read_text()
    for name, content in blocks.items():
        pattern = re.compile(re.escape(begin(name)) + ".*?" + re.escape(end(name)), re.DOTALL)
        if len(pattern.findall(text)) != 1:
            sys.exit(f"bench: {path} needs one pair of lines '{begin(name)}' and '{end(name)}'")
        text = pattern.sub(lambda _: f"{begin(name)}\n{content}\n{end(name)}", text)
    path.write_text(text)

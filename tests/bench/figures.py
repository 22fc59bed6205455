"""Where the figures of a run go: a table on standard output, a line each in bench.tsv, and drawings made
by gnuplot, where it is there."""

import collections
import shutil
import subprocess

Figure = collections.namedtuple("Figure", "what unit program n value")

PLOT = """set terminal svg size 760,480 dynamic font "sans,13" background "white"
set output "{svg}"
set title "{title}"
set key left top
set grid
{axes}
plot {curves}
"""


class Figures:
    def __init__(self, tsv):
        self.all = []
        self.tsv = tsv

    def add(self, what, unit, program, value, n=1):
        self.all.append(Figure(what, unit, program, n, value))

    def write(self):
        with open(self.tsv, "w") as out:
            print("what", "n", "program", "value", "unit", "to onehop", sep="\t", file=out)
            for f in self.all:
                ours = [g.value for g in self.all if g[:2] == f[:2] and g.n == f.n
                        and g.program == "onehop"]
                ratio = f"{f.value / ours[0]:.3f}" if ours and ours[0] else "-"
                print(f.what, f.n, f.program, f"{f.value:.10g}", f.unit, ratio, sep="\t", file=out)

    def draw_ratios(self, svg, title, whats):
        """Bars: each program's figure as a multiple of ours."""
        programs = list(dict.fromkeys(f.program for f in self.all if f.what in whats))
        rows = []
        for what in whats:
            values = {f.program: f.value for f in self.all if f.what == what}
            if values.get("onehop"):
                rows.append([what] + [values[p] / values["onehop"] if p in values else "-"
                                      for p in programs])
        data = "\n".join("\t".join(str(cell) for cell in row) for row in rows)
        curves = ", ".join(f"$data using {i + 2}:xtic(1) title '{program}'"
                           for i, program in enumerate(programs))
        axes = ("set datafile separator '\\t'\nset datafile missing '-'\nset logscale y\n"
                "set ylabel 'times what onehop needs'\n"
                "set style data histogram\nset style fill solid 0.8\nset xtics rotate by -12\n"
                f"$data << EOD\n{data}\nEOD")
        return gnuplot(PLOT.format(svg=svg, title=title, axes=axes, curves=curves))

    def draw_curves(self, svg, title, label, whats):
        """A curve for each of WHATS over N, both axes logarithmic: what is linear is a straight line at
        45 degrees, what is flat a level one."""
        blocks, curves = [], []
        for i, what in enumerate(whats):
            points = [f"{f.n} {f.value}" for f in self.all if f.what == what and f.value > 0]
            if points:
                blocks.append(f"$d{i} << EOD\n" + "\n".join(points) + "\nEOD")
                curves.append(f"$d{i} using 1:2 with linespoints title '{what}'")
        axes = f"set logscale xy\nset xlabel '{label}'\n" + "\n".join(blocks)
        return gnuplot(PLOT.format(svg=svg, title=title, axes=axes, curves=", ".join(curves)))


def gnuplot(script):
    """What went wrong, or None."""
    if not shutil.which("gnuplot"):
        return "drawings: gnuplot is not there (Debian: gnuplot-nox)"
    done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True)
    return f"drawings: {done.stderr.strip()}" if done.returncode else None

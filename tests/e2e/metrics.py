"""Prometheus' text format 0.0.4 as its reader takes it: strict about what promtool is strict about."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL},?)*)\}})? (\S+)")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count")}


def parse(text):
    """{(name, label values...): number}; the labels in the order of their names."""
    samples, types = {}, {}
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            described = line.split(" ")[2]
            assert described not in types and len(line.split(" ", 3)[3]) > 10
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == described
            types[name] = kind
        else:
            name, inside, *_, number = SAMPLE.fullmatch(line).groups()
            family = [f for f in types if name in {f, *(f + s for s in SUFFIXES.get(types[f], ()))}]
            assert family == [list(types)[-1]], f"not below its # TYPE: {line}"
            if types[family[0]] == "counter":
                assert name.endswith("_total")
            labels = dict(re.findall(LABEL, inside or ""))
            key = (name, *(labels[n] for n in sorted(labels)))
            assert key not in samples, line
            samples[key] = float(number)
    return samples


def counted(samples, account="work"):
    return tuple(int(samples["onehop_messages_total", account, result])
                 for result in ("sent", "deferred", "failed"))

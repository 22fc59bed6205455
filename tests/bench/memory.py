"""What a process and its children hold in memory."""

import re
import threading


class Memory(threading.Thread):
    """Watches what a process and its children hold, in octets, pages that they share counted once: all
    of it, and without the files of program and libraries, which others may share, too."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.over = pid, threading.Event()
        self.peak = self.own_peak = 0

    def run(self):
        while not self.over.wait(0.01):
            held = [self.held_by(pid) for pid in self.family(self.pid)]
            self.peak = max(self.peak, sum(everything for everything, _ in held))
            self.own_peak = max(self.own_peak, sum(own for _, own in held))

    def family(self, pid):
        yield pid
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as children:
                for child in children.read().split():
                    yield from self.family(int(child))
        except OSError:
            pass

    @staticmethod
    def held_by(pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as facts:
                text = facts.read()
            return [int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) * 1024
                    for name in ("Pss", "Pss_Anon")]
        except (OSError, TypeError):
            return 0, 0

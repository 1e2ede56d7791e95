# SPDX-License-Identifier: MIT OR Apache-2.0
"""A labgrid strategy for a board that boots the kernel by itself (from a card, or over the network).

`boots` turns the board on, or resets it, and writes what its console prints to a file until so many runs have ended;
`bench-host run --log FILE` takes the file. The board's image is made by `bench-host image`.
"""

import enum
import re
import time

import attr
from labgrid.factory import target_factory
from labgrid.strategy import Strategy, StrategyError

# The last line of a run, with its terminator: without that, its checksum might be cut.
END = re.compile(rb"TLB,\d+,end,(pass|fail),\d+,\d+,[0-9a-f]{8}\r?\n")


class Status(enum.Enum):
    unknown = 0
    off = 1
    running = 2


@target_factory.reg_driver
@attr.s(eq=False)
class TlbBenchStrategy(Strategy):
    bindings = {"power": "PowerProtocol", "console": "ConsoleProtocol"}

    status = attr.ib(default=Status.unknown)

    def transition(self, status):
        status = Status[status] if isinstance(status, str) else status
        if status == Status.off:
            self.target.deactivate(self.console)
            self.target.activate(self.power)
            self.power.off()
        elif status == Status.running:
            # First listen, then reset: the kernel's first line comes within milliseconds.
            self.target.activate(self.console)
            self.target.activate(self.power)
            self.power.cycle()
        else:
            raise StrategyError(f"no way to {status}")
        self.status = status

    def boots(self, path, boots=1, silence=300):
        """Resets the board and keeps its console in a file until `boots` runs have ended, or nothing came for so long."""
        self.transition(Status.running)
        # Drivers differ in what they raise when nothing comes.
        heard, kept = time.monotonic(), b""
        with open(path, "wb") as log:
            while len(END.findall(kept)) < boots:
                try:
                    piece = self.console.read(4096, timeout=1.0)
                except Exception as error:  # pexpect.TIMEOUT, from below the driver
                    if type(error).__name__ != "TIMEOUT":
                        raise
                    piece = b""
                if piece:
                    log.write(piece)
                    log.flush()
                    kept += piece
                    heard = time.monotonic()
                elif time.monotonic() - heard > silence:
                    raise StrategyError(f"silent for {silence} s; {path} has what came")

"""A switch that carries calls, and the lines that it writes."""

import subprocess
import threading
import time

from server import fail


class Switch:
    def run(self, command, **more):
        """Starts it; all that it writes is kept."""
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True).start()

    def until(self, done, what):
        end = time.monotonic() + 30
        while not (found := done()):
            if time.monotonic() > end or self.process.poll() is not None:
                fail(f"waited for {what}:\n{''.join(self.lines[-40:])}")
            time.sleep(0.02)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

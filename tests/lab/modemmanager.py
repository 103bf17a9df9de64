"""ModemManager in the guest, where there is no systemd: its bus, its polkit, itself, started and ended by hand."""

import asyncio
import contextlib
import os
from pathlib import Path


class Manager:
    """ModemManager with debug output in the results; `start` returns when it runs, not when it has found anything."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self._bus = False
        self._running: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        """Start what is not running yet."""
        if self._running:
            return
        await self.start_bus()
        self._running.append(await self._spawn("/usr/sbin/ModemManager", "--debug"))

    async def start_bus(self) -> None:
        """Start the system's bus where it does not run yet; it stays for the rest of the guest's life."""
        if self._bus:
            return
        self._bus = True
        bus = await asyncio.create_subprocess_exec("dbus-daemon", "--system", "--fork", "--nopidfile")
        await bus.wait()
        # polkitd stays with the bus: mmcli's InhibitDevice is refused without it.
        await self._spawn("/usr/lib/polkit-1/polkitd", "--no-debug")

    async def stop(self) -> None:
        """End ModemManager; the bus stays."""
        while self._running:
            process = self._running.pop()
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 10)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _spawn(self, *argv: str) -> asyncio.subprocess.Process:
        with (self.results / f"{Path(argv[0]).name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "LC_ALL": "C"}
            )

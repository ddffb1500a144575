"""`python -m sandbox stripe|duffel`: start one sandbox and say on standard output where it listens."""

import argparse
import asyncio
import importlib
import signal
from pathlib import Path

from sandbox.kit.clock import VirtualClock
from sandbox.kit.server import LOOPBACK, run


def main() -> None:
    arguments = _parser().parse_args()
    asyncio.run(_serve(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("vendor", choices=["stripe", "duffel"])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clock-file", type=Path, default=None, help="share virtual time through this file")
    parser.add_argument("--host", default=LOOPBACK)
    return parser


async def _serve(arguments: argparse.Namespace) -> None:
    module = importlib.import_module(f"sandbox.{arguments.vendor}.app")
    app = module.create_app(seed=arguments.seed, clock=VirtualClock(arguments.clock_file))
    serving = asyncio.create_task(run(app, vendor=arguments.vendor, host=arguments.host, port=arguments.port))
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        return


if __name__ == "__main__":
    main()

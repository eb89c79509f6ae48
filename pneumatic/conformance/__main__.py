"""The command line."""

import argparse
import asyncio
import fnmatch
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from pneumatic.conformance import report
from pneumatic.conformance.checks import load
from pneumatic.conformance.clauses import CLAUSES, PATIENCE, BrokenError, Clause
from pneumatic.conformance.device import Device
from pneumatic.conformance.rest import Rest
from pneumatic.conformance.run import run
from pneumatic.conformance.stage import Stage


def main(arguments: list[str] | None = None) -> int:
    """0: no clause failed; 1: some did; 2: nothing could be checked."""
    load()
    parser = _parser()
    options = parser.parse_args(arguments)
    chosen = [each for each in CLAUSES if not options.only or _named(each, options.only)]
    if not chosen:
        parser.error("--only names no clause; --list shows them")
    if options.list:
        _tell("\n".join(f"{each.name:32}  {each.says}" for each in chosen))
        return 0
    if urlsplit(options.url or "").scheme not in ("http", "https"):
        parser.error("give the server's address, such as http://localhost:8000")
    people = None
    if not options.register:
        given = (options.user, options.password, options.other, options.other_password)
        if None in given:
            parser.error("give --user, --password, --other and --other-password, or --register")
        people = [(options.user, options.password), (options.other, options.other_password)]
    return asyncio.run(_check(options, chosen, people))


async def _check(
    options: argparse.Namespace, chosen: list[Clause], people: list[tuple[str, str]] | None
) -> int:
    Device.patience = options.patience
    rest = Rest(options.url)
    socket_url = options.socket or _socket_url(options.url)
    try:
        stage = await Stage.set(rest, socket_url, people)
    except (BrokenError, OSError) as error:
        _tell(f"Nobody could be signed in at {options.url}: {error}")
        return 2
    results = await run(
        stage, chosen, thorough=options.thorough, tell=lambda each: _tell(report.line(each))
    )
    _tell(f"\n{report.summary(results, rest.waited)}")
    if options.json:
        options.json.write_text(report.as_json(results, options.url), encoding="utf-8")
    try:
        await stage.leave()
    except (BrokenError, OSError) as error:
        _tell(f"What the checks made could not be cleared away: {error}")
    return 1 if any(each.status == "failed" for each in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pneumatic.conformance",
        description="Check a server against docs/protocol.md, clause by clause.",
        epilog="It makes a few groups and messages, and closes the groups in the end.",
    )
    parser.add_argument("url", nargs="?", help="the server, such as http://localhost:8000")
    parser.add_argument("--user", help="who checks")
    parser.add_argument("--other", help="a second person")
    parser.add_argument("--password", default=os.environ.get("CONFORMANCE_PASSWORD"))
    parser.add_argument("--other-password", default=os.environ.get("CONFORMANCE_OTHER_PASSWORD"))
    parser.add_argument("--register", action="store_true", help="make two new people instead")
    parser.add_argument("--socket", metavar="URL", help="where the socket is, if not at /ws/ there")
    parser.add_argument("--only", metavar="NAME", nargs="+", help="these clauses; * stands for any")
    parser.add_argument("--thorough", action="store_true", help="also what takes long, sends much")
    parser.add_argument("--patience", metavar="SECONDS", type=float, default=PATIENCE)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results there too")
    parser.add_argument("--list", action="store_true", help="list the clauses, check nothing")
    return parser


def _named(clause: Clause, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(clause.name, pattern) for pattern in patterns)


def _socket_url(url: str) -> str:
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/ws/"


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

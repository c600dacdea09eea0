#!/usr/bin/env python3
"""Call the share gateway. Python 3.9 or later, nothing to install; copy this file into your system.

    export GONGSHU_URL=http://127.0.0.1:8001      # where the gateway is
    export GONGSHU_CLIENT_ID=...                  # your system's id
    export GONGSHU_CLIENT_SECRET=...              # its secret, as shown when it was registered

    python client.py GRANT name=value [name=value ...]      look up by key
    python client.py GRANT --rows [--all]                   one page, or every page
    python client.py GRANT --quota                          what the grant allows and what is used
    python client.py GRANT --schema                         items, keys, validity
    --case NO     the case you work on, where the grant asks for it
    --lang en     messages in English

Prints the answer as JSON. Exit code 0 for an answer, 1 for a refusal (the problem document goes to standard
error and says what to do), 2 for wrong use.

How a request is signed: these lines, joined by one LF, without an LF at the end,

    method, path as sent, query as sent, hex SHA-256 of the body, client id, milliseconds since 1970, nonce
    [and the case number as sent, if one is sent]

are signed with HMAC-SHA-256 under the secret's UTF-8 bytes; the Base64 of that goes into X-Signature. Every request,
retries included, needs a new nonce and a fresh timestamp (within 300 seconds of the gateway's clock).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any


class Refused(Exception):
    """The gateway refused; ``problem`` is its document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or f"HTTP {status}")
        self.status = status
        self.problem = problem


class Client:
    """A registered system and its secret."""

    def __init__(self, url: str, client_id: str, secret: str, lang: str = "zh") -> None:
        self.url = url.rstrip("/")
        self.client_id = client_id
        self.secret = secret.encode()
        self.lang = lang

    def get(
        self, path: str, params: dict[str, Any] | None = None, case_no: str | None = None
    ) -> dict[str, Any]:
        """One signed GET; the answer as a dict. Raises Refused, or OSError if the gateway cannot be reached."""
        query = urllib.parse.urlencode(params or {}, quote_via=urllib.parse.quote)
        request = urllib.request.Request(self.url + path + ("?" + query if query else ""))
        for name, value in self._headers("GET", path, query, case_no).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                try:
                    problem = json.load(error)
                except ValueError:
                    problem = {}
            raise Refused(error.code, problem) from None

    def rows(self, grant: str, case_no: str | None = None) -> Iterator[dict[str, Any]]:
        """Every row of the grant, page after page."""
        after: int | None = 0
        while after is not None:
            page = self.get(f"/share/v1/{grant}/rows", {"after": after}, case_no)
            yield from page["rows"]
            after = page["next"]

    def _headers(self, method: str, path: str, query: str, case_no: str | None) -> dict[str, str]:
        timestamp = str(time.time_ns() // 1_000_000)
        nonce = secrets.token_urlsafe(16)
        case = urllib.parse.quote(case_no, safe="") if case_no else ""
        lines = [method, path, query, hashlib.sha256(b"").hexdigest(), self.client_id, timestamp, nonce]
        if case:
            lines.append(case)
        signature = hmac.new(self.secret, "\n".join(lines).encode(), hashlib.sha256).digest()
        headers = {
            "X-Client-Id": self.client_id,
            "X-Timestamp": timestamp,
            "X-Nonce": nonce,
            "X-Signature": base64.b64encode(signature).decode(),
            "Accept-Language": self.lang,
        }
        if case:
            headers["X-Case-No"] = case
        return headers


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Call the share gateway.", epilog="See the text at the top.")
    parser.add_argument("grant")
    parser.add_argument("key", nargs="*", metavar="name=value")
    parser.add_argument("--rows", action="store_true", help="a page of rows")
    parser.add_argument("--all", action="store_true", help="with --rows: every page")
    parser.add_argument("--quota", action="store_true")
    parser.add_argument("--schema", action="store_true")
    parser.add_argument("--case", help="case number")
    parser.add_argument("--lang", default="zh", choices=["zh", "en"])
    given = parser.parse_args(argv)
    try:
        client = Client(
            os.environ["GONGSHU_URL"],
            os.environ["GONGSHU_CLIENT_ID"],
            os.environ["GONGSHU_CLIENT_SECRET"],
            given.lang,
        )
        params = dict(pair.split("=", 1) for pair in given.key)
    except (KeyError, ValueError) as error:
        parser.error(
            f"{error}: set GONGSHU_URL, GONGSHU_CLIENT_ID and GONGSHU_CLIENT_SECRET; keys are name=value"
        )
    part = "/rows" if given.rows else "/quota" if given.quota else "/schema" if given.schema else ""
    try:
        if given.rows and given.all:
            for row in client.rows(given.grant, given.case):
                print(json.dumps(row, ensure_ascii=False))
        else:
            answer = client.get(f"/share/v1/{given.grant}{part}", params, given.case)
            print(json.dumps(answer, ensure_ascii=False, indent=2))
    except Refused as refused:
        print(json.dumps(refused.problem, ensure_ascii=False, indent=2), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot reach {client.url}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

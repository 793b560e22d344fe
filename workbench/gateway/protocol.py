"""HTTP parsing with a bound on what a client may send, and how slowly, before anybody has looked at it.

Runs in: gateway
Source: RFC 6585 section 5 (431 Request Header Fields Too Large), RFC 9110 section 15.5.9 (408 Request Timeout).
"""

from __future__ import annotations

import asyncio
import json

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from workbench.errors import InvalidInput, TooSlow, WorkbenchError

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 64
# From a connection, or from the first byte of a request, to the end of its head.
HEAD_TIMEOUT_S = 20.0


class GatewayProtocol(HttpToolsProtocol):
    """uvicorn's parser, less its patience: long heads and broken requests get one JSON refusal and a hang-up."""

    _head_bytes = 0
    _unfinished_bytes = 0
    _in_head = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a head, but not for ever."""
        super().connection_made(transport)
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._end_patience()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, unless a head does not end: the parser keeps an unfinished header in memory."""
        super().data_received(data)
        self._unfinished_bytes = self._unfinished_bytes + len(data) if self._in_head else 0
        if self._unfinished_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._head_bytes = self._unfinished_bytes
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Start counting at each request."""
        self._head_bytes = 0
        self._in_head = True
        self._be_patient()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop counting and waiting."""
        self._in_head = False
        self._end_patience()
        super().on_headers_complete()

    def on_url(self, url: bytes) -> None:
        """Count the path and query."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count each header; trailers of a chunked body come here too."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, or was cut short by `_count`, and hang up."""
        too_long = self._is_too_long()
        error = InvalidInput(
            f"The head of the request is longer than {MAX_HEAD_BYTES} bytes or has more than {MAX_HEADERS} headers."
            if too_long
            else "This is not a request that can be read."
        )
        self._refuse(431 if too_long else 400, error)

    def _too_slow(self) -> None:
        self._refuse(
            408, TooSlow(f"The head of the request did not arrive within {HEAD_TIMEOUT_S:g} s; send it again.")
        )

    def _refuse(self, status: int, error: WorkbenchError) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps(error.as_dict()).encode()
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()

    def _be_patient(self) -> None:
        self._end_patience()
        self._patience = self.loop.call_later(HEAD_TIMEOUT_S, self._too_slow)

    def _end_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._is_too_long():
            # Raised inside the parser's callback, this ends parsing; uvicorn then calls send_400_response.
            raise ValueError("the head is too long")

    def _is_too_long(self) -> bool:
        return self._head_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS

"""Content codings of response bodies (RFC 9110, 8.4.1), decoded piece by piece within bounded memory.

libcurl could decode too. It fails at a coding it does not know, and takes a compressed body that was cut for a whole
one, so its decoding is off.
"""

import zlib
from collections.abc import Iterator

READABLE = "gzip, deflate"
"""The codings that are asked for, as `Accept-Encoding` names them."""

_GZIP = frozenset({"gzip", "x-gzip"})
# Registered with IANA and not asked for: such a body can be anything, unlike one under a word that names no coding.
_UNREADABLE = frozenset("aes128gcm br compress dcb dcz exi pack200-gzip x-compress zstd".split())
_MAX_LAYERS = 2
_MAX_INNER_BYTES = 64 * 1024 * 1024  # what an outer layer may give to the next one
_PIECE = 64 * 1024
_GZIP_FORMAT, _ZLIB_FORMAT, _RAW_FORMAT = 31, 15, -15
_ZLIB_HEADER = 2


class UndecodableBody(ValueError):
    """The body is not what its `Content-Encoding` says, or is in a coding that cannot be read here."""


class Decoder:
    """Decodes the body of one response with this `Content-Encoding` (empty: none).

    A word that is no registered coding (`UTF-8`, `none`) is identity: senders that write one do not compress.
    """

    def __init__(self, content_encoding: str) -> None:
        codings = [word.strip().lower() for word in content_encoding.split(",")]
        known = [coding for coding in codings if coding in _GZIP or coding == "deflate"]
        self._readable = len(known) <= _MAX_LAYERS and not _UNREADABLE.intersection(codings)
        self._layers = [_Layer(coding) for coding in reversed(known)]  # the last one was applied last
        self._inner_room = _MAX_INNER_BYTES

    @property
    def complete(self) -> bool:
        """Whether every layer has come to its own end, or never began."""
        return all(layer.complete for layer in self._layers)

    def decode(self, data: bytes, limit: int) -> bytes:
        """The next piece decoded, at most `limit` bytes of it. Raises UndecodableBody."""
        if not self._readable:
            raise UndecodableBody
        if not self._layers:
            return data[:limit]
        decoded = bytearray()
        try:
            for piece in self._through(data, 0):
                decoded += piece
                if len(decoded) >= limit:
                    break
        except zlib.error as error:
            raise UndecodableBody from error
        return bytes(decoded[:limit])

    def _through(self, data: bytes, first: int) -> Iterator[bytes]:
        """The pieces of `data` after the layers from `first` on."""
        if first == len(self._layers):
            yield data
            return
        for piece in self._layers[first].pieces(data):
            if first + 1 < len(self._layers):
                self._inner_room -= len(piece)
                if self._inner_room < 0:
                    raise UndecodableBody
            yield from self._through(piece, first + 1)


class _Layer:
    """One coding. Gives pieces of at most 64 KB, so that a bomb is never unpacked whole."""

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding in _GZIP
        self._stream = zlib.decompressobj(_GZIP_FORMAT) if self._is_gzip else None
        self._begun = False
        self._held = b""

    @property
    def complete(self) -> bool:
        if not self._begun:
            return not self._held
        return self._stream is not None and self._stream.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        data, self._held = self._held + data, b""
        if self._stream is None:
            if len(data) < _ZLIB_HEADER:
                self._held = data
                return
            self._stream = zlib.decompressobj(_ZLIB_FORMAT if _has_zlib_header(data) else _RAW_FORMAT)
        while data:
            self._begun = True
            if self._stream.eof:
                if not self._is_gzip or not data.startswith(b"\x1f"):
                    return  # padding behind the end
                self._stream = zlib.decompressobj(_GZIP_FORMAT)  # the next member (RFC 1952, 2.2)
            yield from self._unpacked(data)
            data = self._stream.unused_data

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        """What `data` holds up to the end of the current stream."""
        stream = self._stream
        assert stream is not None  # noqa: S101 - `pieces` has made it
        while True:
            piece = stream.decompress(data, _PIECE)
            data = stream.unconsumed_tail
            if piece:
                yield piece
            if not data and len(piece) < _PIECE:
                return


def _has_zlib_header(data: bytes) -> bool:
    """Whether a deflate body has the wrapper that RFC 9110 asks for; some senders leave it out."""
    return data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0

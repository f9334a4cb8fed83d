"""Identifiers that come again and again, each known by a number from its first time on.

A request names a thousand trucks, and the next one the same. Their names are looked up where they
stand, as bytes, by compiled code that asks nobody; only a name that is new is made a text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from fleet_carbon.ingest import scanning
from fleet_carbon.ingest.eights import ROOM_BYTES
from fleet_carbon.ingest.scanning import Bytes, Int32s, Int64s

_WORDS_FIRST, _BYTES_FIRST = 1 << 10, 1 << 14
# Senders of dictionaries repeat theirs; of these as many are known.
_LISTS_MAX, _LISTED_WORDS_MAX = 256, 20_000
WORDS_MAX = 2_000_000
"""A book that has more is put away, and another one begun."""


class Known(NamedTuple):
    """What compiled code looks spellings up in.

    Attributes
    ----------
    text : uint8 array
        Their bytes, one after the other.
    spans : int64 array, shape (n_spellings_max, 2)
        Where each begins and ends.
    slots : int32 array
        Where each is found: a table of hashes.
    numbers : int32 array, shape (n_spellings_max,)
        Which word each means.
    """

    text: Bytes
    spans: Int64s
    slots: Int32s
    numbers: Int32s


class WordBook:
    """Words and their numbers, from 0; it only grows, and threads share it.

    A word is found by its spelling in JSON, of which it may have several. One with a backslash in
    it is found by no spelling without escapes, for in JSON that would be another word or none.

    Attributes
    ----------
    words : list of str
        By number.
    known : Known
        For `scanning`; newer spellings may be missing in it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._spelled: set[bytes] = set()
        self._bytes_count = 0
        self._of_lists: dict[Hashable, Int32s] = {}
        self.words: list[str] = []
        self.known = _room(_WORDS_FIRST, _BYTES_FIRST)

    def numbers(self, words: Sequence[str]) -> Int32s:
        """Numbers of words, given now to those that have none, shape (n_words,)."""
        found = list(map(self._numbers.get, words))
        if None in found:
            with self._lock:
                found = [self._number(word) for word in words]
        return np.array(found, dtype=np.int32)

    def numbers_of_list(self, content: Hashable, number: Callable[[], Int32s]) -> Int32s:
        """Numbers of a list of words that may have come before.

        Parameters
        ----------
        content : hashable
            By which the list is known.
        number : callable
            Numbers its words, if it is not.
        """
        found = self._of_lists.get(content)
        if found is None:
            found = number()
            if len(found) <= _LISTED_WORDS_MAX:
                if len(self._of_lists) >= _LISTS_MAX:
                    self._of_lists.clear()
                self._of_lists[content] = found
        return found

    def spelled(self, spellings: Sequence[bytes]) -> Int32s:
        """Numbers of words by their spellings in JSON, which will be found from now on.

        Raises
        ------
        ValueError
            If one of them is no spelling of a word.
        """
        words = [
            msgspec.json.decode(b'"%s"' % one, type=str) if b"\\" in one else one.decode()
            for one in spellings
        ]
        numbers = self.numbers(words)
        with self._lock:
            for spelling, number in zip(spellings, numbers.tolist(), strict=True):
                self._keep(spelling, number)
        return numbers

    def _number(self, word: str) -> int:
        number = self._numbers.get(word)
        if number is None:
            number = len(self.words)
            self.words.append(word)
            self._numbers[word] = number
        return number

    def _keep(self, spelling: bytes, number: int) -> None:
        if spelling in self._spelled:
            return
        place = len(self._spelled)
        known, first, stop = self.known, self._bytes_count, self._bytes_count + len(spelling)
        if place == len(known.spans) or stop + ROOM_BYTES > len(known.text):
            known = self._more_room(2 * (place + 1), 2 * stop)
        # Who looks meanwhile meets a spelling only when all of it is there.
        known.text[first:stop] = np.frombuffer(spelling, dtype=np.uint8)
        known.spans[place] = first, stop
        known.numbers[place] = number
        scanning.put_spelling(known.text, known.spans, known.slots, place)
        self.known = known
        self._bytes_count = stop
        self._spelled.add(spelling)

    def _more_room(self, words_max: int, bytes_max: int) -> Known:
        """What is known, copied to where more has room."""
        known, count = _room(words_max, bytes_max), len(self._spelled)
        known.text[: self._bytes_count] = self.known.text[: self._bytes_count]
        known.spans[:count] = self.known.spans[:count]
        known.numbers[:count] = self.known.numbers[:count]
        for place in range(count):
            scanning.put_spelling(known.text, known.spans, known.slots, place)
        return known


def _room(words_max: int, bytes_max: int) -> Known:
    return Known(
        np.zeros(bytes_max + ROOM_BYTES, dtype=np.uint8),
        np.zeros((words_max, 2), dtype=np.int64),
        np.full(4 << words_max.bit_length(), -1, dtype=np.int32),
        np.zeros(words_max, dtype=np.int32),
    )

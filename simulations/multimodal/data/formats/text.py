"""Text to token ids, 0 for padding: by a vocabulary of the train texts, or by the vocabulary of a local model."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amss_min.testing.loading import BadInput

PADDING, UNKNOWN, SEPARATOR = 0, 1, 2
_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")

Encoder = Callable[[Sequence[str]], NDArray[np.int64]]


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits, and each other sign alone.

    >>> words("It's #great_")
    ['it', "'", 's', '#', 'great', '_']
    """
    return _WORD.findall(text.lower())


def vocabulary(texts: Iterable[Sequence[str]], least: int, most: int) -> dict[str, int]:
    """Word -> id, from 3 on: the words that occur at least `least` times, the commonest first, at most `most`.

    texts: each text a sequence of segments. Words of one count are in alphabetical order. Ids 0, 1, 2 are padding,
    an unknown word, and the sign between two segments.

    >>> vocabulary([["b a b"], ["a", "c"]], least=2, most=10)
    {'a': 3, 'b': 4}
    """
    counts = Counter(word for text in texts for segment in text for word in words(segment))
    ranked = sorted((word for word, count in counts.items() if count >= least), key=lambda word: (-counts[word], word))
    return {word: number for number, word in enumerate(ranked[:most], start=SEPARATOR + 1)}


def word_encoder(known: dict[str, int], tokens: int) -> Encoder:
    """Segments of a text to ids (tokens,): words, segments apart by SEPARATOR, cut or padded at the end."""

    def encode(segments: Sequence[str]) -> NDArray[np.int64]:
        ids: list[int] = []
        for number, segment in enumerate(segments):
            ids += [SEPARATOR] if number else []
            ids += [known.get(word, UNKNOWN) for word in words(segment)]
        return _padded(ids, tokens)

    return encode


def wordpiece_encoder(folder: Path, tokens: int) -> Encoder:
    """The tokenizer of a local model's folder (vocab.txt, as BERT has it), special tokens included.

    Raises BadInput without the package transformers, a folder with a vocabulary, or padding that has the id 0.
    """
    if not (folder / "vocab.txt").is_file():
        raise BadInput(f"the vocabulary is a folder with a vocab.txt, found none in {folder}")
    try:
        from transformers import BertTokenizer
    except ModuleNotFoundError:
        raise BadInput("a model's vocabulary needs the package 'transformers', found none") from None
    try:
        tokenizer: Any = BertTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:
        raise BadInput(f"cannot read the vocabulary of {folder}: {error}") from error
    if tokenizer.pad_token_id != PADDING:
        raise BadInput(f"padding must have the id 0, found {tokenizer.pad_token_id} in {folder}")

    def encode(segments: Sequence[str]) -> NDArray[np.int64]:
        return _padded(tokenizer(*segments, truncation=True, max_length=tokens)["input_ids"], tokens)

    return encode


def _padded(ids: Sequence[int], tokens: int) -> NDArray[np.int64]:
    padded = np.full(tokens, PADDING, dtype=np.int64)
    padded[: len(ids)] = ids[:tokens]
    return padded

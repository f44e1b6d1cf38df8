"""Laws of product form over subsets of size k, by one dynamic program over units.

p(S) is proportional to the product of w_j over S (conditional Poisson sampling), or to the sum of such products
with one member of S marked and its weight replaced (Sampford sampling). The odds w_j = taken_j / left_j are kept
as two probabilities, so that a table entry is a probability about independent units: n of them, unit j drawn
with probability taken_j, of which s turn out drawn. Every entry is a sum of positive terms: nothing cancels, and
relative errors stay below 3 roundings a unit, also in the far tails. Units with left_j = 0 are certain, units with
taken_j = 0 are never drawn.

Sums of positive terms are folded in halves and all else is elementwise in IEEE operations, so a row gives the same
bits whatever rows stand beside it and however wide the table is.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from amss_min.designs.base import WORD

MOST_ENTRIES = 2**25
"""The largest table of one call, 256 MiB: rows * (n + 1) * (k + 2), twice that for Sampford sampling."""


class Odds(NamedTuple):
    """The units of R rows: taken and left float64 (R, n), each pair in the ratio w_j : 1 with sum 1."""

    taken: Tensor
    left: Tensor


def single_row(p: Tensor, k: int | Tensor) -> Tensor:
    """The one row (n,) where all rows of p are one row expanded and k is an int, else p: equal rows share a table."""
    leading = zip(p.shape[:-1], p.stride()[:-1], strict=True)
    alike = p.numel() > 0 and all(size == 1 or stride == 0 for size, stride in leading)
    return p[(0,) * (p.ndim - 1)] if isinstance(k, int) and alike else p


def most_drawn(k: int | Tensor, n: int) -> int:
    """The largest count of a batch, for the width of its tables; n for counts on a device, which are not waited for."""
    if isinstance(k, int):
        return min(k, n)
    return min(int(k.max()), n) if k.device.type == "cpu" and k.numel() else n


def tables(odds: Odds, most: int, *, marked: bool) -> Tensor:
    """Tables of the leading units: entry [t, row, m, 1 + s] is the weight of s drawn and m marked among the first t.

    With x, y = taken, left of unit t: F'_m(s) = y F_m(s) + x F_m(s - 1) + x y F_{m-1}(s - 1), the last term for m = 1
    in Sampford sampling only (a marked unit is drawn and weighs x y in place of x). The column before s = 0 is zero.
    float64 (n + 1, R, 1 or 2, most + 2). Cost: O(n most) a row, a Python loop over units.
    Raises ValueError beyond 2^25 entries.
    """
    rows, n = odds.taken.shape
    shape = (n + 1, rows, 2 if marked else 1, most + 2)
    if rows * (n + 1) * shape[2] * shape[3] > MOST_ENTRIES:
        raise ValueError(
            f"designs of product form take tables of at most 2^25 entries, found {rows} rows of {n} units at "
            f"k={most}: draw fewer rows at a time, or take another design for long rows"
        )
    table = odds.taken.new_zeros(shape)
    table[0, :, 0, 1] = 1.0
    for unit, (x, y) in enumerate(zip(*_columns(odds), strict=True)):
        _step(table[unit], x, y, table[unit + 1])
    return table


def trailing_tables(odds: Odds, most: int, *, marked: bool) -> Tensor:
    """As `tables`, of the units from t on: entry [t] is about units t, ..., n - 1, and entry [n] about none."""
    return tables(Odds(odds.taken.flip(-1), odds.left.flip(-1)), most, marked=marked).flip(0)


def others(odds: Odds, count: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """P(count - 1 drawn) and P(count drawn) among the others of each unit (conditional Poisson): float64 (R, n) each.

    The inclusion probability of unit j is x a / (x a + y b), of this pair a, b and of x, y = taken, left.
    """
    rows = len(count)
    both = Odds(*(torch.cat([side, side.flip(-1)]) for side in odds))  # one loop for both directions
    table = tables(both, most, marked=False)
    before, after = table[:-1, :rows], table[:-1, rows:].flip(0)
    return _met(before, after, count - 1).T, _met(before, after, count).T


def joint(odds: Odds, count: Tensor, most: int, *, marked: bool) -> Tensor:
    """Weight of the samples that hold units i and j, over the weight of all: float64 (R, n, n).

    forced[i] is the table of the units so far with unit i drawn for certain; met with the table of the units after j
    it gives all i < j at once. Where all samples weigh nothing (Sampford sampling without uncertain units) the result
    is not a number. Memory O(n k) a row, cost O(n^2 k).
    """
    (rows, n), after = odds.taken.shape, trailing_tables(odds, most, marked=marked)
    total = after[0, :, -1].gather(-1, count.unsqueeze(-1) + 1)
    result = odds.taken.new_zeros(rows, n, n)
    forced = after.new_zeros(n + 1, *after.shape[1:])
    forced[0, :, 0, 1] = 1.0  # the last of `forced` is the table with no unit forced
    for unit, (x, y) in enumerate(zip(*_columns(odds), strict=True)):
        forced[unit + 1] = forced[unit]
        held = _taken(forced[: unit + 2], x, y)
        result[:, : unit + 1, unit] = _met(held[:-1], after[unit + 1].expand_as(held[:-1]), count).T
        forced[: unit + 2] *= y
        forced[: unit + 2] += held
        forced[unit] = held[unit]
    upper = result / total.unsqueeze(-1)
    return upper + upper.triu(1).mT


def drawn(odds: Odds, count: Tensor, bits: Tensor, most: int, *, marked: bool) -> Tensor:
    """The sample of each row of words: odds of R rows or one row, count likewise, bits (R, n); bool (R, n).

    Unit after unit, j is drawn iff its word lies below 2^62 P(j drawn | the units before). With s units still to draw,
    all ways to go on weigh c F_0(s) + F_1(s), F the table of the units to come: c is 1 in conditional Poisson
    sampling, without F_1; in Sampford sampling it is the sum of left_i over the units drawn, any of which may hold the
    mark. The smaller of P(j drawn | ...) and its complement errs by at most 8 (n + 1) roundings and one word
    (`threshold`; theory/product_pieces.py derives it), and a sample of positive probability can always be drawn.
    """
    rows, n = bits.shape
    after = trailing_tables(odds, most, marked=marked)
    held = odds.taken > 0
    ahead = held.flip(-1).cumsum(-1).flip(-1) - held.to(torch.int64)  # units after this one that can be drawn
    wanted = count.expand(rows).clone()
    carried = after.new_full((rows, 1), 0.0 if marked else 1.0)
    mask = torch.empty(rows, n, dtype=torch.bool, device=bits.device)
    for unit, (x, y) in enumerate(zip(*_columns(odds), strict=True)):
        table = after[unit + 1].expand(rows, -1, -1)
        columns = torch.stack([wanted, wanted + 1], -1).unsqueeze(1).expand(-1, table.shape[1], -1)
        found = table.gather(-1, columns)  # for s - 1 and s
        x, y = x[..., 0], y[..., 0]
        joined = carried + y if marked else carried
        inside, outside = joined * found[:, 0, :1], carried * found[:, 0, 1:]
        if marked:
            inside, outside = inside + found[:, 1, :1], outside + found[:, 1, 1:]
        must = wanted > ahead[:, unit]
        chosen = bits[:, unit] < threshold((x * inside).squeeze(-1), (y * outside).squeeze(-1), must)
        mask[:, unit] = chosen
        wanted -= chosen.to(torch.int64)
        carried = torch.where(chosen.unsqueeze(-1), joined, carried)
    return mask


def threshold(inside: Tensor, outside: Tensor, must: Tensor) -> Tensor:
    """2^62 inside / (inside + outside) as int64, and exactly 0 or 2^62 where inside or outside is 0.

    The smaller of the two shares is rounded to whole words, at least one: so both it and its complement are relatively
    accurate. Where both weigh nothing, which no sample of positive probability meets, `must` decides.
    """
    words = (torch.minimum(inside, outside) / (inside + outside) * WORD).round_().to(torch.int64).clamp_min_(1)
    cut = torch.where(inside <= outside, words, WORD - words)
    cut = torch.where(outside > 0, cut, WORD)
    return torch.where(inside > 0, cut, torch.where(outside > 0, 0, must * WORD))


def folded(values: Tensor) -> Tensor:
    """Sums over the last axis, halves onto halves: zeros appended to the axis change no bit. Overwrites its input."""
    width = values.shape[-1]
    while width > 1:
        half = 1 << (width - 1).bit_length() - 1
        values[..., : width - half] += values[..., half:width]
        width = half
    return values[..., 0]


def _columns(odds: Odds) -> tuple[list[Tensor], list[Tensor]]:
    """taken and left, unit by unit, each (R, 1, 1)."""
    taken, left = (list(side.T.contiguous().unsqueeze(-1).unsqueeze(-1)) for side in odds)
    return taken, left


def _taken(table: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The table (..., R, m, most + 2) with one more unit that is drawn for certain."""
    held = torch.zeros_like(table)
    torch.mul(table[..., :-1], x, out=held[..., 1:])
    if table.shape[-2] == 2:
        held[..., 1, 1:] += table[..., 0, :-1] * (x * y)[..., 0]
    return held


def _step(table: Tensor, x: Tensor, y: Tensor, out: Tensor) -> None:
    """One more unit: out = y table + `_taken`."""
    torch.mul(table, y, out=out)
    out += _taken(table, x, y)


def _met(before: Tensor, after: Tensor, count: Tensor) -> Tensor:
    """Weight of all ways to draw count units (and the mark) from two parts: tables (t, R, m, most + 2) to (t, R)."""
    width = before.shape[-1]
    columns = (count.unsqueeze(-1) + 2 - torch.arange(width, device=count.device)).clamp_(0, width - 1)
    opposite = after.flip(-2).gather(-1, columns.unsqueeze(-2).expand_as(after))
    return folded((before * opposite).sum(-2))

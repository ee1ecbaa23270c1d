"""The LSTM with peepholes (Gers & Schmidhuber 2000, in the form of Graves 2013).

    i_t = sigmoid(W_i x_t + U_i h_{t-1} + p_i * c_{t-1} + b_i)
    f_t = sigmoid(W_f x_t + U_f h_{t-1} + p_f * c_{t-1} + b_f)
    g_t = tanh(W_g x_t + U_g h_{t-1} + b_g)
    c_t = f_t * c_{t-1} + i_t * g_t
    o_t = sigmoid(W_o x_t + U_o h_{t-1} + p_o * c_t + b_o)
    h_t = o_t * tanh(c_t)

torch has no such cell. `jpseq.scratch.peephole_lstm` is the same with every step written out.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from jpseq.batch import Batch
from jpseq.network.dropout import Dropout

sigmoid_backward = torch.ops.aten.sigmoid_backward
tanh_backward = torch.ops.aten.tanh_backward


class PeepholeLSTM(nn.Module):
    """One layer of it, in one direction or both.

    Sequences are packed: of each step exactly those are computed that have it. All gates are one
    product a step; W x_t of all steps is one product before, and the gradients of weights are one
    product over all steps after.

    Args:
        input_size: features of x_t.
        hidden_size: features of h_t in each direction.
        bidirectional: read from the end, too: D is 2, else 1.
        dropout: share of h_{t-1} dropped while training on its way to the gates, the same features
            at all steps of a sequence (Gal & Ghahramani 2016).
    """

    def __init__(
        self, input_size: int, hidden_size: int, bidirectional: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.dropout = Dropout(dropout)
        self.directions = nn.ModuleList(
            _Direction(input_size, hidden_size) for _ in range(2 if bidirectional else 1)
        )

    def forward(self, batch: Batch, initial: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Read the sequences.

        Args:
            batch: values (B, T, input_size).
            initial: (D, B, hidden_size) h, and c of the same shape.

        Returns:
            outputs (B, T, D * hidden_size), zero where there is padding, and the last h and c, for
            an empty sequence the initial ones.
        """
        size, steps, features = batch.values.shape
        x = batch.values.reshape(size * steps, features)
        dtype = next(self.parameters()).dtype
        outputs, hidden, cell = [], [], []
        for backwards, direction in enumerate(self.directions):
            packing = _pack(batch.lengths, steps, bool(backwards), x.device)
            h_0, c_0 = (part[backwards].to(dtype) for part in initial)
            start = (part.index_select(0, packing.order) for part in (h_0, c_0))
            kept = None
            if self.training and self.dropout.p:
                kept = self.dropout(h_0.new_ones(len(packing.order), h_0.shape[1]))
            h, c = direction(x.index_select(0, packing.rows), *start, kept, packing.sizes)
            flat = h.new_zeros(size * steps, h.shape[1]).index_copy(0, packing.rows, h)
            outputs.append(flat.view(size, steps, -1))
            hidden.append(h_0.index_copy(0, packing.order, h.index_select(0, packing.ends)))
            cell.append(c_0.index_copy(0, packing.order, c.index_select(0, packing.ends)))
        return torch.cat(outputs, 2), [torch.stack(hidden), torch.stack(cell)]


class _Direction(nn.Module):
    """The weights of one direction, gates in torch's order: input, forget, cell, output."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.empty(4 * hidden_size))
        # The rows are p_i, p_f, p_o. From 0: it begins as an LSTM.
        self.peephole = nn.Parameter(torch.zeros(3, hidden_size))
        for parameter in (self.weight_ih, self.weight_hh, self.bias):
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)  # as torch does

    def forward(
        self, x: Tensor, h: Tensor, c: Tensor, kept: Tensor | None, sizes: list[int]
    ) -> tuple[Tensor, Tensor]:
        """Packed x (N, I), first h and c (B, H), mask (B, H) → all h and all c, (N, H)."""
        device = x.device.type
        fast = torch.is_autocast_enabled(device)
        product = torch.get_autocast_dtype(device) if fast else self.bias.dtype
        weights = (self.weight_ih, self.weight_hh, self.bias, self.peephole)
        # Everything is cast once in there, not once a step by autocast.
        with torch.autocast(device, enabled=False):
            outputs: tuple[Tensor, Tensor] = _PeepholeLSTM.apply(  # type: ignore[no-untyped-call]
                x.to(product), h, c, kept, *weights, sizes, product
            )
        return outputs


class _Packing(NamedTuple):
    """Steps in turn, and of each the sequences that have it, the longest first."""

    order: Tensor
    """(S,) the sequences that are not empty, the longest first."""
    rows: Tensor
    """(N,) of (B * T) rows, in the order in which they are read."""
    sizes: list[int]
    """How many of them each step has."""
    ends: Tensor
    """(S,) where in `rows` each sequence has its last one."""


def _pack(lengths: Tensor, steps: int, backwards: bool, device: torch.device) -> _Packing:
    lengths = lengths.cpu()
    order = torch.argsort(lengths, descending=True, stable=True)[: int((lengths > 0).sum())]
    ordered = lengths[order]
    has = torch.arange(steps)[:, None] < ordered
    step, sequence = has.nonzero(as_tuple=True)
    rows = order[sequence] * steps + (ordered[sequence] - 1 - step if backwards else step)
    sizes = has.sum(1)
    ends = (sizes.cumsum(0) - sizes)[ordered - 1] + torch.arange(len(order))
    return _Packing(
        order.to(device), rows.to(device), [n for n in sizes.tolist() if n], ends.to(device)
    )


class _PeepholeLSTM(Function):
    """All steps, with BPTT by hand."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        h_0: Tensor,
        c_0: Tensor,
        kept: Tensor | None,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        peephole: Tensor,
        sizes: list[int],
        product: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        rows, hidden = len(x), len(bias) // 4
        gates = torch.mm(x, weight_ih.to(product).t()).to(bias.dtype).add_(bias)
        recurrent = weight_hh.to(product).t()
        # The initial state stands before the first step's: what went before a step is a slice.
        h, c = (torch.cat([part, part.new_empty(rows, hidden)]) for part in (h_0, c_0))
        tanh_c = h.new_empty(rows, hidden)
        before, start = 0, 0
        for n in sizes:
            h_before, c_before = h[before : before + n], c[before : before + n]
            before = len(h_0) + start
            h_t, c_t = h[before : before + n], c[before : before + n]
            a, tanh_c_t = gates[start : start + n], tanh_c[start : start + n]
            read = h_before if kept is None else h_before * kept[:n]
            if product == a.dtype:
                a.addmm_(read, recurrent)
            else:
                a.add_(torch.mm(read.to(product), recurrent))
            a = a.view(n, 4, hidden)
            i, f, g, o = a.unbind(1)
            a[:, :2].addcmul_(c_before.unsqueeze(1), peephole[:2]).sigmoid_()
            torch.mul(f, c_before, out=c_t).addcmul_(i, g.tanh_())
            o.addcmul_(c_t, peephole[2]).sigmoid_()
            torch.mul(o, torch.tanh(c_t, out=tanh_c_t), out=h_t)
            start += n
        ctx.save_for_backward(x, h, c, kept, weight_ih, weight_hh, peephole, gates, tanh_c)
        ctx.sizes, ctx.product = sizes, product
        ctx.set_materialize_grads(False)
        return h[len(h_0) :], c[len(c_0) :]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_h: Tensor | None, d_c: Tensor | None) -> tuple[Tensor | None, ...]:
        x, h, c, kept, weight_ih, weight_hh, peephole, gates, tanh_c = ctx.saved_tensors
        rows, hidden = tanh_c.shape
        size, product = len(h) - rows, ctx.product
        h_before, c_before = _before(h, ctx.sizes), _before(c, ctx.sizes)
        i, f, g, o = gates.view(rows, 4, hidden).unbind(1)
        # What does not depend on gradients from later steps is there for all steps at once: how the
        # gates' inputs follow c_t (i, f, g) and h_t (o), how c_t follows h_t, and c_{t-1} c_t.
        da = torch.empty_like(gates).view(rows, 4, hidden)
        sigmoid_backward.grad_input(g, i, grad_input=da[:, 0])
        sigmoid_backward.grad_input(c_before, f, grad_input=da[:, 1])
        tanh_backward.grad_input(i, g, grad_input=da[:, 2])
        sigmoid_backward.grad_input(tanh_c, o, grad_input=da[:, 3])
        c_by_h = tanh_backward(o, tanh_c).addcmul_(da[:, 3], peephole[2])
        c_by_c = torch.addcmul(f, da[:, 0], peephole[0]).addcmul_(da[:, 1], peephole[1])

        recurrent, flat = weight_hh.to(product), da.view(rows, 4 * hidden)
        dh, dc = h.new_zeros(size, hidden), h.new_zeros(size, hidden)
        end = rows
        for n in reversed(ctx.sizes):
            step = slice(end - n, end)
            end -= n
            dh_t, dc_t, da_t = dh[:n], dc[:n], da[step]
            if d_h is not None:
                dh_t.add_(d_h[step])
            if d_c is not None:
                dc_t.add_(d_c[step])
            dc_t.addcmul_(dh_t, c_by_h[step])
            da_t[:, :3].mul_(dc_t.unsqueeze(1))
            da_t[:, 3].mul_(dh_t)
            dc_t.mul_(c_by_c[step])
            if product == dh.dtype:
                torch.mm(flat[step], recurrent, out=dh_t)
            else:
                dh_t.copy_(torch.mm(flat[step].to(product), recurrent))
            if kept is not None:
                dh_t.mul_(kept[:n])

        if kept is not None:
            h_before = h_before * torch.cat([kept[:0], *(kept[:n] for n in ctx.sizes)])
        low = flat.to(product)
        d_x = torch.mm(low, weight_ih.to(product)) if ctx.needs_input_grad[0] else None
        d_weight_ih = torch.mm(low.t(), x).to(dh.dtype)
        d_weight_hh = torch.mm(low.t(), h_before.to(product)).to(dh.dtype)
        seen = (c_before, c_before, c[size:])
        d_peephole = [(da[:, k] * c_k).sum(0) for k, c_k in zip((0, 1, 3), seen, strict=True)]
        gradients = (d_weight_ih, d_weight_hh, flat.sum(0), torch.stack(d_peephole))
        return d_x, dh, dc, None, *gradients, None, None


def _before(parts: Tensor, sizes: list[int]) -> Tensor:
    """Of (S + N, H), the initial rows and those of all steps, what went before each of the N."""
    if len(set(sizes)) < 2:
        return parts[: sum(sizes)]
    starts = [0, *(sizes[0] + end - n for end, n in zip(accumulate(sizes), sizes, strict=True))]
    return torch.cat([parts[s : s + n] for s, n in zip(starts, sizes, strict=False)])

"""The innermost loops of word2vec as vector instructions.

numba leaves it to LLVM to make vector instructions of a loop, and LLVM does not keep a block of a
matrix product in registers. So the products are written here as LLVM instructions: each reads
a vector of every row that it needs, and uses it in as many multiplications as there are rows on
the other side before it reads the next. `plain_code.py` has the same functions as loops, to be read
first, and for processors without such vectors.

Rows are float32 with a whole number of vectors; a row is given by the place where it begins in
the flat array.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import binding, ir
from numba import njit
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from jpseq.embedding.plain_code import ARTANH, EXP2, LOG2_E, OPTIONS, OUTPUTS

F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
FAST = ("fast",)


def vector_width() -> int:
    """float32 values in a vector of the processor that numba compiles for: 16, 8, or 0 for none.

    16 are for AVX-512, 8 for AVX2. NUMBA_CPU_NAME may name another processor than this one; of
    those only haswell, the first with AVX2, is known here.
    """
    name = getattr(config, "CPU_NAME", None)
    if name not in (None, "host"):
        return 8 if name == "haswell" else 0
    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 16
    return 8 if features.get("avx2") and features.get("fma") else 0


WIDTH = vector_width()
Vector = ir.VectorType(F32, WIDTH or 4)
Value = Any
"""A value of the program that is being written; llvmlite has no types."""


_declared: Any = cgutils.get_or_insert_function


class Writer:
    """Writes vector instructions into the function that is being compiled."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context = context
        self.builder = builder

    def data(self, kind: Any, array: Value) -> Value:
        """Where the values of an array begin."""
        return self.context.make_array(kind)(self.context, self.builder, value=array).data

    def item(self, base: Value, place: Value) -> Value:
        """One value of an array."""
        return self.builder.load(self.builder.gep(base, [place]))

    def row(self, base: Value, places: Value, number: int) -> Value:
        """Where a row begins, by its number among places."""
        return self.builder.gep(base, [self.item(places, I64(number))])

    def load(self, row: Value, step: Value) -> Value:
        """The vector that begins `step` values after a row's beginning."""
        return self.builder.load(self._vector_at(row, step), align=4)

    def store(self, vector: Value, row: Value, step: Value) -> None:
        self.builder.store(vector, self._vector_at(row, step), align=4)

    def _vector_at(self, row: Value, step: Value) -> Value:
        place = self.builder.gep(row, [step])
        return self.builder.bitcast(place, Vector.as_pointer())

    def spread(self, value: Value) -> Value:
        """A vector that holds one value everywhere."""
        start = ir.Constant(Vector, ir.Undefined)
        first = self.builder.insert_element(start, value, I32(0))
        return self.shuffle(first, first, [0] * WIDTH)

    def shuffle(self, a: Value, b: Value, places: Sequence[int]) -> Value:
        """Values of a, numbered from 0, and of b, numbered from WIDTH."""
        mask = ir.Constant(ir.VectorType(I32, len(places)), list(places))
        return self.builder.shuffle_vector(a, b, mask)

    def add(self, a: Value, b: Value) -> Value:
        return self.builder.fadd(a, b, flags=FAST)

    def multiply(self, a: Value, b: Value) -> Value:
        return self.builder.fmul(a, b, flags=FAST)

    def multiply_add(self, a: Value, b: Value, c: Value) -> Value:
        """a b + c, which becomes one instruction."""
        return self.add(self.multiply(a, b), c)

    def subtract(self, a: Value, b: Value) -> Value:
        return self.builder.fsub(a, b, flags=FAST)

    def divide(self, a: Value, b: Value) -> Value:
        return self.builder.fdiv(a, b, flags=FAST)

    def constant(self, value: float) -> Value:
        """A vector that holds one number everywhere, known beforehand."""
        return ir.Constant(Vector, [value] * WIDTH)

    def call(self, name: str, *vectors: Value) -> Value:
        """One of LLVM's own functions, on each value by itself."""
        kind = ir.FunctionType(Vector, [Vector] * len(vectors))
        full = f"llvm.{name}.v{WIDTH}f32"
        function = _declared(self.builder.module, kind, full)
        return self.builder.call(function, vectors)

    def polynomial(self, coefficients: Sequence[Any], x: Value) -> Value:
        """coefficients[0] + coefficients[1] x + ... (Horner)."""
        *lower, result = (self.constant(float(coefficient)) for coefficient in coefficients)
        for coefficient in reversed(lower):
            result = self.multiply_add(result, x, coefficient)
        return result

    def power_of_2(self, x: Value) -> Value:
        """2^x for -127 <= x <= 0, where 2^-127 is 0: whole powers are made in the exponent."""
        whole = self.call("rint", x)
        integers = ir.VectorType(I32, WIDTH)
        bias, digits = (ir.Constant(integers, [value] * WIDTH) for value in (127, 23))
        exponent = self.builder.add(self.builder.fptosi(whole, integers), bias)
        scale = self.builder.bitcast(self.builder.shl(exponent, digits), Vector)
        return self.multiply(self.polynomial(EXP2, self.subtract(x, whole)), scale)

    def accumulate(self, vector: Value, totals: Value) -> None:
        """Add a vector to WIDTH totals in double precision."""
        kind = ir.VectorType(ir.DoubleType(), WIDTH)
        place = self.builder.bitcast(totals, kind.as_pointer())
        total = self.builder.load(place, align=8)
        added = self.builder.fadd(total, self.builder.fpext(vector, kind), flags=FAST)
        self.builder.store(added, place, align=8)

    def loop(
        self,
        end: Value,
        step: int,
        carried: Sequence[Value],
        body: Callable[[Value, list[Value]], list[Value]],
    ) -> list[Value]:
        """for i in range(0, end, step): carried = body(i, carried); end is at least 1.

        Returns:
            what is carried, after the last round.
        """
        builder = self.builder
        before = builder.block
        inside, after = (builder.append_basic_block(name) for name in ("loop", "after"))
        builder.branch(inside)
        builder.position_at_end(inside)
        index = builder.phi(I64)
        held = [builder.phi(value.type) for value in carried]
        changed = body(index, list(held))
        following = builder.add(index, I64(step))
        last = builder.block
        for phi, first, now in zip(
            [index, *held], [I64(0), *carried], [following, *changed], strict=True
        ):
            phi.add_incoming(first, before)
            phi.add_incoming(now, last)
        builder.cbranch(builder.icmp_signed("<", following, end), inside, after)
        builder.position_at_end(after)
        return changed

    def sums(self, vectors: Sequence[Value]) -> Value:
        """The sums of up to WIDTH vectors, side by side in one.

        Vectors are added up pair by pair: half of one beside half of the other. So the number of
        vectors halves each time, and no vector is summed up alone.
        """
        held = [*vectors, *[self.constant(0)] * (WIDTH - len(vectors))]
        owners = [[number] * WIDTH for number in range(WIDTH)]  # whose sum each value is part of
        size = WIDTH
        while len(held) > 1:
            half, merged, merged_owners = len(held) // 2, [], []
            for one, other in zip(range(half), range(half, len(held)), strict=True):
                low: list[int] = []
                high: list[int] = []
                owner: list[int] = []
                for start in range(0, WIDTH, size):
                    for base, number in ((0, one), (WIDTH, other)):
                        places = range(base + start, base + start + size)
                        low += places[: size // 2]
                        high += places[size // 2 :]
                        owner += [owners[number][start]] * (size // 2)
                a, b = held[one], held[other]
                merged.append(self.add(self.shuffle(a, b, low), self.shuffle(a, b, high)))
                merged_owners.append(owner)
            held, owners, size = merged, merged_owners, size // 2
        order = [owners[0].index(number) for number in range(WIDTH)]
        return self.shuffle(held[0], held[0], order)


def vector_function(write: Callable[..., None]) -> Any:
    """A function for numba's code; `write` gets a Writer, and arrays as where they begin."""

    def function(_: Any, *kinds: Any) -> Any:
        def generate(context: Any, builder: Any, given: Any, arguments: Any) -> Any:
            writer = Writer(context, builder)
            values = [
                writer.data(kind, value) if isinstance(kind, types.Array) else value
                for kind, value in zip(given.args, arguments, strict=True)
            ]
            write(writer, *values)
            return context.get_dummy_value()

        whole = [
            kind if isinstance(kind, types.Array | types.Float) else types.int64 for kind in kinds
        ]
        return types.void(*whole), generate

    function.__signature__ = inspect.signature(write)  # type: ignore[attr-defined]
    return intrinsic(function)


def _write_scores(writer: Writer, sums: Sequence[Value], scores: Value, place: Value) -> None:
    """The sums of vectors, one after another; what is written behind the last means nothing."""
    for start in range(0, len(sums), WIDTH):
        position = writer.builder.add(place, I64(start))
        writer.store(writer.sums(sums[start : start + WIDTH]), scores, position)


def _dots(inputs: int) -> Any:
    """dots for so many rows of the input layer: `inputs` OUTPUTS sums stay in registers."""

    def dots(
        writer: Writer,
        x: Value,
        at: Value,
        first: Value,
        o: Value,
        to: Value,
        size: Value,
        scores: Value,
        place: Value,
    ) -> None:
        at = writer.builder.gep(at, [first])
        rows = [writer.row(x, at, c) for c in range(inputs)]
        outputs = [writer.row(o, to, m) for m in range(OUTPUTS)]

        def column(step: Value, sums: list[Value]) -> list[Value]:
            values = [writer.load(row, step) for row in rows]
            for m, row in enumerate(outputs):
                output = writer.load(row, step)
                for c, value in enumerate(values):
                    number = c * OUTPUTS + m
                    sums[number] = writer.multiply_add(value, output, sums[number])
            return sums

        sums = writer.loop(size, WIDTH, [writer.constant(0)] * (inputs * OUTPUTS), column)
        _write_scores(writer, sums, scores, place)

    return vector_function(dots)


_dots_1, _dots_2, _dots_4 = _dots(1), _dots(2), _dots(4)


@njit(**OPTIONS)  # type: ignore[untyped-decorator]
def dots(x: Any, at: Any, count: Any, o: Any, to: Any, size: Any, scores: Any) -> None:
    """As in plain_code, four rows at a time."""
    first = 0
    while first + 4 <= count:
        _dots_4(x, at, first, o, to, size, scores, first * OUTPUTS)
        first += 4
    if first + 2 <= count:
        _dots_2(x, at, first, o, to, size, scores, first * OUTPUTS)
        first += 2
    if first < count:
        _dots_1(x, at, first, o, to, size, scores, first * OUTPUTS)


@vector_function
def update(
    writer: Writer,
    x: Value,
    at: Value,
    count: Value,
    o: Value,
    to: Value,
    size: Value,
    steps: Value,
) -> None:
    outs = [writer.row(o, to, m) for m in range(OUTPUTS)]

    def column(step: Value, _: list[Value]) -> list[Value]:
        outputs = [writer.load(row, step) for row in outs]

        def one_input(c: Value, changes: list[Value]) -> list[Value]:
            row = writer.builder.gep(x, [writer.item(at, c)])
            old = new = writer.load(row, step)
            first = writer.builder.mul(c, I64(OUTPUTS))
            for m, output in enumerate(outputs):
                factor = writer.spread(writer.item(steps, writer.builder.add(first, I64(m))))
                new = writer.multiply_add(factor, output, new)
                changes[m] = writer.multiply_add(factor, old, changes[m])
            writer.store(new, row, step)
            return changes

        changes = writer.loop(count, 1, [writer.constant(0)] * OUTPUTS, one_input)
        for row, change in zip(outs, changes, strict=True):  # read again: two rows may be one
            writer.store(writer.add(writer.load(row, step), change), row, step)
        return []

    writer.loop(size, WIDTH, [], column)


@vector_function
def mean_dots(
    writer: Writer,
    x: Value,
    at: Value,
    count: Value,
    mean: Value,
    o: Value,
    to: Value,
    size: Value,
    scores: Value,
) -> None:
    outputs = [writer.row(o, to, m) for m in range(OUTPUTS)]
    inverse = writer.builder.fdiv(ir.Constant(F32, 1.0), writer.builder.sitofp(count, F32))
    factor = writer.spread(inverse)

    def column(step: Value, sums: list[Value]) -> list[Value]:
        def one_input(c: Value, total: list[Value]) -> list[Value]:
            row = writer.builder.gep(x, [writer.item(at, c)])
            return [writer.add(total[0], writer.load(row, step))]

        (total,) = writer.loop(count, 1, [writer.constant(0)], one_input)
        value = writer.multiply(total, factor)
        writer.store(value, mean, step)
        return [
            writer.multiply_add(value, writer.load(row, step), held)
            for row, held in zip(outputs, sums, strict=True)
        ]

    sums = writer.loop(size, WIDTH, [writer.constant(0)] * OUTPUTS, column)
    _write_scores(writer, sums, scores, I64(0))


@vector_function
def update_mean(
    writer: Writer,
    x: Value,
    at: Value,
    count: Value,
    mean: Value,
    o: Value,
    to: Value,
    size: Value,
    steps: Value,
) -> None:
    outs = [writer.row(o, to, m) for m in range(OUTPUTS)]
    factors = [writer.spread(writer.item(steps, I64(m))) for m in range(OUTPUTS)]

    def column(step: Value, _: list[Value]) -> list[Value]:
        value = writer.load(mean, step)
        outputs = [writer.load(row, step) for row in outs]
        change = writer.constant(0)
        for factor, output in zip(factors, outputs, strict=True):
            change = writer.multiply_add(factor, output, change)
        for factor, row in zip(factors, outs, strict=True):  # read again: two rows may be one
            writer.store(writer.multiply_add(factor, value, writer.load(row, step)), row, step)

        def one_input(c: Value, _: list[Value]) -> list[Value]:
            row = writer.builder.gep(x, [writer.item(at, c)])
            writer.store(writer.add(writer.load(row, step), change), row, step)
            return []

        writer.loop(count, 1, [], one_input)
        return []

    writer.loop(size, WIDTH, [], column)


@vector_function
def compose(
    writer: Writer,
    x: Value,
    at: Value,
    count: Value,
    near: Value,
    came: Value,
    place: Value,
    size: Value,
) -> None:
    inverse = writer.builder.fdiv(ir.Constant(F32, 1.0), writer.builder.sitofp(count, F32))
    factor = writer.spread(inverse)
    places = [writer.builder.gep(array, [place]) for array in (near, came)]

    def column(step: Value, _: list[Value]) -> list[Value]:
        def one_row(c: Value, total: list[Value]) -> list[Value]:
            row = writer.builder.gep(x, [writer.item(at, c)])
            return [writer.add(total[0], writer.load(row, step))]

        (total,) = writer.loop(count, 1, [writer.constant(0)], one_row)
        for row in places:
            writer.store(writer.multiply(total, factor), row, step)
        return []

    writer.loop(size, WIDTH, [], column)


@vector_function
def distribute(
    writer: Writer,
    x: Value,
    at: Value,
    count: Value,
    near: Value,
    came: Value,
    place: Value,
    size: Value,
) -> None:
    now, before = (writer.builder.gep(array, [place]) for array in (near, came))

    def column(step: Value, _: list[Value]) -> list[Value]:
        # Not "fast": the difference is taken first, so that what has not changed changes no row.
        change = writer.builder.fsub(writer.load(now, step), writer.load(before, step))

        def one_row(c: Value, _: list[Value]) -> list[Value]:
            row = writer.builder.gep(x, [writer.item(at, c)])
            writer.store(writer.builder.fadd(writer.load(row, step), change), row, step)
            return []

        writer.loop(count, 1, [], one_row)
        return []

    writer.loop(size, WIDTH, [], column)


@vector_function
def learn(
    writer: Writer, scores: Value, signs: Value, count: Value, rate: Value, losses: Value
) -> None:
    factor = writer.spread(rate)
    one, two, zero = writer.constant(1), writer.constant(2), writer.constant(0)

    def vector(step: Value, _: list[Value]) -> list[Value]:
        sign = writer.load(signs, step)
        t = writer.multiply(sign, writer.load(scores, step))
        power = writer.multiply(writer.call("fabs", t), writer.constant(float(-LOG2_E)))
        e = writer.power_of_2(writer.call("maxnum", power, writer.constant(-127)))
        above, far = writer.add(one, e), writer.add(two, e)
        inverse = writer.divide(one, writer.multiply(above, far))
        z = writer.multiply(writer.multiply(e, above), inverse)
        series = writer.polynomial(ARTANH, writer.multiply(z, z))
        below = writer.call("maxnum", writer.subtract(zero, t), zero)
        loss = writer.multiply_add(writer.multiply(two, z), series, below)
        writer.accumulate(writer.multiply(loss, writer.multiply(sign, sign)), losses)
        wrong = writer.builder.select(writer.builder.fcmp_ordered(">=", t, zero), e, one)
        wrong = writer.multiply(wrong, writer.multiply(far, inverse))
        writer.store(writer.multiply(writer.multiply(sign, factor), wrong), scores, step)
        return []

    writer.loop(count, WIDTH, [], vector)


@vector_function
def prefetch(writer: Writer, rows: Value, place: Value, size: Value) -> None:
    row = writer.builder.gep(rows, [place])
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, I32, I32, I32])
    function = _declared(writer.builder.module, kind, "llvm.prefetch.p0")

    def line(step: Value, _: list[Value]) -> list[Value]:
        address = writer.builder.bitcast(writer.builder.gep(row, [step]), byte)
        writer.builder.call(function, [address, I32(1), I32(3), I32(1)])  # to write, keep, data
        return []

    writer.loop(size, 16, [], line)  # a line of the cache holds 16 values

"""CSV → columns of numbers and a time; what is wrong is said with file and line, or counted."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpseq import bundled
from jpseq.corpora.readers import read_table
from jpseq.corpora.table import Table
from jpseq.errors import ConfigurationError, DataError

NAN = float("nan")


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def problem(path: Path, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        read_table(path, **options)  # type: ignore[arg-type]
    assert caught.value.path == path
    return caught.value


def test_a_table_is_named_columns_of_numbers(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, '\ufeffa, "b b",c\r\n1,-2.5,3e2\r\n\r\n"4", 5 ,６\n'))
    assert table.names == ("a", "b b", "c")
    assert table.values.dtype == np.float64
    np.testing.assert_array_equal(table.values, [[1, -2.5, 300], [4, 5, 6]])
    np.testing.assert_array_equal(table["c"], [300, 6])
    assert len(table) == 2
    assert table.time is None
    assert not table.skipped


def test_an_empty_cell_is_a_gap(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, 'a,b\n1,\n"", \nnan,2'))
    np.testing.assert_array_equal(table.values, [[1, NAN], [NAN, NAN], [NAN, 2]])


def test_columns_are_chosen_by_name_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path, "day,weather,high,low\n2024-01-01,雪,3,-2\n")
    table = read_table(path, time="day", columns=["low", "high"], dtype=np.float32)
    assert table.names == ("low", "high")
    assert table.values.dtype == np.float32
    np.testing.assert_array_equal(table.values, [[-2, 3]])
    np.testing.assert_array_equal(table.time, [np.datetime64("2024-01-01")])


@pytest.mark.parametrize(
    ("cells", "dtype", "moments"),
    [
        (["1700", "1701"], "M8[Y]", ["1700", "1701"]),
        (["2024-5", "2024/12"], "M8[M]", ["2024-05", "2024-12"]),
        (
            ["20240229", "2024/3/1", '"2024-03-02"'],
            "M8[D]",
            ["2024-02-29", "2024-03-01", "2024-03-02"],
        ),
        (["2024-01-01 9:05", "2024-01-02"], "M8[m]", ["2024-01-01T09:05", "2024-01-02T00:00"]),
        (["2024-01-01T09:05:07.25"], "M8[ms]", ["2024-01-01T09:05:07.250"]),
    ],
)
def test_times_have_the_finest_unit_among_them(
    cells: list[str], dtype: str, moments: list[str], tmp_path: Path
) -> None:
    path = write(tmp_path, "x,t\n" + "".join(f"1,{cell}\n" for cell in cells))
    table = read_table(path, time="t")
    assert table.time is not None
    assert table.time.dtype == dtype
    assert table.time.astype(str).tolist() == moments


def test_a_time_may_be_any_text(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "t,x\n第1週,1\n,2\n"), time="t", time_as="text")
    assert table.time is not None
    assert table.time.tolist() == ["第1週", ""]


@pytest.mark.parametrize(
    "moment",
    [
        "",
        "1月1日",
        "2024-13",
        "2023-02-29",
        "2024-01-01 24:30",
        "2024-01-01T09:00Z",
        "２０２４",
        "24",
    ],
)
def test_what_is_no_time_is_named(moment: str, tmp_path: Path) -> None:
    error = problem(write(tmp_path, f"t,x\n2024,1\n{moment},2\n"), time="t")
    assert error.line == 3
    assert error.problem.startswith(f"the time is {moment!r}; it should be like 2024, 2024-05")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a,b\n1,2\n1,晴れ\n", 3, "column 'b' holds '晴れ', which is no number. A gap is an empty"),
        ("a\n1_000\n", 2, "column 'a' holds '1_000', which is no number."),
        ('a\n"1,000"\n', 2, "column 'a' holds '1,000', which is no number."),
        (f"a\n{'x' * 99}\n", 2, f"column 'a' holds '{'x' * 40}...', which is no number."),
        ("\na\n1\n-inf\n\n", 4, "column 'a' holds '-inf'; numbers go up to 1.8e+308."),
        ("a\n1e999\n", 2, "column 'a' holds '1e999'; numbers go up to 1.8e+308."),
        ("a,b\n1\n", 2, "a row of 1 beside a header of 2 cells."),
        ("a,b\n1,2,3\n", 2, "a row of 3 beside a header of 2 cells."),
        ('a,b\n"1,2\n3",4\n', 2, "its quotes are wrong (unexpected end of data)."),
        ('a,b\n"1"2,3\n', 2, "its quotes are wrong ("),
        ("a,b, a\n1,2,3\n", 1, "two columns have the name 'a'."),
        ("\n\na,,c\n1,2,3\n", 3, "column 2 has no name."),
        ("1,2\n3,4\n", 1, "numbers where the names of the columns should be"),
        ("a\n1\n\n\n2\n", 3, 'blank. In a table of one column a gap is written "".'),
        ("a,b\n", None, "holds no rows."),
        ("\n", None, "is empty; a table begins with the names of its columns."),
        ("a\0b\n1\n", 1, "holds a NUL byte: not a text file."),
    ],
)
def test_what_is_no_table_is_named_with_its_line(
    text: str, line: int | None, reason: str, tmp_path: Path
) -> None:
    error = problem(write(tmp_path, text))
    assert error.line == line
    assert error.problem.startswith(reason)


def test_columns_that_are_not_there_get_a_suggestion(tmp_path: Path) -> None:
    path = write(tmp_path, "date,high\n2024,1\n")
    error = problem(path, time="dates")
    assert str(error) == (
        f"{path}, line 1: there is no column 'dates'. Did you mean 'date'?"
        " The columns are date, high."
    )
    assert "no column 'low'." in problem(path, columns=["low"]).problem
    assert problem(write(tmp_path, "date\n2024\n"), time="date").problem == (
        "has no column beside the time."
    )
    with pytest.raises(DataError, match="there is no column 'c'"):
        Table(("a",), np.zeros((1, 1)))["c"]


def test_float32_has_its_own_limit(tmp_path: Path) -> None:
    path = write(tmp_path, "a\n3.4e38\n3.5e38\n")
    assert read_table(path)["a"][1] == 3.5e38
    error = problem(path, dtype="float32")
    assert (error.line, error.problem) == (
        3,
        "column 'a' holds '3.5e38'; numbers go up to 3.4e+38.",
    )


def test_bad_rows_are_skipped_and_counted_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n1,2\nx,3\n\xff,4\n5\n\n6,7\n")
    table = read_table(path, on_error="skip")
    np.testing.assert_array_equal(table.values, [[1, 2], [6, 7]])
    assert table.skipped.lines == 3
    places = [f"{path}, line {n}: " for n in (3, 4, 5)]
    assert all(map(str.startswith, table.skipped.first, places))


def test_a_header_is_never_skipped(tmp_path: Path) -> None:
    for header in (b"\xff", b"a,a", b"1,2", b'"a'):
        path = tmp_path / "a.csv"
        path.write_bytes(header + b"\n1,2\n")
        assert problem(path, on_error="skip").line == 1


def test_files_with_one_header_make_one_table(tmp_path: Path) -> None:
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"x, y\n3,4\n"))
    write(tmp_path, "x,y\n1,2\n", "a.csv")
    np.testing.assert_array_equal(read_table(tmp_path).values, [[1, 2], [3, 4]])
    other = write(tmp_path, "y,x\n1,2\n", "c.csv")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path)
    assert str(caught.value) == (
        f"{other}, line 1: the columns are y, x, and in the files before they are x, y."
    )


def test_parameters_that_cannot_be_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n")
    for options, reason in [
        ({"dtype": int}, "dtype: float64 or float32, got int64"),
        ({"time_as": "date"}, "time_as: "),
        ({"columns": "a"}, "columns: a list of names, got 'a'"),
        ({"columns": []}, "columns: a list of names"),
        ({"columns": ["a", "a"]}, "columns: a name stands twice"),
        ({"columns": ["a"], "time": "a"}, "columns: a name stands twice, or is that of the time"),
    ]:
        with pytest.raises(ConfigurationError, match=reason):
            read_table(path, **options)  # type: ignore[arg-type]


def test_the_bundled_series_are_tables() -> None:
    for path in bundled("series").glob("*.csv"):
        table = read_table(path)
        assert np.isfinite(table.values).all()
        assert len(table) == len(path.read_text(encoding="utf-8").splitlines()) - 1
    sunspots = read_table(bundled("series") / "sunspots.csv", time="year")
    assert sunspots.time is not None
    assert sunspots.time.dtype == "M8[Y]"
    assert (sunspots.time[0], sunspots["sunspots"][0]) == (np.datetime64("1700"), 5)


numbers = st.floats(allow_infinity=False)


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(numbers, min_size=width, max_size=width), min_size=1)
    )
)
def test_any_numbers_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]]
) -> None:
    header = ",".join(f"c{place}" for place in range(len(rows[0])))
    lines = "".join(",".join(map(repr, row)) + "\n" for row in rows)
    path = write(tmp_path_factory.getbasetemp(), f"{header}\n{lines}")
    np.testing.assert_array_equal(read_table(path).values, rows)

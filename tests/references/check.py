"""Reads exports back with Python's own readers and compares every cell with what was stored: `check.py FOLDER`.

The folder is written by tests/references.rs: for each export a folder with its files and export.json (request, view, as_of), and beside them
the activities as they were delivered. Local times, periods, order, duplicates, totals and filters are worked out anew (expected.py)."""

import csv
import gzip
import io
import json
import sys
import zlib
from decimal import Decimal
from pathlib import Path

import expected
from expected import Clock

KINDS = ("install", "reattribution", "event")


class Wrong(Exception):
    """A file is not as it must be."""


def demand(holds, *words):
    if not holds:
        raise Wrong(" ".join(str(word) for word in words))


def no_name_twice(pairs):
    demand(len({name for name, _ in pairs}) == len(pairs), "a name twice in", pairs)
    return dict(pairs)


def parsed(text):
    return json.loads(text, object_pairs_hook=no_name_twice)


def members(data):
    """The gzip members of a file, each unpacked by itself."""
    texts = []
    while data:
        one = zlib.decompressobj(wbits=31)
        texts.append(one.decompress(data) + one.flush())
        demand(one.eof, "a gzip member is cut")
        data = one.unused_data
    return texts


def csv_rows(data):
    """A CSV's records. Strict: a quote where none may be is an error, not a guess."""
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def check_csv(data, request, activities, clock, fields):
    excel = request.get("excel", False)
    if excel:
        demand(data.startswith(b"\xef\xbb\xbf"), "no mark before an excel file")
        data = data[3:]
    demand(data.endswith(b"\n"), "the last line does not end")
    header, *records = csv_rows(data)
    columns = expected.columns(request, header, fields)
    names = [expected.harmless(name) if excel else name for name, _, _ in columns]
    demand(header == names, "header", header, "is not", names)
    demand(len(records) == len(activities), len(records), "rows, not", len(activities))
    for number, (record, activity) in enumerate(zip(records, activities), 1):
        demand(len(record) == len(columns), "row", number, "has", len(record), "cells")
        for cell, (name, column, constant) in zip(record, columns):
            demand_cell(cell, csv_value(activity, column, constant, clock), column, excel, number, name)


def csv_value(activity, column, constant, clock):
    if column is None:
        return constant
    value = expected.value(activity, column)
    if column == "extra":
        return value
    if value is None:
        return ""
    return clock.text(value) if expected.is_time(column) else value


def demand_cell(cell, value, column, excel, number, name):
    where = f"row {number}, {name}:"
    if column == "extra" and not excel:
        demand(parsed(cell) == value, where, repr(cell), "is not", value)
        return
    text = expected.extra_text(value) if column == "extra" else value
    text = expected.harmless(text) if excel else text
    demand(cell == text, where, repr(cell), "is not", repr(text))


def check_csv_gz(data, request, activities, clock, fields):
    texts = members(data)
    demand(gzip.decompress(data) == b"".join(texts), "its members are not the file")
    # Each member is whole rows: it can be read by itself.
    count = sum(len(csv_rows(text)) for text in texts)
    demand(count == len(activities) + 1, count, "records in all members, not", len(activities) + 1)
    check_csv(b"".join(texts), request, activities, clock, fields)


def check_jsonl_gz(data, request, activities, clock, fields):
    texts = members(data)
    demand(all(text.endswith(b"\n") for text in texts), "a member does not end with a line")
    lines = b"".join(texts).decode("utf-8").split("\n")[:-1]
    demand(len(lines) == len(activities), len(lines), "lines, not", len(activities))
    for number, (line, activity) in enumerate(zip(lines, activities), 1):
        found = parsed(line)
        wanted = json_object(request, activity, clock, fields, list(found))
        demand(list(found.items()) == list(wanted.items()), "line", number, found, "is not", wanted)


def json_object(request, activity, clock, fields, names):
    if request.get("columns") is None:
        # Of the default columns those without a value are left out: what is there stands in their order.
        columns = [(name, name, None) for name in names]
        absent = [name for name in fields if expected.value(activity, name) is not None and name not in names]
        demand(not absent and all(name in names for name in expected.FIRST + expected.LAST), absent, "left out of", names)
    else:
        columns = expected.columns(request, None, fields)
    wanted = {}
    for name, column, constant in columns:
        value = constant if column is None else expected.value(activity, column)
        if value is not None:
            wanted[name] = clock.rfc3339(value) if column and expected.is_time(column) else value
    return wanted


def check_parquet(path, request, activities, clock, fields):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    header = table.column_names
    columns = expected.columns(request, header, fields)
    demand(header == [name for name, _, _ in columns], "header", header)
    demand(table.num_rows == len(activities), table.num_rows, "rows, not", len(activities))
    for (name, column, constant), cells in zip(columns, table.columns):
        is_time = column is not None and expected.is_time(column)
        kind = pa.timestamp("ms", tz="UTC") if is_time else pa.string()
        demand(cells.type == kind, name, "is", cells.type, "not", kind)
        found = cells.cast(pa.int64()).to_pylist() if is_time else cells.to_pylist()
        for number, (cell, activity) in enumerate(zip(found, activities), 1):
            value = constant if column is None else expected.value(activity, column)
            cell = parsed(cell) if column == "extra" else cell
            demand(cell == value, f"row {number}, {name}:", repr(cell), "is not", repr(value))


def check_file(path, request, activities, clock, fields):
    if path.suffix == ".parquet":
        check_parquet(path, request, activities, clock, fields)
        return
    check = {".csv": check_csv, ".csv.gz": check_csv_gz, ".jsonl.gz": check_jsonl_gz}["".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:])]
    check(path.read_bytes(), request, activities, clock, fields)


def check_totals(told, activities, clock):
    wanted = expected.totals(activities, clock)
    demand(told["rows_by_day"] == wanted["rows_by_day"], told["rows_by_day"], "is not", wanted["rows_by_day"])
    demand(told["unsummed"] == wanted["unsummed"], told["unsummed"], "unsummed, not", wanted["unsummed"])
    for name in ("revenue", "revenue_by_day"):
        demand(exact(told[name]) == wanted[name], name, told[name], "is not", wanted[name])


def exact(sums):
    return {name: exact(of) if isinstance(of, dict) else Decimal(of) for name, of in sums.items()}


def check_export(folder, deliveries, fields):
    """Answers how many rows were compared."""
    told = json.loads((folder / "export.json").read_text())
    request, view, clock = told["request"], told["view"], Clock(told["request"].get("timezone", "UTC"))
    kinds = request["kind"] if isinstance(request["kind"], list) else [request["kind"]]
    by_kind = {kind: expected.rows(request, told["as_of"], deliveries, kind, clock) for kind in kinds}
    count = sum(map(len, by_kind.values()))
    demand(told["open_uploads"] == 0, "an upload is left open")
    demand(view["rows"] == count, "the view says", view["rows"], "rows, not", count)
    demand(view["status"] == ("done" if count else "empty"), "the export is", view["status"], "with", count, "rows")
    check_totals(view["totals"], [activity for activities in by_kind.values() for activity in activities], clock)
    check_names(folder / "files", view, kinds)
    for file in view["files"]:
        rest = by_kind[file["kind"]]
        activities, by_kind[file["kind"]] = rest[: file["rows"]], rest[file["rows"] :]
        check_totals(file["totals"], activities, clock)
        check_file(folder / "files" / file["name"], request, activities, clock, fields)
    demand(not any(by_kind.values()), "rows in no file of", [kind for kind, rows in by_kind.items() if rows])
    return count


def check_names(folder, view, kinds):
    """The files are those that the view names, in the order of the kinds; a manifest tells of several."""
    files = view["files"]
    there = {path.name: path.stat().st_size for path in folder.iterdir()}
    manifest = there.pop("manifest.json", None)
    demand(there == {file["name"]: file["bytes"] for file in files}, there, "are not", files)
    order = [kinds.index(file["kind"]) for file in files]
    demand(order == sorted(order), "the files are not in the order of the kinds:", files)
    is_many = files and (len(kinds) > 1 or len(files) > 1 or view["format"] == "parquet")
    demand((manifest is not None) == bool(is_many), "manifest:", manifest, "of", files)
    if manifest is not None:
        told = parsed((folder / "manifest.json").read_text())
        for name in ("files", "totals", "rows", "bytes", "format", "timezone", "app_token", "export_id"):
            demand(told[name] == view[name], "the manifest's", name, told[name], "is not", view[name])
        demand(told["kinds"] == kinds, "the manifest's kinds", told["kinds"])


def main(folder):
    folders = sorted(path.parent for path in folder.glob("*/export.json"))
    stored, wrong, rows = {}, 0, 0
    for path in folders:
        name = json.loads((path / "export.json").read_text())["activities"]
        if name not in stored:
            stored[name] = [parsed(line) for line in (folder / name).read_text().split("\n")]
        fields = sorted({field for delivery in stored[name] for field in delivery["fields"]})
        try:
            rows += check_export(path, stored[name], fields)
        except (Wrong, csv.Error, ValueError, KeyError, AssertionError) as error:
            wrong += 1
            print(f"{path}: {type(error).__name__}: {str(error)[:2000]}")
    print(f"references: {len(folders)} exports, {rows} rows, {wrong} exports wrong")
    print(f"{len(folders) - wrong} passed, {wrong} failed")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    csv.field_size_limit(1 << 30)
    sys.exit(main(Path(sys.argv[1])))

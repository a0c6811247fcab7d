"""DuckDB writes rows from a table in memory to a CSV file. Counted is the CPU time of COPY alone, on one thread; rows come a million at a time.

usage: duckdb_csv.py ENDPOINT - MINUTES COLUMNS; tells rows, bytes, sha256, cpu_us and peak_kib as JSON
"""

import hashlib
import json
import os
import resource
import sys
import tempfile
import time
import urllib.request

import duckdb

SEOUL = "INTERVAL 9 HOUR"
TIMES = {"created_at", "received_at", "click_time", "impression_time", "installed_at", "install_begin_time", "install_finish_time", "reattributed_at"}
# A million rows and more.
MINUTES_A_TURN = 170


def loaded(column: str) -> str:
    """The text of a cell, made while the table is loaded."""
    if column in TIMES:
        return f"strftime(make_timestamp({column} * 1000) + {SEOUL}, '%Y-%m-%d %H:%M:%S') AS {column}"
    return column


def main() -> None:
    endpoint, _, minutes, columns = sys.argv[1:]
    names = columns.split(",")
    types = ", ".join(f"{name}: '{'BIGINT' if name in TIMES else 'VARCHAR'}'" for name in names)
    connection = duckdb.connect()
    rows = written = cpu = 0
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        source, file = os.path.join(folder, "rows.ndjson"), os.path.join(folder, "rows.csv")
        for first in range(0, int(minutes), MINUTES_A_TURN):
            with open(source, "wb") as lines:
                for minute in range(first, min(first + MINUTES_A_TURN, int(minutes))):
                    with urllib.request.urlopen(f"{endpoint}/documents/{minute}") as answer:
                        lines.write(answer.read())
            connection.execute("RESET threads")
            select = ", ".join(loaded(name) for name in names)
            read = f"read_json('{source}', format='newline_delimited', columns={{{types}}})"
            connection.execute(f"CREATE OR REPLACE TABLE rows AS SELECT {select} FROM {read}")
            connection.execute("SET threads = 1")
            began = time.process_time()
            connection.execute(f"COPY rows TO '{file}' (FORMAT csv, HEADER {'true' if first == 0 else 'false'})")
            cpu += time.process_time() - began
            rows += connection.execute("SELECT count(*) FROM rows").fetchone()[0]
            written += os.path.getsize(file)
            with open(file, "rb") as made:
                while block := made.read(1 << 20):
                    digest.update(block)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    json.dump({"rows": rows, "bytes": written, "sha256": digest.hexdigest(), "cpu_us": int(cpu * 1e6), "peak_kib": peak}, sys.stdout)


main()

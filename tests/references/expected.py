"""What must stand in an export's files, worked out from what was stored and asked for, without looking at how Relay does it."""

import json
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, getcontext
from zoneinfo import ZoneInfo

# Sums are exact: more digits than any of them has.
getcontext().prec = 100
DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1)
# 0000-01-01 and 10000-01-01 in milliseconds; Python's calendar begins with the year 1.
YEAR_0, YEAR_10000 = -62_167_219_200_000, 253_402_300_800_000
# The Gregorian calendar repeats itself after so many days.
FOUR_CENTURIES = 146_097
# Fields whose values are times.
TIMES = {"click_time", "impression_time", "installed_at", "install_begin_time", "install_finish_time", "reattributed_at"}
FIRST = ["created_at", "kind", "app_token"]
LAST = ["activity_id", "provider", "received_at", "extra"]


class Clock:
    """Local times of a zone."""

    def __init__(self, name):
        self.zone = None if name == "UTC" else ZoneInfo(name)

    def offset(self, ms):
        """Seconds ahead of UTC; None where the calendar has no such moment."""
        if self.zone is None:
            return 0
        try:
            moment = datetime.fromtimestamp(ms // 1000, timezone.utc)
            return round(moment.astimezone(self.zone).utcoffset().total_seconds())
        except (OverflowError, ValueError, OSError):
            return None

    def parts(self, ms):
        """Year, month, day, hour, minute, second, millisecond and offset; None outside the years 0 to 9999."""
        offset = self.offset(ms)
        if offset is None or not YEAR_0 <= ms + offset * 1000 < YEAR_10000:
            return None
        days, rest = divmod(ms + offset * 1000, 86_400_000)
        cycles = 1 if days < -700_000 else 0
        day = EPOCH + timedelta(days=days + cycles * FOUR_CENTURIES)
        seconds, millisecond = divmod(rest, 1000)
        return (
            day.year - 400 * cycles, day.month, day.day,
            seconds // 3600, seconds // 60 % 60, seconds % 60, millisecond, offset,
        )

    def text(self, ms):
        """As a CSV cell."""
        parts = self.parts(ms)
        return str(ms) if parts is None else "%04d-%02d-%02d %02d:%02d:%02d" % parts[:6]

    def rfc3339(self, ms):
        """As a JSON text."""
        parts = self.parts(ms)
        if parts is None:
            return str(ms)
        offset = parts[7]
        sign, minutes = "-" if offset < 0 else "+", abs(offset) // 60
        return "%04d-%02d-%02dT%02d:%02d:%02d.%03d" % parts[:7] + f"{sign}{minutes // 60:02}:{minutes % 60:02}"

    def day(self, ms):
        """The local date."""
        return "%04d-%02d-%02d" % self.parts(ms)[:3]

    def start_of(self, day):
        """The first moment of a local date, in milliseconds: found by looking, an hour at a time, then ever closer."""
        wanted = day.isoformat()
        at = int((datetime(day.year, day.month, day.day) - EPOCH - 2 * DAY) / MS)
        for step in (3_600_000, 60_000, 1000, 1):
            while self.day(at + step) < wanted:
                at += step
        return at + 1


def period(request, clock):
    """The first moment and the first after it, in milliseconds."""
    start, end = (date.fromisoformat(request[name]) for name in ("start_date", "end_date"))
    return clock.start_of(start), clock.start_of(end + DAY)


def rows(request, as_of, deliveries, kind, clock):
    """The activities of a kind's file, in order."""
    begin, end = period(request, clock)
    first = {}
    for delivery in deliveries:
        if delivery["kind"] == kind and begin <= delivery["created_at"] < end and delivery["received_at"] <= as_of:
            known = first.setdefault(delivery["activity_id"], delivery)
            if delivery["received_at"] < known["received_at"]:
                first[delivery["activity_id"]] = delivery
    lists = request.get("filters", {}).items()
    lists = [(name, {v.lower() if name in ("country", "os_name") else v for v in values}) for name, values in lists]
    taken = [a for a in first.values() if all(a["fields"].get(name) in values for name, values in lists)]
    return sorted(taken, key=lambda activity: (activity["created_at"], activity["activity_id"]))


def columns(request, header, fields):
    """What stands in each column: pairs of its header and a field's name, or a constant. Asked for, else every field."""
    if request.get("columns") is None:
        assert header[:3] == FIRST and header[-4:] == LAST, header
        assert sorted(header[3:-4]) == sorted(fields), set(header[3:-4]) ^ set(fields)
        return [(name, name, None) for name in header]
    wanted = []
    for column in request["columns"]:
        if isinstance(column, str):
            wanted.append((column, column, None))
        elif "value" in column:
            wanted.append((column["header"], None, column["value"]))
        else:
            wanted.append((column["header"], column["column"], None))
    return wanted


def value(activity, name):
    """What an activity has under a column's name; None where nothing."""
    if name in ("created_at", "received_at", "kind", "app_token", "activity_id", "provider", "extra"):
        return activity[name]
    return activity["fields"].get(name)


def is_time(name):
    return name in TIMES or name in ("created_at", "received_at")


AMOUNT = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?")


def totals(activities, clock):
    """Rows and revenue by local day, revenue by currency, and how many rows' revenue is in no sum."""
    by_day, revenue_by_day, revenue, unsummed = {}, {}, {}, 0
    for activity in activities:
        day = clock.day(activity["created_at"])
        by_day[day] = by_day.get(day, 0) + 1
        amount, currency = activity["fields"].get("revenue"), activity["fields"].get("currency") or ""
        if amount is None:
            continue
        if AMOUNT.fullmatch(amount) and re.fullmatch("[A-Za-z]{3}", currency):
            for sums in (revenue, revenue_by_day.setdefault(day, {})):
                sums[currency.upper()] = sums.get(currency.upper(), Decimal(0)) + Decimal(amount)
        else:
            unsummed += 1
    return {"rows_by_day": by_day, "revenue_by_day": revenue_by_day, "revenue": revenue, "unsummed": unsummed}


# What Excel and its kin do to a cell, and how a cell is kept from it (functions/export/README.md and crates/relay/src/row/excel.rs).
SIGNS = "=+-@＝＋－＠"
# White space by Unicode; Python counts the separators 1C to 1F as such, too.
WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?([0-9]+))?")


def harmless(cell):
    """The cell as `excel` writes it."""
    number = NUMBER.fullmatch(cell)
    if number:
        digits = len(re.sub("[^0-9]", "", number[1])) + len(number[3] or "")
        is_rewritten = number[2] is not None or re.match("[-+]?0[0-9]", cell)
        return f'="{cell}"' if digits > 15 or is_rewritten else cell
    parts = re.findall(r"[^;\t\r\n]*[;\t\r\n]|[^;\t\r\n]+", cell)
    safe = []
    for index, part in enumerate(parts):
        text = part.rstrip(";\t\r\n").lstrip(WHITE + '"\ufeff')
        is_formula = text[:1] != "" and text[0] in SIGNS and not NUMBER.fullmatch(text.rstrip(WHITE))
        is_dropped = index == 0 and part[0] in "\t\r\n"
        safe.append("'" + part if is_formula or is_dropped else part)
    return "".join(safe)


def extra_text(extra):
    """The JSON that `excel` works on: as short as can be, names in order."""
    return json.dumps(extra, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

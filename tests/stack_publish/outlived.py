"""Which files of earlier releases a deploy removes: `outlived.py INFRA`, where INFRA is the folder of deployed.py."""

import sys
import unittest
from datetime import UTC, datetime, timedelta

sys.path.insert(0, sys.argv.pop(1))
from deployed import KEPT, outlived  # noqa: E402

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def ago(days):
    return NOW - timedelta(days=days)


class Outlived(unittest.TestCase):
    def test_a_release_goes_a_while_after_it_was_replaced_however_old_it_is(self):
        there = {
            "index.html": ago(1),
            "a/1/page.js": ago(300),
            "a/1/words/en.js": ago(300),
            "a/2/page.js": ago(20),
            "a/3/page.js": ago(1),
        }
        self.assertEqual(outlived(there, ["a/3/page.js"], NOW), ["a/1/page.js", "a/1/words/en.js"])
        self.assertEqual(outlived(there | {"a/3/page.js": ago(KEPT.days + 1)}, ["a/3/page.js"], NOW)[-1], "a/2/page.js")

    def test_the_present_release_stays_even_when_it_is_the_oldest(self):
        there = {"index.html": ago(0), "a/1/page.js": ago(300), "a/2/page.js": ago(200)}
        self.assertEqual(outlived(there, ["a/1/page.js"], NOW), [])
        self.assertEqual(outlived(there, ["a/2/page.js"], NOW), ["a/1/page.js"])

    def test_files_from_before_there_were_folders_are_a_release_too(self):
        there = {"index.html": ago(30), "page.js": ago(90), "words/en.js": ago(90), "a/1/page.js": ago(30)}
        self.assertEqual(outlived(there, ["a/1/page.js"], NOW), ["page.js", "words/en.js"])
        self.assertEqual(outlived(there | {"a/1/page.js": ago(3)}, ["a/1/page.js"], NOW), [])

    def test_an_empty_bucket_has_nothing_to_remove(self):
        self.assertEqual(outlived({}, ["a/1/page.js"], NOW), [])


unittest.main()

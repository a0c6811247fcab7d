//! Drains the stream into pages.

//! Mails a link to a finished export.

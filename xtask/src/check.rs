//! Did everything that was sent come out, in the files that the mails link to?

pub(crate) mod compare;
mod csv;
pub(crate) mod export;
pub(crate) mod inbox;
pub(crate) mod pages;

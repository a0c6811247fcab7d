//! Releases side by side: what each release stored is read by this one, and what this one stores is read by each, or refused by its name; never misread.
//!
//! `releases/{version}/` holds what that release wrote, byte by byte, and the rows that it held. It is recorded once, by that release, and never again:
//! `RECORD_RELEASE=1 cargo test -p relay --test releases` writes the folder of the present version where there is none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

#[path = "releases/documents.rs"]
mod documents;
#[path = "releases/earlier.rs"]
mod earlier;
#[path = "releases/recorded.rs"]
mod recorded;
#[path = "releases/written.rs"]
mod written;

use earlier::Refused;
use recorded::Release;
use relay::frame::{self, Frame};
use relay::{avro, page};

/// `0.1` of `0.1.0`: patches change no format.
fn present() -> &'static str {
    env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0
}

#[test]
fn this_release_is_recorded_and_still_writes_what_it_recorded() {
    if std::env::var_os("RECORD_RELEASE").is_some() {
        recorded::record(present());
    }
    let release = Release::load(present());
    let now = written::all();
    // Compressed bytes may differ with the library that made them; what they hold must not.
    for (name, bytes) in &release.frames {
        assert_eq!(written::unpacked_frame(bytes), written::unpacked_frame(&now.frames[name]), "frame `{name}`");
    }
    assert_eq!((&release.page.pk, &release.page.sk), (&now.page.pk, &now.page.sk), "the same write is the same item");
    assert_eq!((release.page.n, release.page.expires_at), (now.page.n, now.page.expires_at));
    assert_eq!(page::unpack(&release.page.bytes()).unwrap(), page::unpack(&now.page.bytes()).unwrap());
    assert_eq!(release.rows, now.rows);
    assert_eq!(release.documents, now.documents, "stored documents; a new field is a new version");
}

#[test]
fn what_every_release_stored_is_read() {
    for release in recorded::all() {
        let mut rows = Vec::new();
        for name in ["single", "several"] {
            let Ok(Frame::Activities(read)) = frame::decode(&release.frames[name]) else { panic!("frame `{name}`") };
            assert_eq!(read.retention_days, written::RETENTION_DAYS);
            rows.extend(read.datums().map(row));
        }
        assert_eq!(rows, release.rows, "the frames of {}", release.version);
        for (name, raw) in [("raw", written::raw(false)), ("raw-compressed", written::raw(true))] {
            assert_eq!(
                frame::decode(&release.frames[name]),
                Ok(Frame::Raw(raw)),
                "frame `{name}` of {}",
                release.version
            );
        }
        let bytes = page::unpack(&release.page.bytes()).unwrap();
        let mut of_page: Vec<String> = page::datums(&bytes).map(|range| row(&bytes[range.unwrap()])).collect();
        of_page.sort();
        rows.sort();
        assert_eq!(of_page, rows, "the page of {}", release.version);
        for document in &release.documents {
            let now = documents::again(document);
            documents::assert_holds(&now, &document.doc, &document.what);
        }
    }
}

#[test]
fn every_release_reads_what_this_one_writes_or_refuses_it_by_name() {
    let now = written::all();
    for release in recorded::all() {
        for (name, bytes) in &now.frames {
            match release.reader.frame(bytes) {
                Ok(seen) => assert_eq!(seen, release.reader.frame(&release.frames[name]).unwrap(), "frame `{name}`"),
                Err(Refused::Unknown) => assert_ne!(release.version, present(), "a release knows its own frames"),
                Err(Refused::Broken(why)) => panic!("{} misreads frame `{name}`: {why}", release.version),
            }
        }
        match release.reader.page(&now.page.bytes()) {
            Ok(seen) => assert_eq!(seen, release.reader.page(&release.page.bytes()).unwrap(), "the page"),
            Err(Refused::Unknown) => assert_ne!(release.version, present(), "a release knows its own pages"),
            Err(Refused::Broken(why)) => panic!("{} misreads the page: {why}", release.version),
        }
        for document in &release.documents {
            let later =
                now.documents.iter().find(|later| later.what == document.what).expect("a document of each sort");
            documents::assert_holds(&later.doc, &document.doc, &document.what);
        }
    }
}

#[test]
fn a_reader_refuses_what_its_release_does_not_know() {
    let release = Release::load(present());
    let mut later = release.frames["several"].clone();
    later[1] ^= 0xff;
    assert_eq!(release.reader.frame(&later), Err(Refused::Unknown), "another schema");
    later[0] = 9;
    assert_eq!(release.reader.frame(&later), Err(Refused::Unknown), "another type");
    let mut damaged = release.frames["single"].clone();
    damaged.pop();
    assert!(matches!(release.reader.frame(&damaged), Err(Refused::Broken(_))));
}

/// A datum as a row: JSON under the canonical names.
fn row(datum: &[u8]) -> String {
    serde_json::to_string(&avro::decode(datum).unwrap()).unwrap()
}

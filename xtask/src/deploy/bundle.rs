//! Whether each function's program is small enough: every megabyte costs cold starts.

use std::{fs, io::Write as _, path::Path};

use flate2::{Compression, write::DeflateEncoder};
use sha2::{Digest as _, Sha256};

use crate::say::{self, Outcome};

/// The largest that a program may be, zipped, in bytes.
const MOST: u64 = 5 << 20;
/// Each program of `target/lambda` with its limit; export-worker carries Parquet and three compressions, too.
const PROGRAMS: [(&str, u64); 5] =
    [("ingest", MOST), ("batch-writer", MOST), ("export-api", MOST), ("export-worker", 2 * MOST), ("notify", MOST)];

/// Says how large the programs below `folder` are; refuses one that is missing or too large.
pub(crate) fn check(folder: &Path) -> Outcome<()> {
    for (name, most) in PROGRAMS {
        let path = folder.join(name).join("bootstrap");
        let program = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let zipped = zipped(&program)?;
        if zipped > most {
            return Err(format!("{name} is {zipped} bytes zipped, more than {most}: {}", path.display()));
        }
        let tenths = zipped * 10 / (1 << 20);
        say::progress(format_args!("  {name}: {}.{} MiB zipped", tenths / 10, tenths % 10));
    }
    Ok(())
}

/// Puts a digest of the template beside each program. SAM asks for a new version when the template's text changes, and Lambda makes one of a changed
/// function only: without it a deploy that changes nothing but text would be refused.
pub(crate) fn mark(folder: &Path, template: &[u8]) -> Outcome<()> {
    let digest = hex::encode(Sha256::digest(template));
    for (name, _) in PROGRAMS {
        let path = folder.join(name).join("template");
        fs::write(&path, &digest).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

fn zipped(program: &[u8]) -> Outcome<u64> {
    let mut encoder = DeflateEncoder::new(Counted(0), Compression::default());
    let packed = encoder.write_all(program).and_then(|()| encoder.finish());
    packed.map(|Counted(bytes)| bytes).map_err(|error| format!("cannot compress: {error}"))
}

/// Counts what is written and keeps nothing.
struct Counted(u64);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, name: &str, bytes: &[u8]) {
        fs::create_dir_all(folder.join(name)).expect("a folder");
        fs::write(folder.join(name).join("bootstrap"), bytes).expect("a file");
    }

    /// Bytes that do not compress.
    fn noise(length: u64) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56).try_into().unwrap_or(0)
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn a_package_is_another_with_each_text_of_the_template_and_the_same_with_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        assert!(mark(folder, b"a").expect_err("nothing built").contains("ingest"));
        for (name, _) in PROGRAMS {
            put(folder, name, b"");
        }
        let marked = |template: &[u8]| {
            mark(folder, template).expect("marked");
            PROGRAMS.map(|(name, _)| fs::read_to_string(folder.join(name).join("template")).expect("a mark"))
        };
        let first = marked(b"a");
        assert_eq!(marked(b"a"), first);
        assert!(marked(b"b").iter().zip(&first).all(|(now, before)| now != before));
    }

    #[test]
    fn a_program_is_judged_by_what_it_weighs_zipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        assert!(check(folder).expect_err("nothing built").contains("ingest"));
        for (name, _) in PROGRAMS {
            put(folder, name, &vec![0; 20 << 20]);
        }
        assert_eq!(check(folder), Ok(()), "long, but small when zipped");
        put(folder, "export-worker", &noise(MOST + 1000));
        assert_eq!(check(folder), Ok(()), "export-worker may be twice as large");
        put(folder, "notify", &noise(MOST + 1000));
        assert!(check(folder).expect_err("too large").starts_with("notify is 524"));
    }
}

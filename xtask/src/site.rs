//! The page as it is published: every file but `index.html` under a folder that is named by what the files hold.
//!
//! Relative references, the dynamic imports among them, then work as they stand in `web/`; only what `index.html` names has
//! to be rewritten. A file below `a/` never changes, so whoever has it may keep it for ever; a page that is open in a tab goes
//! on with the folder that it began with. `web/` itself stays as a developer serves it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

/// The one file that keeps its name, for browsers come by it.
const INDEX: &str = "index.html";
/// What stands in front of a reference in HTML.
const REFERENCES: [&str; 2] = ["href=\"", "src=\""];
/// Bytes of the digest in a folder's name: enough that two releases never meet in one.
const NAME_BYTES: usize = 8;

/// The files to publish.
#[derive(Debug)]
pub(crate) struct Site {
    /// `a/<16 hexadecimal digits>`: where all files but `index.html` go.
    pub(crate) folder: String,
    /// `index.html`, naming files in the folder.
    index: String,
    /// Every other file, by its path below `web/`.
    assets: BTreeMap<String, Vec<u8>>,
}

impl Site {
    /// The site of a folder like `web/`. Fails when its `index.html` names a file that is not there.
    pub(crate) fn read(web: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        collect(web, "", &mut files)?;
        let index = files.remove(INDEX).ok_or_else(|| format!("{} has no {INDEX}", web.display()))?;
        let index = String::from_utf8(index).map_err(|_| format!("{INDEX} is not UTF-8"))?;
        let folder = format!("a/{}", name(&files));
        let index = rewrite(&index, &folder, &files)?;
        Ok(Self { folder, index, assets: files })
    }

    /// Writes the site into a folder, which then holds nothing else.
    pub(crate) fn write(&self, into: &Path) -> Result<(), String> {
        if into.exists() {
            fs::remove_dir_all(into).map_err(|error| failed("remove", into, &error))?;
        }
        for (path, bytes) in &self.assets {
            put(&into.join(&self.folder).join(path), bytes)?;
        }
        put(&into.join(INDEX), self.index.as_bytes())
    }
}

/// All files below a folder; hidden ones are not for publishing.
fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    let cannot = |error| failed("read", folder, &error);
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.starts_with('.')) else {
            continue;
        };
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files)?;
        } else {
            let bytes = fs::read(&path).map_err(|error| failed("read", &path, &error))?;
            files.insert(format!("{prefix}{name}"), bytes);
        }
    }
    Ok(())
}

/// A digest of all names and contents; lengths keep one file's end from being another's beginning.
fn name(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut digest = Sha256::new();
    for (path, bytes) in files {
        digest.update(format!("{path}\n{}\n", bytes.len()));
        digest.update(bytes);
    }
    let digest = digest.finalize();
    hex::encode(digest.get(..NAME_BYTES).unwrap_or_default())
}

/// The page with every reference to a file of its own led into the folder.
fn rewrite(index: &str, folder: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<String, String> {
    let mut page = String::new();
    let mut rest = index;
    while let Some(at) = REFERENCES.iter().filter_map(|start| rest.find(start).map(|at| at + start.len())).min() {
        let (before, from) = rest.split_at(at);
        page.push_str(before);
        let reference = from.split('"').next().unwrap_or_default();
        if files.contains_key(reference) {
            page.push_str(folder);
            page.push('/');
        } else if !leads_elsewhere(reference) {
            return Err(format!("{INDEX} names {reference}, which is no file beside it"));
        }
        rest = from;
    }
    page.push_str(rest);
    Ok(page)
}

/// A place in the page itself, or an address with a scheme.
fn leads_elsewhere(reference: &str) -> bool {
    reference.starts_with('#') || reference.contains(':')
}

fn put(path: &PathBuf, bytes: &[u8]) -> Result<(), String> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| failed("write", path, &error))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of files that goes when this is dropped.
    fn web(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            put(&folder.path().join(path), text.as_bytes()).expect("a file");
        }
        folder
    }

    const PAGE: &str = r##"<link href="style.css"><a href="#/exports"></a><script src="page.js"></script><img src="icon.svg"><a href="https://example.com/style.css"></a>"##;

    fn files() -> Vec<(&'static str, &'static str)> {
        vec![
            (INDEX, PAGE),
            ("style.css", "p{}"),
            ("page.js", "import './words/en.js'"),
            ("icon.svg", "<svg/>"),
            ("words/en.js", "1"),
        ]
    }

    #[test]
    fn all_but_the_index_goes_below_the_folder_and_the_index_leads_there() {
        let folder = web(&[files(), vec![(".hidden", "x")]].concat());
        let site = Site::read(folder.path()).expect("a site");
        let at = &site.folder;
        assert_eq!((at.len(), at.get(..2)), (18, Some("a/")), "{at}");
        let expected = PAGE
            .replace("href=\"style.css", &format!("href=\"{at}/style.css"))
            .replace("page.js", &format!("{at}/page.js"))
            .replace("icon.svg", &format!("{at}/icon.svg"));
        assert_eq!(site.index, expected);
        let into = folder.path().join("out");
        put(&into.join("a/0123456789abcdef/page.js"), b"of an earlier one").expect("a file");
        site.write(&into).expect("written");
        let mut written = BTreeMap::new();
        collect(&into, "", &mut written).expect("read");
        let paths: Vec<&str> = written.keys().map(String::as_str).collect();
        let assets = ["icon.svg", "page.js", "style.css", "words/en.js"].map(|path| format!("{at}/{path}"));
        assert_eq!(paths, assets.iter().map(String::as_str).chain([INDEX]).collect::<Vec<_>>());
        assert_eq!(written.get(&format!("{at}/words/en.js")).map(Vec::as_slice), Some(&b"1"[..]));
    }

    #[test]
    fn the_folder_is_another_when_any_file_is_and_the_same_when_none_is() {
        let folder_of = |files: &[(&str, &str)]| Site::read(web(files).path()).expect("a site").folder;
        let first = folder_of(&files());
        assert_eq!(folder_of(&files()), first);
        let with = |path: &'static str, text: &'static str| {
            let kept = files().into_iter().filter(|(known, _)| *known != path);
            kept.chain([(path, text)]).collect::<Vec<_>>()
        };
        assert_ne!(folder_of(&with("words/en.js", "2")), first, "a file that only another file names");
        assert_ne!(folder_of(&with("words/ko.js", "1")), first, "one more");
        assert_eq!(folder_of(&with(INDEX, "<p>")), first, "the index has no place in it");
        let ab = folder_of(&[(INDEX, ""), ("a", "1"), ("b", "22")]);
        assert_ne!(folder_of(&[(INDEX, ""), ("a", "12"), ("b", "2")]), ab, "where one ends and the next begins");
    }

    #[test]
    fn an_index_that_names_what_is_not_there_is_refused() {
        let refusal = |files: &[(&str, &str)]| Site::read(web(files).path()).expect_err("refused");
        assert!(refusal(&[(INDEX, r#"<script src="gone.js">"#)]).contains("gone.js"));
        assert!(refusal(&[("page.js", "")]).contains("no index.html"));
    }
}

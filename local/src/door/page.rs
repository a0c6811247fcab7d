//! The page's files, as CloudFront serves them from the bucket.

use std::path::{Component, Path, PathBuf};

use crate::http1::Reply;

/// A file of the folder; `/` is `index.html`.
#[must_use]
pub fn reply(web: &Path, method: &str, path: &str) -> Reply {
    match method {
        "GET" | "HEAD" => file(web, path).unwrap_or_else(|| plain(404, "Not Found")),
        _ => plain(405, "Method Not Allowed").with("allow", "GET, HEAD"),
    }
}

fn plain(status: u16, text: &'static str) -> Reply {
    Reply::new(status, text).with("content-type", "text/plain; charset=utf-8")
}

fn file(web: &Path, path: &str) -> Option<Reply> {
    let path = located(web, path)?;
    let content = std::fs::read(&path).ok()?;
    let reply = Reply::new(200, content).with("content-type", content_type(&path));
    Some(reply.with("cache-control", "no-cache"))
}

/// The file of a path; nothing outside of the folder, by dots or by a link, and nothing hidden.
fn located(web: &Path, path: &str) -> Option<PathBuf> {
    let decoded = percent_encoding::percent_decode_str(path.trim_start_matches('/')).decode_utf8().ok()?;
    let relative = Path::new(if decoded.is_empty() { "index.html" } else { &*decoded });
    let plain =
        |part: Component<'_>| matches!(part, Component::Normal(name) if !name.to_string_lossy().starts_with('.'));
    if decoded.contains('\0') || !relative.components().all(plain) {
        return None;
    }
    let found = web.join(relative).canonicalize().ok()?;
    let inside = found.starts_with(web.canonicalize().ok()?) && found.is_file();
    inside.then_some(found)
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("web/js")).unwrap();
        std::fs::write(folder.path().join("web/index.html"), "<p>").unwrap();
        std::fs::write(folder.path().join("web/js/a b.js"), "1").unwrap();
        std::fs::write(folder.path().join("web/.secret"), "s").unwrap();
        std::fs::write(folder.path().join("outside.txt"), "o").unwrap();
        folder
    }

    fn get(folder: &tempfile::TempDir, path: &str) -> (u16, String) {
        let reply = reply(&folder.path().join("web"), "GET", path);
        let kind = reply.headers.iter().find(|(name, _)| name == "content-type").unwrap();
        (reply.status, kind.1.clone())
    }

    #[test]
    fn files_come_with_their_types() {
        let folder = web();
        assert_eq!(get(&folder, "/"), (200, "text/html; charset=utf-8".to_owned()));
        assert_eq!(get(&folder, "/js/a%20b.js"), (200, "text/javascript; charset=utf-8".to_owned()));
        assert_eq!(get(&folder, "/none.js").0, 404);
        assert_eq!(get(&folder, "/js").0, 404);
    }

    #[test]
    fn nothing_outside_and_nothing_hidden_is_served() {
        let folder = web();
        for path in [
            "/../outside.txt",
            "/%2e%2e/outside.txt",
            "/js/../../outside.txt",
            "/..%2foutside.txt",
            "/.secret",
            "//etc/passwd",
            "/%00",
        ] {
            assert_eq!(get(&folder, path).0, 404, "{path}");
        }
    }

    #[test]
    fn only_reading_is_allowed() {
        let folder = web();
        assert_eq!(reply(&folder.path().join("web"), "POST", "/").status, 405);
    }
}

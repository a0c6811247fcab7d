//! The page's files, as CloudFront serves them from the bucket.

use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::http1::{Reply, Request};

/// The lengths of files that CloudFront compresses: bytes ("Serve compressed files", Amazon CloudFront Developer Guide).
const COMPRESSED: RangeInclusive<usize> = 1_000..=10_000_000;

/// A file of the folder, compressed for who takes that; `/` is `index.html`.
#[must_use]
pub fn reply(web: &Path, request: &Request) -> Reply {
    match request.method.as_str() {
        "GET" | "HEAD" => {
            file(web, &request.path).map_or_else(|| plain(404, "Not Found"), |reply| compressed(reply, request))
        }
        _ => plain(405, "Method Not Allowed").with("allow", "GET, HEAD"),
    }
}

fn compressed(reply: Reply, request: &Request) -> Reply {
    let is_text = |kind: &str| kind.starts_with("text/") || kind.ends_with("json") || kind.ends_with("+xml");
    let is_worth = reply.headers.iter().any(|(name, value)| name == "content-type" && is_text(value));
    if !is_worth || !COMPRESSED.contains(&reply.body.len()) {
        return reply;
    }
    let reply = reply.with("vary", "accept-encoding");
    if !takes_gzip(request.header("accept-encoding").unwrap_or_default()) {
        return reply;
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    match packed.write_all(&reply.body).and_then(|()| packed.finish()) {
        Ok(packed) => Reply { body: packed.into(), ..reply }.with("content-encoding", "gzip"),
        Err(_) => reply,
    }
}

/// Whether gzip is among the codings, and not as one that is refused (`gzip;q=0`, RFC 9110).
fn takes_gzip(codings: &str) -> bool {
    codings.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
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

    fn request(method: &str, path: &str, codings: &str) -> Request {
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: vec![("accept-encoding".to_owned(), codings.to_owned())],
            body: bytes::Bytes::new(),
            peer: ([127, 0, 0, 1], 1).into(),
            head_bytes: 0,
        }
    }

    fn get(folder: &tempfile::TempDir, path: &str) -> (u16, String) {
        let reply = reply(&folder.path().join("web"), &request("GET", path, ""));
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
        assert_eq!(reply(&folder.path().join("web"), &request("POST", "/", "")).status, 405);
    }

    #[test]
    fn what_is_long_comes_compressed_to_who_takes_that() {
        let folder = web();
        let long = "const 구매 = 1;\n".repeat(100);
        std::fs::write(folder.path().join("web/long.js"), &long).unwrap();
        let ask = |path: &str, codings: &str| reply(&folder.path().join("web"), &request("GET", path, codings));
        let coding =
            |reply: &Reply| reply.headers.iter().any(|(name, value)| name == "content-encoding" && value == "gzip");
        for codings in ["gzip", "br, GZIP;q=0.5", "deflate, gzip"] {
            let reply = ask("/long.js", codings);
            assert!(coding(&reply) && reply.body.len() < 200, "{codings}");
            let unpacked = std::io::read_to_string(flate2::read::GzDecoder::new(&reply.body[..])).unwrap();
            assert_eq!(unpacked, long);
        }
        for codings in ["", "br", "gzip;q=0", "gzip; q=0.0"] {
            let reply = ask("/long.js", codings);
            assert!(!coding(&reply) && reply.body == long, "{codings}");
            assert!(reply.headers.contains(&("vary".to_owned(), "accept-encoding".to_owned())));
        }
        assert!(!coding(&ask("/", "gzip")), "too short to be worth it");
    }
}

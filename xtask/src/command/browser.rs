//! The page in a real browser: its tests, pictures of its states, and how soon it is there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::test::cargo_test;
use crate::{
    cli::{BenchPage, Golden},
    local::{needs, place::Root, python},
    os,
    say::{self, Outcome},
};

/// What to do about a missing browser.
const HOW_TO_GET: &str = "no Chromium with its driver found: apt-get install chromium chromium-driver";
/// Where browsers lie that are not on `PATH`.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/lib/chromium", "/usr/local/bin", "/snap/bin"];
/// The state whose pictures the tests take, to see that the verb works: fonts differ between machines, so no picture is compared.
const PROOF: &str = "sign-in";

/// A browser with its driver.
pub(crate) struct Browser {
    driver: PathBuf,
}

impl Browser {
    /// The browser of this machine; the error says how to get one.
    pub(crate) fn find() -> Outcome<Self> {
        let browser = needs::find_program(&["chromium", "chromium-browser", "google-chrome"], &FOLDERS);
        let driver = browser.and_then(|_| needs::find_program(&["chromedriver"], &FOLDERS));
        driver.map(|driver| Self { driver }).ok_or_else(|| HOW_TO_GET.to_owned())
    }

    /// Runs the browser's tests against a stack, and takes a few pictures.
    pub(crate) fn test(&self, root: &Root, stack: &Path) -> Outcome<()> {
        let axe = axe(root)?;
        say::step("the page in a browser", || {
            self.cargo_test(root, &["--test", "browser*"], &axe, |cargo| {
                cargo.env("RELAY_STACK", stack);
            })
        })?;
        self.pictures(root, &axe, Some(PROOF), &root.relay("golden"))
    }

    /// Takes pictures into a folder and makes them small.
    fn pictures(&self, root: &Root, axe: &Path, only: Option<&str>, folder: &Path) -> Outcome<()> {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let only = only.unwrap_or_default();
        say::step("take pictures of the page", || {
            self.cargo_test(root, &["--test", "browser", "walk::every"], axe, |cargo| {
                cargo.env("RELAY_GOLDEN_FOLDER", folder).env("RELAY_GOLDEN_ONLY", only);
            })
        })?;
        say::step("make them small", || {
            let mut command = Command::new(root.relay("browser-venv/bin/python"));
            command.arg(root.join("tests/browser/album.py")).arg(folder);
            match command.status() {
                Ok(status) if status.success() => Ok(()),
                Ok(status) => Err(format!("album.py ended with {status}; the pictures are in {}", folder.display())),
                Err(error) => Err(format!("cannot run album.py: {error}")),
            }
        })
    }

    fn cargo_test(
        &self,
        root: &Root,
        arguments: &[&str],
        axe: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> Outcome<()> {
        cargo_test(root, arguments, |cargo| {
            let path = os::variable("PATH").unwrap_or_default();
            let folder = self.driver.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
            cargo.env("PATH", format!("{path}:{folder}")).env("RELAY_BROWSER_AXE", axe);
            prepare(cargo);
        })
    }
}

/// `cargo xtask golden`
pub(crate) fn golden(options: &Golden) -> Outcome<()> {
    let root = Root::find()?;
    let browser = Browser::find()?;
    let axe = axe(&root)?;
    let folder = root.path().join(&options.into);
    browser.pictures(&root, &axe, options.only.as_deref(), &folder)?;
    say::result(format_args!("  pictures {}", folder.display()));
    Ok(())
}

/// `cargo xtask bench page`
pub(crate) fn bench(options: &BenchPage) -> Outcome<()> {
    let root = Root::find()?;
    let browser = Browser::find()?;
    let axe = axe(&root)?;
    say::step("open the page and an empty one in turn", || {
        browser.cargo_test(&root, &["--test", "browser", "paint::", "--", "--nocapture"], &axe, |cargo| {
            cargo.env("RELAY_PAGE_RUNS", options.runs.to_string());
        })
    })
}

/// Where axe-core lies.
fn axe(root: &Root) -> Outcome<PathBuf> {
    python::prepare(root, python::BROWSER, needs::check()?)?;
    python::file(root, python::BROWSER, "axe_playwright_python", "axe.min.js")
}

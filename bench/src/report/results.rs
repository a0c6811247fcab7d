//! The findings of a run of all scenarios: a file for machines, and what is written of it for people.

use std::fs;
use std::path::Path;

use relay::time::date_of_day;
use relay_lambda::process;
use serde::{Deserialize, Serialize};

use super::{Section, markdown, plot};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    /// `yyyy-mm-dd`, UTC.
    pub(crate) date: String,
    /// Processor, cores, memory, kernel.
    pub(crate) machine: String,
    /// In the order in which they ran.
    pub(crate) sections: Vec<Section>,
}

impl Results {
    /// Of this machine, today.
    pub(crate) fn of(sections: Vec<Section>) -> Self {
        Self { date: date_of_day(process::now_ms().div_euclid(DAY_MS)), machine: machine(), sections }
    }

    /// Writes `benchmarks.md` and, beside it, `benchmarks/` with the results and a plot of each growth.
    pub(crate) fn write(&self, docs: &Path) -> Result<(), String> {
        let folder = docs.join("benchmarks");
        let file = |name: &str, content: &str| {
            let path = docs.join(name);
            fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))
        };
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let results = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        file("benchmarks/results.json", &(results + "\n"))?;
        for growth in self.sections.iter().flat_map(|section| &section.growths) {
            file(&format!("benchmarks/{}.svg", growth.name), &plot::svg(growth))?;
        }
        file("benchmarks.md", &markdown::page(self))
    }
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib =
        memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    let gib = kib.unwrap_or(0_u64).div_ceil(1024 * 1024);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split(['-', '+']).next().unwrap_or_default().trim();
    format!("{}, {cores} cores, {gib} GiB, Linux {kernel}", model.unwrap_or(std::env::consts::ARCH).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lies in `docs` comes from the results beside it, to the letter.
    #[test]
    fn the_document_says_what_was_measured() {
        let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
        if !docs.join("benchmarks/results.json").is_file() {
            crate::say("SKIPPED: `cargo xtask bench all` has not written docs/benchmarks/results.json yet");
            return;
        }
        let read = |name: &str| fs::read_to_string(docs.join(name)).unwrap();
        let results: Results = serde_json::from_str(&read("benchmarks/results.json")).unwrap();
        assert!(read("benchmarks.md") == markdown::page(&results), "docs/benchmarks.md: `cargo xtask bench write`");
        for growth in results.sections.iter().flat_map(|section| &section.growths) {
            let name = format!("benchmarks/{}.svg", growth.name);
            assert!(read(&name) == plot::svg(growth), "docs/{name}: `cargo xtask bench write`");
        }
    }
}

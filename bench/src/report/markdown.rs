//! The page that people read.

use super::results::Results;
use super::{Section, text};

const HEAD: &str = "\
# Fast and cheap, measured

`cargo xtask bench all` measures everything below and writes this page and its plots from [results.json](benchmarks/results.json); each section says how to
repeat it alone. Peers run in the same run, on the same machine, under the same Lambda host and before the same stand-in for AWS; what they do and do not do is
in [bench/README.md](../bench/README.md). CPU time is the kernel's account of the process that is measured, user and system time together, so that it is fair
where cores are shared; times on the wall are not. Medians of several rounds count. Ratios travel between machines, absolute numbers do not.
";

/// The whole page.
pub(super) fn page(results: &Results) -> String {
    let mut page = HEAD.to_owned();
    let Results { date, machine, sections } = results;
    let goals: Vec<_> = sections.iter().flat_map(|section| &section.goals).collect();
    let held = goals.iter().filter(|goal| goal.holds()).count();
    line(&mut page, &format!("\nMeasured {date} on {machine}. Of {} goals {held} hold.", goals.len()));
    for section in sections {
        one(&mut page, section);
    }
    page
}

fn line(page: &mut String, line: &str) {
    page.push_str(line);
    page.push('\n');
}

fn one(page: &mut String, section: &Section) {
    line(page, &format!("\n## {}\n\n`cargo xtask bench {}`", section.title, section.verb));
    figures(page, section);
    for note in &section.notes {
        line(page, &format!("\n{note}"));
    }
    if !section.goals.is_empty() {
        line(page, "\n| goal | promised | measured | |\n|---|---:|---:|---|");
    }
    for goal in &section.goals {
        let verdict = if goal.holds() { "holds" } else { "**missed**" };
        line(page, &format!("| {} | {} | {} | {verdict} |", goal.what, goal.promise(), text(goal.value)));
    }
    for growth in &section.growths {
        let slope = growth.slope().map(text).unwrap_or_default();
        let (name, work, cost) = (&growth.name, &growth.work, &growth.cost);
        line(page, &format!("\n![{cost} by {work}: exponent {slope}](benchmarks/{name}.svg)"));
    }
}

/// A row for each who, a column for each what.
fn figures(page: &mut String, section: &Section) {
    let distinct = |names: Vec<&String>| {
        names.into_iter().fold(Vec::new(), |mut seen: Vec<String>, name| {
            if !seen.contains(name) {
                seen.push(name.clone());
            }
            seen
        })
    };
    let rows = distinct(section.figures.iter().map(|figure| &figure.who).collect());
    let columns = distinct(section.figures.iter().map(|figure| &figure.what).collect());
    if rows.is_empty() {
        return;
    }
    line(page, &format!("\n| | {} |\n|---|{}", columns.join(" | "), "---:|".repeat(columns.len())));
    for who in rows {
        let values: Vec<String> =
            columns.iter().map(|what| section.value(&who, what).map(text).unwrap_or_default()).collect();
        line(page, &format!("| {who} | {} |", values.join(" | ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Limit;

    #[test]
    fn a_page_has_a_table_its_goals_and_its_plots() {
        let mut section = Section::begin("ingest", "What a callback costs");
        section.figure("Relay", "µs", 10.0);
        section.figure("Python", "µs", 1_200.0);
        section.figure("Python", "MiB", 50.0);
        section.goal("peak, MiB", 60.0, Limit::AtMost(50.0));
        section.times("µs", ("Relay", "Python"), 5.0);
        section.growth("callbacks", ("callbacks", "ms"), vec![(1.0, 1.0), (100.0, 100.0)]);
        let results =
            Results { date: "2026-11-29".to_owned(), machine: "a machine".to_owned(), sections: vec![section] };
        insta::assert_snapshot!(page(&results));
    }
}

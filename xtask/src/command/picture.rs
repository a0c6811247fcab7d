//! The short picture after `up`: counts in, pages and write units, rows out, the first rows.

use super::sampled::Checked;
use crate::{
    check::pages::Pages,
    local::stack::Stack,
    sample::{Kind, Way},
    say::{self, Outcome, count},
    web::Client,
};

/// Rows of each file that are shown.
const ROWS: usize = 2;
/// Characters of a row that are shown.
const WIDTH: usize = 150;

/// Prints what there is to see.
pub(crate) fn show(client: &Client, stack: &Stack, checked: Option<&Checked>) -> Outcome<()> {
    let pages = Pages::read(client, stack)?;
    if let Some(checked) = checked {
        sent(checked);
    }
    stored(pages);
    if let Some(checked) = checked {
        files(checked);
    }
    say::result("");
    Ok(())
}

fn sent(checked: &Checked) {
    say::result("\nin              Adjust callbacks   SDK activities");
    for kind in Kind::ALL {
        let [adjust, sdk] = [Way::Adjust, Way::Sdk].map(|way| count(checked.sample.sent(kind, way)));
        say::result(format_args!("  {:<14}{adjust:>16}{sdk:>17}", kind.name()));
    }
    let Some(answers) = checked.answers else { return };
    say::result(format_args!(
        "  answered      200 to {} callbacks (retries included) and {} batches with {} items; {} items refused by index; {} sent again after 503",
        count(answers.callbacks),
        count(answers.batches),
        count(answers.accepted + answers.rejected),
        count(answers.rejected),
        count(answers.again),
    ));
}

fn stored(pages: Pages) {
    let each = |units: usize| units.saturating_mul(1000).checked_div(pages.activities).unwrap_or(0);
    say::result(format_args!(
        "\nstored          {} activities in {} pages, {} KiB, {} write units: {} for each 1,000 activities",
        count(pages.activities),
        count(pages.items),
        count(pages.bytes / 1024),
        count(pages.write_units),
        count(each(pages.write_units)),
    ));
}

fn files(checked: &Checked) {
    say::result("\nout             rows right, each once, nothing missing");
    for (kind, text) in &checked.files {
        let rows = count(checked.sample.expected(*kind).count());
        let (from, to) = checked.sample.dates(*kind);
        say::result(format_args!(
            "  {:<14}{rows:>7} rows, {} KiB, {from} to {to} in {}",
            kind.name(),
            count(text.len() / 1024),
            kind.zone().name()
        ));
        for line in text.lines().take(1 + ROWS) {
            let shown: String = line.chars().take(WIDTH).collect();
            say::result(format_args!("      {shown}{}", if shown.len() < line.len() { "…" } else { "" }));
        }
    }
}

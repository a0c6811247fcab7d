//! Runs the cells: first what strikes while activities are sent, then what strikes while files are written and mailed.

use std::iter;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use local::fault_proxy::Rule;
use relay_tests::kill::while_killing;
use relay_tests::stack::column;
use relay_tests::stage::Stage;
use relay_tests::wait::until;
use serde_json::json;

use crate::cell::{Cell, Fault, When};
use crate::ledger::Outcome;
use crate::say;
use crate::size::Size;
use crate::tenant;
use crate::traffic::{self, Sent};

/// How long a fault may take to strike as often as it must.
const STRIKES: Duration = Duration::from_mins(1);
/// How long an export may take, retries of every kind included.
const EXPORT: Duration = Duration::from_mins(3);
/// How long a cell goes on sending until it has killed as often as it must.
const KILLS: Duration = Duration::from_mins(20);
/// Kills of one export: the first retry of a killed notify's event still finds its claim taken, the second and last must get through.
const KILLS_AN_EXPORT: usize = 1;

/// Runs every cell.
pub(crate) fn run(size: &Size) -> Vec<Outcome> {
    let cells = Cell::all(&size.only);
    let stage = Stage::start(&size.programs, "faults", &["MaxConcurrentExports=4", "BatchWindowSeconds=0"]);
    let tenants: Vec<_> = cells.iter().map(|cell| &cell.tenant).collect();
    tenant::register(&stage, &tenants);
    let run = Run { stage: &stage, size };
    let mut outcomes: Vec<Outcome> = cells.iter().map(|cell| run.send(cell)).collect();
    run.export_together(&cells, &mut outcomes);
    for (cell, outcome) in cells.iter().zip(&mut outcomes).filter(|(cell, _)| cell.place.when == When::ExportingAlone) {
        run.export_alone(cell, outcome);
    }
    for (cell, outcome) in cells.iter().zip(&mut outcomes) {
        let entries = stage.quarantined(&cell.tenant.name);
        outcome.quarantined = entries.iter().filter_map(|entry| nonce(&entry.query)).collect();
        let is_its = |(to, _): &&(String, String)| *to == cell.tenant.email;
        outcome.mails = stage.mails().iter().filter(is_its).count();
    }
    outcomes
}

fn nonce(query: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix("nonce=")).map(str::to_owned)
}

struct Run<'a> {
    stage: &'a Stage,
    size: &'a Size,
}

impl Run<'_> {
    /// How many processes a cell kills. Killed while it makes a file, a function is tried again after seconds, so few are: the two
    /// cells at the stream have the most.
    fn kills(&self, cell: &Cell) -> usize {
        let of_export = (self.size.kills / 20).max(KILLS_AN_EXPORT);
        if cell.place.when == When::Sending { self.size.kills / 2 - of_export } else { of_export }
    }

    /// Sends a cell's activities, under its faults if they are for that.
    fn send(&self, cell: &Cell) -> Outcome {
        let began = Instant::now();
        let mut outcome = Outcome::new(cell.place.name, cell.fault.name());
        let send = || traffic::send(self.stage, &cell.tenant, self.size);
        let may = || self.stage.proxy.held() > 0;
        if cell.place.when == When::Sending {
            self.stage.proxy.set_rules(self.size.seed ^ u64::from(cell.tenant.number), cell.rules());
            if cell.fault == Fault::Killed {
                let mut all = Sent::default();
                let names = [cell.place.binary];
                outcome.killed = while_killing(self.stage.host(), &names, self.kills(cell), may, |killed| {
                    // Once more, and more often where the work was done before enough processes were killed.
                    let _ = until(KILLS, || {
                        all.merge(send());
                        (killed.load(Ordering::SeqCst) >= self.kills(cell)).then_some(())
                    });
                });
                outcome.sent = all;
            } else if cell.closes_the_door() {
                let wrong = traffic::refused(self.stage, &cell.tenant, self.size);
                outcome.sent.wrong = wrong;
            } else {
                outcome.sent = send();
            }
            outcome.struck = self.strikes(cell, 0..cell.rules().len());
            self.stage.proxy.set_rules(0, Vec::new());
        }
        if outcome.sent.all.is_empty() {
            outcome.sent.merge(send());
        }
        say(&format!("  {}: sent in {:.1} s", cell.name(), began.elapsed().as_secs_f64()));
        outcome
    }

    /// How often a cell's rules have struck, once that is often enough.
    fn strikes(&self, cell: &Cell, rules: std::ops::Range<usize>) -> usize {
        let struck = || self.stage.proxy.struck()[rules.clone()].iter().sum::<usize>();
        let _ = until(STRIKES, || (struck() >= cell.strikes_wanted()).then_some(()));
        struck()
    }

    /// All exports that may run beside each other, those with faults of their own among them.
    fn export_together(&self, cells: &[Cell], outcomes: &mut [Outcome]) {
        let together: Vec<usize> = (0..cells.len()).filter(|n| cells[*n].place.when != When::ExportingAlone).collect();
        let mut rules: Vec<Rule> = Vec::new();
        let mut ranges = vec![0..0; cells.len()];
        for n in together.iter().copied().filter(|n| cells[*n].place.when == When::Exporting) {
            ranges[n] = rules.len()..rules.len() + cells[n].rules().len();
            rules.extend(cells[n].rules());
        }
        self.stage.proxy.set_rules(self.size.seed, rules);
        let ids: Vec<_> = together.iter().map(|n| (*n, self.ask(&cells[*n], 0))).collect();
        for (n, id) in &ids {
            let began = Instant::now();
            outcomes[*n].rows = self.file(&cells[*n], id);
            if cells[*n].place.when == When::Exporting {
                outcomes[*n].struck = self.stage.proxy.struck()[ranges[*n].clone()].iter().sum();
            }
            say(&format!("  {}: file after {:.1} s more", cells[*n].name(), began.elapsed().as_secs_f64()));
        }
        self.stage.proxy.set_rules(0, Vec::new());
    }

    /// An export while nobody else is at work; those that kill are repeated until they have killed often enough.
    fn export_alone(&self, cell: &Cell, outcome: &mut Outcome) {
        let began = Instant::now();
        for times in 0.. {
            self.stage.proxy.set_rules(self.size.seed, cell.rules());
            let once = || {
                let id = self.ask(cell, times);
                self.file(cell, &id)
            };
            if cell.fault == Fault::Killed {
                let most = KILLS_AN_EXPORT;
                let (mut rows, names) = (None, [cell.place.binary]);
                let may = || self.stage.proxy.held() > 0;
                outcome.killed += while_killing(self.stage.host(), &names, most, may, |_| rows = once());
                outcome.rows = rows;
            } else {
                outcome.rows = once();
            }
            outcome.struck += self.stage.proxy.struck().iter().sum::<usize>();
            let is_over = cell.fault != Fault::Killed || outcome.killed >= self.kills(cell);
            if is_over || !outcome.is_whole() {
                break;
            }
        }
        self.stage.proxy.set_rules(0, Vec::new());
        say(&format!("  {}: file in {:.1} s", cell.name(), began.elapsed().as_secs_f64()));
    }

    /// Asks for a cell's file until the API takes it; answers the export's id. What was asked for `before` is asked with another address
    /// besides: the same request within a minute would be the same export.
    fn ask(&self, cell: &Cell, before: usize) -> String {
        let now = relay_lambda::process::now_ms();
        let day = |at: i64| relay::time::date_of_day(at.div_euclid(86_400_000));
        let email = &cell.tenant.email;
        let besides = (before > 0).then(|| format!("{before}.{email}"));
        let emails: Vec<_> = iter::once(email.clone()).chain(besides).collect();
        let body = json!({
            "app_token": cell.tenant.app, "kind": "event", "email": emails,
            "start_date": day(self.size.now - 2 * 3_600_000), "end_date": day(now),
        });
        let taken = until(EXPORT, || match self.stage.post("/v1/exports", &cell.tenant.api_key, &body) {
            Some((202, answer)) => Some(answer),
            None | Some((500 | 502 | 503 | 504, _)) => None,
            Some(other) => panic!("{}: {other:?}", cell.name()),
        });
        taken.expect("the API takes the export")["export_id"].as_str().unwrap().to_owned()
    }

    /// The event ids of the rows of a cell's file, by the link in its mail; `None` when no such mail comes.
    fn file(&self, cell: &Cell, id: &str) -> Option<Vec<String>> {
        let text = until(EXPORT, || {
            let mails = self.stage.mails();
            let is_it = |(to, text): &(String, String)| *to == cell.tenant.email && text.contains(id);
            mails.into_iter().find(is_it).map(|(_, text)| text)
        })?;
        let mut words = text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>'));
        let link = words.find(|word| word.starts_with("http") && word.contains("X-Amz-Signature="))?;
        Some(column(&self.stage.download(link), "event_id"))
    }
}

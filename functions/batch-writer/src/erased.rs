//! What is erased does not become a page.
//!
//! A frame names an app and not its owner, so whose tombstones concern an activity is found by who had its app's token when it came. To look that up for
//! every app would cost more than it saves: the gate, one item for everybody, tells the latest moment up to which anything is erased, and only
//! activities that happened before it are looked at. Where nobody erases anything, a process reads one item each ten seconds.
//!
//! What was read is believed for a while, and longer where table `control` cannot be asked: then an activity may become a page that should not. Readers
//! leave it out all the same, by tombstones they read themselves, and the sweep takes it out of its page (ADR 0011). The other way round nothing is
//! believed: before an activity is left out, its app's owner is looked up anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use memchr::memchr2_iter;
use relay::activity::Provider;
use relay::avro;
use relay::erase::{By, Erased, FORGET_DEVICE, Gate, Ledger, Mark, Origin, forgotten, record};
use relay::fault::Fault;
use relay::owner::Tenure;
use relay::port::{ControlTable, PageStore, Quarantine};
use relay::tenancy;
use tokio::time::Instant;

use crate::App;
use crate::batch::Batch;
use crate::drain::Clock;

/// How long the gate and an owner's tombstones are believed.
const TOMBSTONES_FRESH: Duration = Duration::from_secs(10);

/// How long it is believed who has an app token, as long as nothing is left out for it.
const TENURES_FRESH: Duration = Duration::from_mins(1);

/// How long either is believed where it cannot be read anew. Far below the 15 days after which pages are swept: what becomes a page meanwhile is taken out
/// of it.
const BELIEVED: Duration = Duration::from_hours(24);

/// How many looks go out side by side.
const LOOKS_AT_ONCE: usize = 8;

/// What this process knows, and since when.
#[derive(Debug, Default)]
pub(crate) struct Known {
    gate: Option<(Gate, Instant)>,
    /// Who has and had an app token.
    tenures: HashMap<String, (Vec<Tenure>, Instant)>,
    owners: HashMap<String, Tombstones>,
}

#[derive(Debug)]
struct Tombstones {
    erased: Arc<Erased>,
    from_callbacks: bool,
    read_at: Instant,
}

/// What is thought of who has an app token.
struct Trust<F> {
    /// Whether it need not be looked up.
    fresh: F,
    /// How old it may be where it cannot be looked up.
    believed: Duration,
}

impl Known {
    fn latest(&self) -> i64 {
        self.gate.map_or(0, |(gate, _)| gate.latest)
    }

    /// Who had the app's token when something came under it.
    fn owner(&self, app_token: &str, received_at: i64) -> Option<&str> {
        let (tenures, _) = self.tenures.get(app_token)?;
        tenures.iter().find(|tenure| tenure.holds(received_at)).map(|tenure| tenure.owner.as_str())
    }

    /// Whether an activity is erased, as far as is known. Every datum was decoded before.
    fn is_erased(&self, datum: &[u8]) -> bool {
        let Ok(head) = avro::head(datum) else { return false };
        if head.created_at > self.latest() {
            return false;
        }
        let owner = self.owner(head.app_token, head.received_at).and_then(|owner| self.owners.get(owner));
        owner.is_some_and(|owner| owner.erased.covers(head.created_at, datum).unwrap_or(false))
    }

    /// The same, where its app is one of these.
    fn is_erased_of(&self, datum: &[u8], apps: &BTreeSet<String>) -> bool {
        avro::head(datum).is_ok_and(|head| apps.contains(head.app_token)) && self.is_erased(datum)
    }

    /// The apps of the activities that `is_concerned` tells by when they happened and what they are.
    fn apps(part: &Batch, is_concerned: impl Fn(i64, &[u8]) -> bool) -> BTreeSet<String> {
        let heads = part.datums().filter_map(|datum| Some((avro::head(datum.bytes).ok()?, datum.bytes)));
        let mut apps = BTreeSet::new();
        for (head, bytes) in heads {
            if !apps.contains(head.app_token) && is_concerned(head.created_at, bytes) {
                apps.insert(head.app_token.to_owned());
            }
        }
        apps
    }
}

impl<P: PageStore, C: ControlTable, Q: Quarantine> App<P, C, Q> {
    /// Leaves out of a part what is erased, by what is known, and by what its own callbacks ask to erase. After a fault nothing of the part may be written.
    pub(crate) async fn leave_out_erased(&self, part: &mut Batch, clock: &impl Clock) -> Result<(), Fault> {
        let mut known = self.known.lock().await;
        let begun = Instant::now();
        let gate = self.gate(&mut known).await?;
        if gate.from_callbacks {
            self.take_callbacks(&mut known, part, clock).await?;
        }
        let latest = known.latest();
        if latest == 0 {
            return Ok(());
        }
        let concerned = Known::apps(part, |created_at, _| created_at <= latest);
        self.learn(
            &mut known,
            &concerned,
            Trust { fresh: |read_at: Instant| read_at.elapsed() < TENURES_FRESH, believed: BELIEVED },
        )
        .await?;
        let covered = Known::apps(part, |_, datum| known.is_erased(datum));
        // A token may have moved since it was looked up: nobody's activities are left out for another's tombstones.
        self.learn(&mut known, &covered, Trust { fresh: |read_at: Instant| read_at > begun, believed: Duration::ZERO })
            .await?;
        // Of others the tombstones may have been read meanwhile, and whose they are not: readers leave those out, and the sweep takes them out.
        if !covered.is_empty() {
            part.leave_out(|datum| known.is_erased_of(datum, &covered));
        }
        Ok(())
    }

    async fn gate(&self, known: &mut Known) -> Result<Gate, Fault> {
        if let Some((gate, _)) = known.gate.filter(|(_, read_at)| read_at.elapsed() < TOMBSTONES_FRESH) {
            return Ok(gate);
        }
        match tenancy::find::<Gate>(&self.control, Gate::key()).await {
            Ok(found) => {
                let gate = found.map(|(gate, _)| gate).unwrap_or_default();
                known.gate = Some((gate, Instant::now()));
                Ok(gate)
            }
            Err(fault) => known
                .gate
                .filter(|(_, read_at)| is_believed(&fault, *read_at, BELIEVED))
                .map(|(gate, _)| gate)
                .ok_or(fault),
        }
    }

    /// Looks up who has and had these apps, where what is known is not fresh, and their tombstones.
    async fn learn(
        &self,
        known: &mut Known,
        apps: &BTreeSet<String>,
        trust: Trust<impl Fn(Instant) -> bool>,
    ) -> Result<(), Fault> {
        let is_known = |app: &String| known.tenures.get(app).is_some_and(|(_, read_at)| (trust.fresh)(*read_at));
        let unknown: Vec<String> = apps.iter().filter(|app| !is_known(app)).cloned().collect();
        let looks = stream::iter(unknown).map(async |app| (tenancy::tenures(&self.control, &app).await, app));
        for (found, app) in looks.buffer_unordered(LOOKS_AT_ONCE).collect::<Vec<_>>().await {
            match found {
                Ok(tenures) => drop(known.tenures.insert(app, (tenures, Instant::now()))),
                Err(fault) => {
                    let old =
                        known.tenures.get(&app).filter(|(_, read_at)| is_believed(&fault, *read_at, trust.believed));
                    old.ok_or(fault)?;
                }
            }
        }
        let tenures = apps.iter().filter_map(|app| known.tenures.get(app)).flat_map(|(tenures, _)| tenures);
        let owners: BTreeSet<String> = tenures.map(|tenure| tenure.owner.clone()).collect();
        self.catch_up(known, owners).await
    }

    async fn catch_up(&self, known: &mut Known, owners: BTreeSet<String>) -> Result<(), Fault> {
        let stale = owners.into_iter().filter_map(|owner| match known.owners.get(&owner) {
            Some(it) if it.read_at.elapsed() < TOMBSTONES_FRESH => None,
            it => Some((it.map(|it| Arc::clone(&it.erased)).unwrap_or_default(), owner)),
        });
        let looks = stream::iter(stale.collect::<Vec<_>>()).map(async |(mut erased, owner)| {
            let read = Arc::make_mut(&mut erased).catch_up(&self.control, &owner).await;
            (read, erased, owner)
        });
        for (read, erased, owner) in looks.buffer_unordered(LOOKS_AT_ONCE).collect::<Vec<_>>().await {
            match read {
                Ok(ledger) => known.remember(owner, erased, ledger.map(|(ledger, _)| ledger)),
                Err(fault) => {
                    let old = known.owners.get(&owner).filter(|it| is_believed(&fault, it.read_at, BELIEVED));
                    old.ok_or(fault)?;
                }
            }
        }
        Ok(())
    }

    /// Makes tombstones of what the part's callbacks ask to erase, where the owner wants that: before anything of the part is written, so that the stream
    /// brings it again until they are made, and what is made already is not made twice.
    async fn take_callbacks(&self, known: &mut Known, part: &Batch, clock: &impl Clock) -> Result<(), Fault> {
        let apps = Known::apps(part, |_, datum| asks_to_forget(datum));
        if apps.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        self.learn(known, &apps, Trust { fresh: |read_at: Instant| read_at > begun, believed: Duration::ZERO }).await?;
        let mut marks: HashMap<String, Vec<Mark>> = HashMap::new();
        for datum in part.datums().filter(|datum| asks_to_forget(datum.bytes)) {
            let Ok(activity) = avro::decode(datum.bytes) else { continue };
            let owner = known.owner(&activity.app_token, activity.received_at);
            if let Some(owner) = owner.filter(|owner| known.owners.get(*owner).is_some_and(|it| it.from_callbacks)) {
                marks.entry(owner.to_owned()).or_default().extend(forgotten(&activity));
            }
        }
        let wishes = marks.into_iter().map(|(owner, marks)| {
            let erased = known.owners.get(&owner).map(|it| Arc::clone(&it.erased)).unwrap_or_default();
            (owner, marks, erased)
        });
        let made: Vec<(String, Arc<Erased>)> = stream::iter(wishes.collect::<Vec<_>>())
            .map(Ok)
            .and_then(async |(owner, marks, mut erased)| {
                // Whose callbacks erase has a ledger, and its key: no other is made here.
                let origin = Origin { by: By::Callback, now: clock.now(), random: [0; 32], beside: &[] };
                let recorded = record(&self.control, &owner, &marks, Arc::make_mut(&mut erased), origin).await?;
                if recorded.made > 0 {
                    tracing::info!(owner, tombstones = recorded.made, "a provider's callbacks erase");
                }
                Ok((owner, erased))
            })
            .try_collect()
            .await?;
        for (owner, erased) in made {
            known.open_to(erased.latest());
            if let Some(it) = known.owners.get_mut(&owner) {
                it.erased = erased;
            }
        }
        Ok(())
    }
}

impl Known {
    fn remember(&mut self, owner: String, erased: Arc<Erased>, ledger: Option<Ledger>) {
        self.open_to(erased.latest());
        let from_callbacks = ledger.is_some_and(|ledger| ledger.from_callbacks);
        self.owners.insert(owner, Tombstones { erased, from_callbacks, read_at: Instant::now() });
    }

    /// What is erased is looked for up to there, whatever was read of the gate.
    fn open_to(&mut self, latest: Option<i64>) {
        if let (Some((gate, _)), Some(latest)) = (&mut self.gate, latest) {
            gate.latest = gate.latest.max(latest);
        }
    }
}

/// Whether a callback's activity may be one that asks to forget a device: seen in its bytes, since to decode each would cost more than to store it.
fn asks_to_forget(datum: &[u8]) -> bool {
    let is_adjusts = || avro::head(datum).is_ok_and(|head| head.provider == Provider::Adjust);
    is_adjusts()
        && FORGET_DEVICE.as_bytes().first().is_some_and(|first| {
            let capital = first.to_ascii_uppercase();
            memchr2_iter(*first, capital, datum).any(|at| {
                let bytes = datum.get(at..at + FORGET_DEVICE.len());
                bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(FORGET_DEVICE.as_bytes()))
            })
        })
}

fn is_believed(fault: &Fault, read_at: Instant, most: Duration) -> bool {
    let age = read_at.elapsed();
    let is_believed = age < most;
    if is_believed {
        tracing::warn!(%fault, seconds = age.as_secs(), "what is erased cannot be read anew; what was read last is believed");
    }
    is_believed
}

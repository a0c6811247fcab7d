//! What was read lately, by name: for a short time and in a bounded number.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use relay::owner::BELIEVED_MS;

/// The most names that one memory holds; bounds a process that sees very many apps, or is tried with very many keys.
pub(crate) const MAX_REMEMBERED: usize = 10_000;

/// What was read lately, by name.
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<HashMap<String, (i64, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Recent<T> {
    /// What was read under this name, where that is still believed.
    pub(crate) fn recall(&self, name: &str, now: i64) -> Option<T> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, value) = entries.get(name)?;
        is_believed(*read_at, now).then(|| value.clone())
    }

    /// Remembers what a look-up that began `now` has found. Where there is no room left, all is forgotten and read anew.
    pub(crate) fn remember(&self, name: &str, value: T, now: i64) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_REMEMBERED {
            entries.retain(|_, (read_at, _)| is_believed(*read_at, now));
        }
        if entries.len() >= MAX_REMEMBERED {
            entries.clear();
        }
        entries.insert(name.to_owned(), (now, value));
    }
}

/// A clock that was set back makes nothing fresh for ever.
fn is_believed(read_at: i64, now: i64) -> bool {
    (0..BELIEVED_MS).contains(&now.saturating_sub(read_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn count(recent: &Recent<u8>) -> usize {
        recent.0.lock().unwrap().len()
    }

    #[test]
    fn what_was_read_is_believed_for_its_time_however_often_it_is_recalled() {
        let recent = Recent::default();
        recent.remember("a", 1, NOW);
        for later in 0..BELIEVED_MS {
            assert_eq!(recent.recall("a", NOW + later), Some(1));
        }
        assert_eq!(recent.recall("a", NOW + BELIEVED_MS), None, "being asked for makes nothing younger");
        assert_eq!(recent.recall("a", NOW - 1), None, "a clock that was set back");
        assert_eq!(recent.recall("b", NOW), None);
    }

    #[test]
    fn names_beyond_the_bound_make_room_by_forgetting() {
        let recent = Recent::default();
        for number in 0..MAX_REMEMBERED {
            recent.remember(&number.to_string(), 0, NOW);
        }
        assert_eq!(count(&recent), MAX_REMEMBERED);
        recent.remember("one more", 1, NOW);
        assert_eq!((count(&recent), recent.recall("one more", NOW)), (1, Some(1)));
        for number in 1..MAX_REMEMBERED {
            recent.remember(&number.to_string(), 0, NOW + 1);
        }
        recent.remember("later", 2, NOW + BELIEVED_MS);
        assert_eq!(count(&recent), MAX_REMEMBERED, "only the one that is not believed any more was forgotten");
        assert_eq!(recent.recall("1", NOW + BELIEVED_MS), Some(0));
    }
}

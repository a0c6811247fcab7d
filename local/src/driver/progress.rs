//! How far a shard is: with several lanes, records are done out of order.

use std::collections::VecDeque;

/// Records that were read and lie after the checkpoint, in order.
#[derive(Debug, Default)]
pub(super) struct Progress {
    outstanding: VecDeque<(String, bool)>,
}

impl Progress {
    pub(super) fn read(&mut self, sequence_number: &str) {
        self.outstanding.push_back((sequence_number.to_owned(), false));
    }

    /// Whether every record that was read is done.
    pub(super) fn is_empty(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Notes that records are done. Returns the new checkpoint, if it moved: everything up to it is done.
    pub(super) fn done<'a>(&mut self, sequence_numbers: impl Iterator<Item = &'a str>) -> Option<String> {
        for sequence_number in sequence_numbers {
            let place = self.outstanding.binary_search_by(|(known, _)| order(known).cmp(&order(sequence_number)));
            if let Some((_, done)) = place.ok().and_then(|place| self.outstanding.get_mut(place)) {
                *done = true;
            }
        }
        let mut checkpoint = None;
        while self.outstanding.front().is_some_and(|(_, done)| *done) {
            checkpoint = self.outstanding.pop_front().map(|(sequence_number, _)| sequence_number);
        }
        checkpoint
    }
}

/// Sequence numbers are decimal numbers, without leading zeros on AWS and of equal length here.
fn order(sequence_number: &str) -> (usize, &str) {
    (sequence_number.len(), sequence_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkpoint_never_passes_a_record_that_is_not_done() {
        let mut progress = Progress::default();
        for sequence_number in ["8", "9", "10", "11"] {
            progress.read(sequence_number);
        }
        assert_eq!(progress.done(["9", "11"].into_iter()), None);
        assert_eq!(progress.done(["8"].into_iter()), Some("9".to_owned()));
        assert!(!progress.is_empty());
        assert_eq!(progress.done(["10"].into_iter()), Some("11".to_owned()));
        assert!(progress.is_empty());
        assert_eq!(progress.done(["10"].into_iter()), None);
    }
}

//! A tiny generator of pseudo-random numbers (splitmix64): the same seed gives the same sample on every machine.

/// The state of the generator.
pub(crate) struct Rng(u64);

impl Rng {
    /// A generator that starts from `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        match self.next().checked_rem(bound) {
            Some(number) => number,
            None => 0,
        }
    }

    /// True in `percent` of 100 cases.
    pub(crate) const fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the choices. There must be at least one.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or(0);
        choices.get(index).copied()
    }

    /// One of the texts; empty only when there are none.
    pub(crate) fn text<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        self.pick(choices).unwrap_or_default()
    }

    /// `length` lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.letters(b"0123456789abcdef", length)
    }

    /// `length` lower-case letters and digits, as Adjust's `{nonce}`.
    pub(crate) fn alphanumeric(&mut self, length: usize) -> String {
        self.letters(b"0123456789abcdefghijklmnopqrstuvwxyz", length)
    }

    /// `length` decimal digits, the first of them not 0.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        let first = self.letters(b"123456789", 1);
        first + &self.letters(b"0123456789", length.saturating_sub(1))
    }

    /// A random identifier in the shape of a UUID.
    pub(crate) fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|length| self.hex(length)).join("-")
    }

    fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .filter_map(|_| {
                let index = usize::try_from(self.below(alphabet.len() as u64)).ok()?;
                alphabet.get(index).copied().map(char::from)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_sequence() {
        // The first outputs of splitmix64 for seed 1234567, from its reference implementation.
        let mut rng = Rng::new(1_234_567);
        assert_eq!(rng.next(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next(), 3_203_168_211_198_807_973);
        assert_eq!(rng.next(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn texts_have_their_length_and_alphabet() {
        let mut rng = Rng::new(7);
        assert_eq!(rng.uuid().len(), 36);
        assert_eq!(rng.digits(18).len(), 18);
        assert!(rng.hex(32).bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!((0..1000).all(|_| !rng.digits(3).starts_with('0')));
    }
}

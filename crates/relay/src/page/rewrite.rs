//! A page with activities taken out, for an erase: those that stay are the same bytes in the same order.

use bytes::Bytes;

use super::{PageError, StoredPage, Unpacker, datums};
use crate::avro::{self, DecodeError, FINGERPRINT, Head, put_bytes};
use crate::compression::compress;

/// What becomes of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The compressed activities that stay, with how many there are; `None` where none does.
    pub left: Option<(Bytes, u64)>,
    /// How many activities are taken out.
    pub taken_out: u64,
}

/// Takes the activities out of a page that `is_erased` tells; `None` where there is none among them.
pub fn without(
    page: &StoredPage,
    unpacker: &mut Unpacker,
    is_erased: impl Fn(&Head<'_>, &[u8]) -> Result<bool, DecodeError>,
) -> Result<Option<Rewrite>, PageError> {
    let bytes = unpacker.unpack(&page.body)?;
    let (mut left, mut n, mut taken_out) = (Vec::new(), 0, 0);
    for range in datums(bytes) {
        let datum = bytes.get(range?).unwrap_or_default();
        if is_erased(&avro::head(datum)?, datum)? {
            taken_out += 1;
        } else {
            put_bytes(&mut left, datum);
            n += 1;
        }
    }
    if taken_out == 0 {
        return Ok(None);
    }
    let left = if n > 0 { Some((packed(&left)?, n)) } else { None };
    Ok(Some(Rewrite { left, taken_out }))
}

fn packed(bytes: &[u8]) -> Result<Bytes, PageError> {
    let packed = compress(bytes).map_err(|error| PageError::Unpack(error.to_string()))?;
    Ok(Bytes::from([FINGERPRINT.to_le_bytes().as_slice(), &packed].concat()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{encoded, pages};
    use super::super::unpack;
    use super::*;
    use crate::arbitrary;

    fn stored(page: super::super::Page) -> StoredPage {
        StoredPage { sk: page.sk, body: page.body, n: page.n }
    }

    fn rows(body: &[u8]) -> Vec<Vec<u8>> {
        let bytes = unpack(body).unwrap();
        datums(&bytes).map(|range| bytes[range.unwrap()].to_vec()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_erased_goes_and_all_else_stays_byte_for_byte(
            mut activities in prop::collection::vec(arbitrary::activity(), 1..30), erased in prop::collection::vec(any::<bool>(), 30),
        ) {
            for (n, activity) in activities.iter_mut().enumerate() {
                activity.created_at %= 60_000;
                activity.app_token = "app".into();
                activity.kind = crate::activity::Kind::Event;
                activity.activity_id.0[0] = u8::try_from(n).unwrap();
            }
            let bytes: Vec<_> = activities.iter().map(encoded).collect();
            let is_erased = |head: &Head<'_>, _: &[u8]| Ok(erased[usize::from(head.activity_id.0[0])]);
            for page in pages(&bytes, 1).into_iter().map(stored) {
                let before = rows(&page.body);
                let stays: Vec<Vec<u8>> =
                    before.iter().filter(|row| !erased[usize::from(avro::head(row).unwrap().activity_id.0[0])]).cloned().collect();
                let rewrite = without(&page, &mut Unpacker::default(), is_erased).unwrap();
                let taken_out = before.len() - stays.len();
                prop_assert_eq!(rewrite.is_none(), taken_out == 0);
                let Some(rewrite) = rewrite else { continue };
                prop_assert_eq!(rewrite.taken_out, taken_out as u64);
                match rewrite.left {
                    None => prop_assert!(stays.is_empty()),
                    Some((body, n)) => {
                        prop_assert_eq!(n, stays.len() as u64);
                        prop_assert_eq!(rows(&body), stays);
                        let again = StoredPage { body, n, ..page };
                        prop_assert_eq!(without(&again, &mut Unpacker::default(), is_erased).unwrap(), None);
                    }
                }
            }
        }
    }

    #[test]
    fn a_page_that_cannot_be_read_is_an_error_and_never_an_empty_page() {
        let page = StoredPage { sk: "0000#a".to_owned(), body: Bytes::from_static(b"damaged page"), n: 1 };
        assert!(without(&page, &mut Unpacker::default(), |_, _| Ok(true)).is_err());
    }
}

//! Batches of any size cut into calls that the service takes.

/// The most a call may hold.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Elements.
    pub(crate) items: usize,
    /// Bytes, as the service counts them.
    pub(crate) bytes: usize,
}

/// Consecutive slices, each within the limits; an element that alone is above them makes a call of its own, for the service to refuse.
pub(crate) fn split<T>(mut rest: &[T], limits: Limits, size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut calls = Vec::new();
    while !rest.is_empty() {
        let (call, later) = rest.split_at(fitting(rest, limits, &size).max(1));
        calls.push(call);
        rest = later;
    }
    calls
}

fn fitting<T>(items: &[T], limits: Limits, size: impl Fn(&T) -> usize) -> usize {
    let mut bytes = 0_usize;
    items
        .iter()
        .take(limits.items)
        .take_while(|item| {
            bytes = bytes.saturating_add(size(item));
            bytes <= limits.bytes
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { items: 3, bytes: 10 };

    fn sizes(items: &[usize]) -> Vec<Vec<usize>> {
        split(items, LIMITS, |size| *size).into_iter().map(<[usize]>::to_vec).collect()
    }

    #[test]
    fn calls_keep_both_limits_and_the_order() {
        assert_eq!(sizes(&[1, 2, 3, 4, 5]), [vec![1, 2, 3], vec![4, 5]]);
        assert_eq!(sizes(&[5, 5, 1]), [vec![5, 5], vec![1]]);
        assert_eq!(sizes(&[]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn an_element_above_the_limit_stands_alone() {
        assert_eq!(sizes(&[1, 11, 1]), [vec![1], vec![11], vec![1]]);
    }
}

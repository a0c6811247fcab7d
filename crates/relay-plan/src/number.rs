//! Between counts and figures. A plan is an estimate: a figure is never more exact than the load it was asked for.

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "53 bits are more than any estimate has")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

/// A figure as a count, rounded up; nothing below 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
pub(crate) fn whole(figure: f64) -> u64 {
    figure.max(0.0).ceil() as u64
}

/// A figure as a small count, rounded up.
pub(crate) fn small(figure: f64) -> u32 {
    u32::try_from(whole(figure)).unwrap_or(u32::MAX)
}

/// The length of something as a figure.
pub(crate) const fn length(length: usize) -> f64 {
    float(length as u64)
}

/// `a / b` of counts; 0 where there is nothing to divide by.
pub(crate) fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { float(a) / float(b) }
}

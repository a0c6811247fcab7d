//! Why an input was refused: its own fault, so never retried, always counted, kept raw, replayable.

/// The reason of a discard; one spelling in answers, metrics, quarantine objects and docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The body is not the JSON or form it says it is.
    Malformed,
    /// No activity kind, or one that cannot be.
    BadKind,
    /// No `app_token` and no app id of the provider's own, or one that is not `[A-Za-z0-9._-]{1,64}`.
    BadAppToken,
    /// The app token is not registered: register it, then replay.
    UnknownApp,
    /// The app token belongs to another owner.
    ForeignApp,
    /// No usable time, or one outside [received − 400 days, received + 24 h].
    BadTime,
    /// An `event_id` over 128 characters.
    BadEventId,
    /// The activity is over 64 KiB encoded.
    TooLarge,
    /// The event token is not on the owner's allow-list: dropped because the owner asked for it.
    NotAllowed,
    /// A frame of the stream that cannot be decoded.
    Undecodable,
    /// A page that the table refuses as invalid.
    RefusedPage,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Malformed,
        Self::BadKind,
        Self::BadAppToken,
        Self::UnknownApp,
        Self::ForeignApp,
        Self::BadTime,
        Self::BadEventId,
        Self::TooLarge,
        Self::NotAllowed,
        Self::Undecodable,
        Self::RefusedPage,
    ];

    /// The name in answers, metrics and quarantine objects.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadKind => "bad_kind",
            Self::BadAppToken => "bad_app_token",
            Self::UnknownApp => "unknown_app",
            Self::ForeignApp => "foreign_app",
            Self::BadTime => "bad_time",
            Self::BadEventId => "bad_event_id",
            Self::TooLarge => "too_large",
            Self::NotAllowed => "not_allowed",
            Self::Undecodable => "undecodable",
            Self::RefusedPage => "refused_page",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// An input refused: the reason, and in words what was wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", self.reason.name())]
pub struct Discard {
    /// The counted reason.
    pub reason: Reason,
    /// The words.
    pub detail: String,
}

impl Discard {
    /// A refusal for `reason`.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

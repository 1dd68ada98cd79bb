//! The states of a certificate, and where each input leads.

use crate::api::CertificateState;

/// Where a certificate is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// There is one, but past its end; another is asked for.
    Expired,
    /// There is none: the authority refused, and is asked again later; or it cannot be ordered as it is asked for.
    Failed,
    /// There is one.
    Issued,
    /// There is none yet: the authority is asked.
    Ordering,
    /// There is one, and its successor is asked for.
    Renewing,
    /// There is none, and nobody was asked yet.
    Wanted,
}

/// What happens to a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// It is ordered.
    Due,
    /// The order came to nothing, or nobody can be asked.
    Failed,
    /// Its end is past.
    Lapsed,
    /// Its end is ahead again: the wall's clock went back.
    Revived,
    /// A new one is served.
    Served,
}

impl State {
    /// As status reports it.
    #[must_use]
    pub const fn reported(self) -> CertificateState {
        match self {
            Self::Expired => CertificateState::Expired,
            Self::Failed => CertificateState::Failed,
            Self::Issued => CertificateState::Issued,
            Self::Ordering | Self::Wanted => CertificateState::Pending,
            Self::Renewing => CertificateState::Renewing,
        }
    }

    /// Whether gateways have one, as far as anybody knows.
    pub(super) const fn has_been_served(self) -> bool {
        match self {
            Self::Expired | Self::Issued | Self::Renewing => true,
            Self::Failed | Self::Ordering | Self::Wanted => false,
        }
    }

    /// Where an input leads.
    pub(super) const fn next(self, input: Input) -> Self {
        match (self, input) {
            (
                Self::Expired | Self::Failed | Self::Issued | Self::Ordering | Self::Renewing | Self::Wanted,
                Input::Served,
            )
            | (Self::Expired, Input::Revived)
            | (Self::Renewing, Input::Failed)
            | (Self::Issued, Input::Failed | Input::Revived) => Self::Issued,
            (Self::Issued | Self::Renewing, Input::Lapsed)
            | (Self::Expired, Input::Due | Input::Failed | Input::Lapsed) => Self::Expired,
            (Self::Issued, Input::Due) | (Self::Renewing, Input::Due | Input::Revived) => Self::Renewing,
            (Self::Wanted | Self::Failed, Input::Due)
            | (Self::Ordering, Input::Due | Input::Lapsed | Input::Revived) => Self::Ordering,
            (Self::Ordering | Self::Wanted, Input::Failed)
            | (Self::Failed, Input::Failed | Input::Lapsed | Input::Revived) => Self::Failed,
            (Self::Wanted, Input::Lapsed | Input::Revived) => Self::Wanted,
        }
    }
}

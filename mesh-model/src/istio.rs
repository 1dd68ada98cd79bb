//! Versions of Istio: what may be written to a cluster, given what runs there.
//!
//! An API server drops a field that its definitions do not know, and says nothing:
//! what was to prefer a region then prefers none. So what younger versions
//! brought is written only where the fleet says that the version is there.
//! Source: Istio's release notes, named beside each.

use std::fmt;
use std::str::FromStr;

use crate::units::text_value;

/// A version of Istio, written `1.31` or `1.31.2`; younger ones are greater.
///
/// ```
/// use mesh_model::istio::IstioVersion;
///
/// let version: IstioVersion = "1.31.2".parse()?;
/// assert!(version.has_zone_aware() && version > "1.9".parse()?);
/// assert_eq!(version.to_string(), "1.31.2");
/// # Ok::<(), mesh_model::istio::ParseVersionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IstioVersion {
    major: u16,
    minor: u16,
    /// None is older than any, for it may be the first.
    patch: Option<u16>,
}

/// A text that is no version of Istio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write major and minor version, and the patch version if you like: 1.31, 1.31.2")]
pub struct ParseVersionError;

impl IstioVersion {
    /// Whether a DestinationRule may have `zoneAwareLbSetting`: since 1.31.0, "Added support for Envoy's
    /// zone-aware load balancing", for sidecars and gateways; waypoints of ambient mode have it not.
    #[must_use]
    pub const fn has_zone_aware(self) -> bool {
        self.major > 1 || (self.major == 1 && self.minor >= 31)
    }
}

impl FromStr for IstioVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let number = |part: &str| {
            let is_plain = part.bytes().all(|byte| byte.is_ascii_digit());
            let has_no_zero_before = part == "0" || !part.starts_with('0');
            (is_plain && has_no_zero_before).then(|| part.parse().ok()).flatten().ok_or(ParseVersionError)
        };
        let mut parts = text.split('.');
        let mut next = || parts.next().map(number).transpose();
        let (major, minor, patch) = (next()?, next()?, next()?);
        match (major, minor, parts.next()) {
            (Some(major), Some(minor), None) => Ok(Self { major, minor, patch }),
            _ => Err(ParseVersionError),
        }
    }
}

impl fmt::Display for IstioVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

text_value!(
    IstioVersion,
    "version of Istio",
    r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){1,2}$",
    "major and minor version, and the patch version if you like: 1.31, 1.31.2"
);

#[cfg(test)]
mod tests;

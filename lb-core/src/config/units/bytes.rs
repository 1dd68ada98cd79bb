//! Sizes: `512B 10kB 1MiB`.

use core::fmt;
use core::str::FromStr;

use super::{ParseUnitError, decimal};

/// A number of bytes with its unit.
///
/// Decimal units `B kB MB GB TB`, binary units `KiB MiB GiB TiB`.
///
/// ```
/// use lb_core::config::units::ByteSize;
///
/// let size: ByteSize = "1.5MiB".parse()?;
/// assert_eq!(size.bytes(), 1_572_864);
/// assert_eq!(size.to_string(), "1536KiB");
/// # Ok::<(), lb_core::config::units::ParseUnitError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// What a size looks like, for messages.
const RIGHT: &str = "a size such as 512B, 10kB or 1MiB";

/// Units, those that print shorter first.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

impl ByteSize {
    /// A size of whole bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        decimal::parse(text, &UNITS, RIGHT).map(Self)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal::write_whole(f, self.0, &UNITS, "0B")
    }
}

super::text_value!(ByteSize, "size in bytes", "^[0-9]+(\\.[0-9]+)? ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$");

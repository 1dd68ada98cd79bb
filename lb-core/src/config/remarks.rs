//! What a configuration may say and hardly means.
//!
//! Nothing here is refused: a remark names the field, what will come of it, and
//! what is probably meant. Whoever reads files for people shows them.

use alloc::vec::Vec;
use core::fmt;

use super::{Config, FieldPath, SchedulerName, ServiceConfig};
use crate::flow::HashFields;

/// A field that works, though hardly as its author thinks; displays as
/// `services[0].hashFields: ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The field.
    pub path: FieldPath,
    /// What will come of it, and what is probably meant.
    pub concern: Concern,
}

/// What will come of a field; the text says what is probably meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// The kernel's schedulers hash what they hash.
    HashFieldsUnused {
        /// The scheduler's kind.
        kind: SchedulerName,
    },
    /// All that is hashed is the same in every flow of the service.
    OneBackendGetsAll,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.concern)
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HashFieldsUnused { kind } => write!(
                f,
                "`{kind}` hashes the source as the kernel does, whatever is written here; leave it out, and set scheduler.port to hash the port too"
            ),
            Self::OneBackendGetsAll => f.write_str(
                "nothing is hashed that differs between clients, so one backend gets all flows; add src or sport, or leave it out to hash all five fields",
            ),
        }
    }
}

impl Config {
    /// What it says and hardly means, in the order of the file.
    ///
    /// ```
    /// use lb_core::config::{Concern, Config, LbFile};
    ///
    /// let file: LbFile = serde_saphyr::from_str(
    ///     r#"
    /// hashKey: "000102030405060708090a0b0c0d0e0f"
    /// services:
    ///   - { vip: 203.0.113.10, port: 443, protocol: tcp, hashFields: [] }
    /// "#,
    /// )?;
    /// let remarks = Config::try_from(file)?.remarks();
    /// assert_eq!(remarks[0].path.to_string(), "services[0].hashFields");
    /// assert_eq!(remarks[0].concern, Concern::OneBackendGetsAll);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn remarks(&self) -> Vec<Remark> {
        let remark = |(position, service): (usize, &ServiceConfig)| {
            let path = FieldPath::default().field("services").item(position).field("hashFields");
            hash_fields(service).map(|concern| Remark { path, concern })
        };
        self.services.iter().enumerate().filter_map(remark).collect()
    }
}

fn hash_fields(service: &ServiceConfig) -> Option<Concern> {
    let (fields, kind) = (service.hash_fields, service.scheduler.name());
    if service.scheduler.is_ipvs() {
        return (fields != HashFields::ALL).then_some(Concern::HashFieldsUnused { kind });
    }
    // the other three are the service's own address
    let differs = fields.contains(HashFields::SOURCE) || fields.contains(HashFields::SOURCE_PORT);
    (!differs).then_some(Concern::OneBackendGetsAll)
}

//! From an LB file to what is asked: services as their nodes' kernels have them, and their checks.

use lb_core::HashKey;
use lb_core::config::{Config, ConfigError, LbFile};
use lb_core::health::{HealthConfig, HealthError, HealthFile, Via};
use lb_core::node::served;

use super::plan::Subject;

/// Why a file cannot be asked after.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// A service or the file itself.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// A health section.
    #[error("{section}.{error}")]
    Health {
        /// Where it stands: `health`, or `services[0].health`.
        section: String,
        /// What is wrong in it.
        error: HealthError,
    },
}

impl LoadError {
    /// The field at fault, and what is wrong with it.
    #[must_use]
    pub fn parts(&self) -> (String, String) {
        match self {
            Self::Config(error) => (error.path.to_string(), error.problem.to_string()),
            Self::Health { section, error } => {
                (format!("{section}.{}", error.path), error.problem.to_string())
            }
        }
    }
}

/// The services of a file, each with its check, and the key of its tables.
///
/// A check goes to the VIP's own port; `via` does not matter, for all go the way of clients.
/// Services of the kernel's kinds are as an agent programs them: in its order and units.
///
/// # Errors
/// The first fault of the file.
pub fn load(file: LbFile) -> Result<(HashKey, Vec<Subject>), LoadError> {
    let usual = file.health.clone().unwrap_or_default();
    let sections: Vec<HealthFile> =
        file.services.iter().map(|service| service.health.clone().unwrap_or_else(|| usual.clone())).collect();
    let has_own: Vec<bool> = file.services.iter().map(|service| service.health.is_some()).collect();
    let mut config = Config::try_from(file)?;
    let mut checks = Vec::new();
    for (place, health) in sections.into_iter().enumerate() {
        let section = if has_own[place] { format!("services[{place}].health") } else { "health".to_owned() };
        checks.push(HealthConfig::try_from(health).map_err(|error| LoadError::Health { section, error })?);
    }
    for service in config.services.iter_mut().filter(|service| service.scheduler.is_ipvs()) {
        service.backends.sort_unstable_by_key(|backend| backend.endpoint);
    }
    let mirrored = served(&config, &checks);
    let mut subjects = Vec::new();
    for (mut service, health) in config.services.into_iter().zip(checks) {
        if let Some(found) = mirrored.services.iter().find(|found| found.address == service.address) {
            service = found.clone();
        }
        let mut check = health.check;
        (check.port, check.via) = (None, Via::Plain);
        subjects.push(Subject { service, check });
    }
    Ok((config.hash_key, subjects))
}

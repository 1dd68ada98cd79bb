//! Any text: a valid configuration, or an error that says where; what is valid survives being written.

use lb_core::config::{Config, LbFile};
use lb_core::health::{HealthConfig, HealthFile};

/// Reads `bytes` as an LB file and as a health section.
pub fn check(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(file) = serde_saphyr::from_str::<LbFile>(text) {
        match Config::try_from(file) {
            Ok(config) => rewritten(&config),
            Err(error) => assert!(!error.path.steps().is_empty() && !error.to_string().is_empty()),
        }
    }
    if let Ok(file) = serde_saphyr::from_str::<HealthFile>(text) {
        match HealthConfig::try_from(file.clone()) {
            Ok(health) => {
                assert!(health.backend.detection_bound() >= health.backend.timeout());
                let text = serde_saphyr::to_string(&file).expect("a file can be written");
                let again: HealthFile = serde_saphyr::from_str(&text).expect("what is written can be read");
                assert_eq!(HealthConfig::try_from(again), Ok(health));
            }
            Err(error) => assert!(!error.path.steps().is_empty() && !error.to_string().is_empty()),
        }
    }
}

/// A configuration that is written and read again is the same one.
fn rewritten(config: &Config) {
    let text = serde_saphyr::to_string(&LbFile::from(config)).expect("a file can be written");
    let file: LbFile = serde_saphyr::from_str(&text).expect("what is written can be read");
    assert_eq!(Config::try_from(file).as_ref(), Ok(config), "{text}");
}

//! A controller's own configuration, checked and compared before it is applied.
//!
//! ```text
//! what people wrote -> LbFile -> Config -> diff -> what to tell the operator
//! ```
//!
//! Run with `cargo run -p lb-core --example configuration`.

use std::error::Error;

use lb_core::config::{BackendState, Config, LbFile, diff};

const RUNNING: &str = r#"
hashKey: "000102030405060708090a0b0c0d0e0f"
services:
  - vip: 203.0.113.10
    port: 443
    protocol: tcp
    backends:
      - { address: 10.1.0.5, weight: 100 }
      - { address: 10.1.0.6, weight: 100 }
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let file: LbFile = serde_saphyr::from_str(RUNNING)?;

    // an operator drains a backend, and adds one with a port that a tunnel cannot have
    let mut wanted = file.clone();
    wanted.services[0].backends[1].state = BackendState::Drain;
    let mut added = wanted.services[0].backends[0];
    added.address = "10.1.0.7".parse()?;
    added.port = Some(8443);
    wanted.services[0].backends.push(added);

    // a fault names the field, so a controller can put it into an object's status
    let error = Config::try_from(wanted.clone()).expect_err("a tunnel keeps the port");
    println!("refused at {}: {}", error.path, error.problem);
    assert_eq!(error.path.to_string(), "services[0].backends[2].port");

    wanted.services[0].backends[2].port = None;
    let changes = diff(&Config::try_from(file)?, &Config::try_from(wanted)?);
    assert_eq!(changes.changed.len(), 1, "one service differs");
    assert_eq!((changes.changed[0].added.len(), changes.changed[0].changed.len()), (1, 1));
    for service in &changes.changed {
        for endpoint in &service.added {
            println!("{}: add {endpoint}", service.service);
        }
        for change in &service.changed {
            let (old, new) = (change.old, change.new);
            println!("{}: {} {:?} -> {:?}", service.service, new.endpoint, old.state, new.state);
        }
    }
    Ok(())
}

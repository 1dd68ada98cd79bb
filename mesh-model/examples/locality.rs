//! Where requests go while the hosts at home fail one by one, by Istio's failover and Envoy's integers.
//!
//! `cargo run -p mesh-model --example locality`
#![allow(clippy::disallowed_macros, reason = "an example talks to people")]

use std::error::Error;

use mesh_model::locality::{LocalityFile, Question};

fn main() -> Result<(), Box<dyn Error>> {
    println!("healthy at home  home  same region  elsewhere  panic");
    for healthy in (0..=10).rev() {
        let file: LocalityFile = serde_saphyr::from_str(&format!(
            "
from: us-west/slc-a
policy:
  loadBalancer: {{ localityLbSetting: {{ failover: [{{ from: us-west, to: us-south }}] }} }}
  outlierDetection: {{ consecutive5xxErrors: 5, maxEjectionPercent: 100 }}
endpoints:
  - {{ locality: us-west/slc-a, hosts: 10, healthy: {healthy} }}
  - {{ locality: us-west/slc-b, hosts: 10, healthy: 10 }}
  - {{ locality: us-south/phx-a, hosts: 10, healthy: 10 }}
"
        ))?;
        let answer = Question::try_from(file)?.answer();
        let share = |at: usize| answer.localities[at].share * 100.0;
        let panics = answer.priorities.iter().any(|priority| priority.panic);
        println!(
            "{healthy:>9} of 10  {:>3.0}%  {:>10.0}%  {:>8.0}%  {}",
            share(0),
            share(1),
            share(2),
            if panics { "yes" } else { "no" }
        );
    }
    Ok(())
}

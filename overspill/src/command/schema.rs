//! `schema KIND`: the JSON Schema of a kind of file, for editors and generators.

use lb_core::config::LbFile;
use mesh_model::api;
use mesh_model::footprint::ServicesFile;
use mesh_model::locality::LocalityFile;
use mesh_model::names::{CurrentFile, DesiredFile};
use mesh_model::rollout::RecordedSpec;
use mesh_model::vip::ClaimsFile;
use sim::scenario::ScenarioFile;

use super::Stop;
use crate::cli::{Kind, Schema};
use crate::output::Output;

pub(super) fn run(arguments: &Schema, out: &mut Output) -> Result<(), Stop> {
    let schema = match arguments.kind {
        Kind::Claims => schemars::schema_for!(ClaimsFile),
        Kind::Current => schemars::schema_for!(CurrentFile),
        Kind::Desired => schemars::schema_for!(DesiredFile),
        Kind::Events => schemars::schema_for!(RecordedSpec),
        Kind::Lb => schemars::schema_for!(LbFile),
        Kind::Locality => schemars::schema_for!(LocalityFile),
        Kind::Object(kind) => object(kind),
        Kind::Scenario => ScenarioFile::schema(),
        Kind::Services => schemars::schema_for!(ServicesFile),
    };
    // it is JSON in every format
    Ok(out.json(&schema)?)
}

fn object(kind: api::Kind) -> schemars::Schema {
    match kind {
        api::Kind::AvailabilityZone => schemars::schema_for!(api::AvailabilityZone),
        api::Kind::Cluster => schemars::schema_for!(api::Cluster),
        api::Kind::FederatedAccessPoint => schemars::schema_for!(api::FederatedAccessPoint),
        api::Kind::FederatedDeployment => schemars::schema_for!(api::FederatedDeployment),
        api::Kind::Issuer => schemars::schema_for!(api::Issuer),
        api::Kind::NameProvider => schemars::schema_for!(api::NameProvider),
        api::Kind::NameService => schemars::schema_for!(api::NameService),
        api::Kind::VipPool => schemars::schema_for!(api::VipPool),
    }
}

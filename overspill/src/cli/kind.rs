//! The kinds of files, as `schema` takes them and `check` names them.

use clap::ValueEnum;
use clap::builder::PossibleValue;

/// The kinds of files that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Who wants virtual addresses, and who has some.
    Claims,
    /// The records that a provider of names has.
    Current,
    /// The names that are wanted of a provider.
    Desired,
    /// What happened to a rollout, line by line.
    Events,
    /// A node's virtual services and their backends.
    Lb,
    /// Where requests go, as a question.
    Locality,
    /// An object of the API.
    Object(mesh_model::api::Kind),
    /// A fleet, its clients, what happens, and what is expected.
    Scenario,
    /// What else is in a mesh.
    Services,
}

impl Kind {
    /// The name as it is typed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Current => "current",
            Self::Desired => "desired",
            Self::Events => "events",
            Self::Lb => "lb",
            Self::Locality => "locality",
            Self::Object(kind) => kind.as_str(),
            Self::Scenario => "scenario",
            Self::Services => "services",
        }
    }
}

impl ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        use mesh_model::api::Kind as Of;
        // files first, then objects, both by name
        &[
            Self::Claims,
            Self::Current,
            Self::Desired,
            Self::Events,
            Self::Lb,
            Self::Locality,
            Self::Scenario,
            Self::Services,
            Self::Object(Of::AvailabilityZone),
            Self::Object(Of::Cluster),
            Self::Object(Of::FederatedAccessPoint),
            Self::Object(Of::FederatedDeployment),
            Self::Object(Of::Issuer),
            Self::Object(Of::NameProvider),
            Self::Object(Of::NameService),
            Self::Object(Of::VipPool),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Claims => "Who wants virtual addresses, and who has some (vip-plan)",
            Self::Current => "The records that a provider of names has (dns-plan)",
            Self::Desired => "The names that are wanted of a provider (dns-plan)",
            Self::Events => "What happened to a rollout: one line of it (rollout)",
            Self::Lb => "A node's virtual services and their backends",
            Self::Locality => "Where requests go, as a question",
            Self::Object(_) => "An object of the API",
            Self::Scenario => "A fleet, its clients, what happens, and what is expected",
            Self::Services => "What else is in a mesh (footprint, lint)",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

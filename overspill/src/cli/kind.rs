//! The kinds of files, as `schema` takes them and `check` names them.

use std::ffi::OsStr;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, Error, ValueEnum};

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
            Self::Object(kind) => object(*kind),
            Self::Scenario => "A fleet, its clients, what happens, and what is expected",
            Self::Services => "What else is in a mesh (footprint, lint)",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

/// What an object of the API is.
const fn object(kind: mesh_model::api::Kind) -> &'static str {
    use mesh_model::api::Kind as Of;
    match kind {
        Of::AvailabilityZone => "A zone of the fleet: its region, whether it is drained",
        Of::Cluster => "A cluster of the fleet: its zone, capacity, memory of proxies",
        Of::FederatedAccessPoint => "How a service is reached, wherever it is",
        Of::FederatedDeployment => "Where a workload is wanted; an access point may follow it",
        Of::Issuer => "Who signs certificates",
        Of::NameProvider => "Who answers for domains",
        Of::NameService => "A name of its own and what it leads to",
        Of::VipPool => "Virtual addresses that there are to give",
    }
}

/// Reads a kind; says which one a wrong name most likely meant.
#[derive(Clone, Debug)]
pub(crate) struct KindParser;

impl TypedValueParser for KindParser {
    type Value = Kind;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<Kind, Error> {
        EnumValueParser::<Kind>::new().parse_ref(command, argument, value).map_err(|_| {
            let typed = value.to_string_lossy();
            let known = || Kind::value_variants().iter().map(|kind| kind.name());
            let part = |known: &&str| typed.len() > 3 && known.to_lowercase().contains(&typed.to_lowercase());
            let near = files::nearest(&typed, known()).or_else(|| known().find(part));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None if typed.eq_ignore_ascii_case("sweep") => "this version has no sweeps yet".to_owned(),
                None => "write one of those below".to_owned(),
            };
            let known = crate::output::wrapped(&known().collect::<Vec<_>>().join(", "), "  ");
            let message = format!("`{typed}` is no kind of file or object; {hint}\n\nKinds:\n{known}");
            Error::raw(ErrorKind::InvalidValue, message).with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = Kind::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        Some(Box::new(values.collect::<Vec<_>>().into_iter()))
    }
}

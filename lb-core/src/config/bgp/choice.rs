//! Values that are written in one of several ways: communities of either size, and BFD by name or by yes.

use alloc::string::String;
use core::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bgp::{Community, LargeCommunity, ParseCommunityError};
use crate::config::text::{self, FromText};

/// A community: of two numbers (RFC 1997) or of three (RFC 8092).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnyCommunity {
    /// `64512:100`, or a well-known name.
    Plain(Community),
    /// `64512:1:2`.
    Large(LargeCommunity),
}

impl FromText for AnyCommunity {
    const NOUN: &'static str = "community";
    type Error = ParseCommunityError;

    fn from_text(text: &str) -> Result<Self, ParseCommunityError> {
        text.parse().map(Self::Plain).or_else(|_| text.parse().map(Self::Large))
    }
}

impl fmt::Display for AnyCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(community) => community.fmt(f),
            Self::Large(community) => community.fmt(f),
        }
    }
}

impl Serialize for AnyCommunity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AnyCommunity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::required(deserializer)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for AnyCommunity {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Community".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^([0-9]+:[0-9]+(:[0-9]+)?|no-export|no-advertise|graceful-shutdown)$",
            "description": "A community such as 64512:100, a large one such as 64512:1:2, or a well-known name."
        })
    }
}

/// Whether there is BFD with a peer, and by which settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BfdChoice {
    /// By the section's own settings, or not at all.
    Plain(bool),
    /// By a profile.
    Profile(String),
}

impl BfdChoice {
    /// The name of the section's own settings.
    pub const DEFAULT: &'static str = "default";

    /// The name of the settings, if there is BFD.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        match self {
            Self::Plain(false) => None,
            Self::Plain(true) => Some(Self::DEFAULT),
            Self::Profile(name) => Some(name),
        }
    }
}

impl Serialize for BfdChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(choice) => serializer.serialize_bool(*choice),
            Self::Profile(name) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for BfdChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;

        impl Visitor<'_> for Choice {
            type Value = BfdChoice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or the name of a profile of the section `bfd`")
            }

            fn visit_bool<E: Error>(self, choice: bool) -> Result<BfdChoice, E> {
                Ok(BfdChoice::Plain(choice))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<BfdChoice, E> {
                Ok(BfdChoice::Profile(name.into()))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for BfdChoice {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "BfdChoice".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["boolean", "string"],
            "description": "true for the settings of the section `bfd`, or the name of one of its profiles."
        })
    }
}

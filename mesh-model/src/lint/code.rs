//! The codes of findings: stable names, so that a pipeline can rely on them.

use serde::{Serialize, Serializer};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not do what it says.
    Error,
    /// It may not do what is meant.
    Warning,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $severity:ident,)*) => {
        /// What is found; displays as the stable name that files of suppressions and pipelines use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }
        }
    };
}

codes! {
    /// A target cannot be rendered.
    DoesNotRender "does-not-render" Error,
    /// A name that is an alias of one that is, in the end, an alias of it.
    AliasCircle "alias-circle" Error,
    /// A secret for which two issuers are asked.
    CertificateNotOrdered "certificate-not-ordered" Error,
    /// `distribute` without a rule for a target's locality: requests are spread over all localities.
    DistributeWithoutFrom "distribute-without-from" Error,
    /// At most so many hosts may be ejected that the local ones can never all be.
    EjectionBelowLocalShare "ejection-below-local-share" Error,
    /// The address of a WorkloadEntry, or of an endpoint, that is none, where no name is looked up.
    AddressNotStatic "address-not-static" Error,
    /// A drain that the rest of the fleet cannot bear.
    DrainOverloads "drain-overloads" Error,
    /// A drain that leaves endpoints of an access point where they are.
    DrainNotWhole "drain-not-whole" Warning,
    /// All targets of an access point are drained, or all regions that its `traffic` has an order of.
    DrainedWhole "drained-whole" Error,
    /// Failover without the detection that triggers it.
    FailoverWithoutOutlierDetection "failover-without-outlier-detection" Error,
    /// A server of a Gateway that Istio's admission refuses.
    GatewayRefused "gateway-refused" Error,
    /// A Gateway that no gateway serves.
    GatewaySelectsNothing "gateway-selects-nothing" Error,
    /// A host that is hidden from whoever is to send requests to it.
    HiddenHost "hidden-host" Error,
    /// A host that another access point serves on the same targets.
    HostClaimedTwice "host-claimed-twice" Error,
    /// A host that the authority of its access point signs no certificate for.
    HostWithoutCertificate "host-without-certificate" Warning,
    /// Calls that a rule sends in plain text or by TLS of their own, to pods that take mutual TLS of the mesh alone.
    MtlsConflict "mtls-conflict" Error,
    /// A name that another namespace publishes, or an alias where others want something else.
    NameClaimedTwice "name-claimed-twice" Error,
    /// A name whose access point, or the name that it is an alias of, is nowhere.
    NameLeadsNowhere "name-leads-nowhere" Warning,
    /// A published name that no Gateway of the access point serves.
    NameNotServed "name-not-served" Error,
    /// A published name that a Gateway has and no routes are for.
    NameWithoutRoute "name-without-route" Error,
    /// An object that Istio's admission refuses.
    ObjectRefused "object-refused" Error,
    /// An object that another access point of the namespace writes, too, on the same targets.
    ObjectWrittenTwice "object-written-twice" Error,
    /// An override that no target of the access point has.
    OverrideNeverMatches "override-never-matches" Warning,
    /// A path that is barred, but not with a `/` behind it.
    PathWithoutSlash "path-without-slash" Warning,
    /// An access point that has no target.
    PlacedNowhere "placed-nowhere" Warning,
    /// A policy, or a pattern of one, that no request ever matches.
    PolicyNeverMatches "policy-never-matches" Error,
    /// A destination of a Gateway's routes without a port, whose Service has several and not the Gateway's.
    PortNotChosen "port-not-chosen" Error,
    /// Two rules of one host, of which Istio takes the policy of one.
    PolicyIgnored "policy-ignored" Warning,
    /// The rest of the fleet cannot bear the loss of a region.
    RegionLossOverloads "region-loss-overloads" Warning,
    /// Regions that take the spill at once although the policy has an order of them.
    RegionsUnordered "regions-unordered" Warning,
    /// A template that is not as its schema says.
    SchemaViolation "schema-violation" Error,
    /// A policy, or an entry, whose labels are of none of the access point's own pods.
    SelectsNothing "selects-nothing" Warning,
    /// Targets that no stage of a rollout selects: they come last, without a soak that the stages ask for.
    TargetsWithoutStage "targets-without-stage" Warning,
    /// A stage of a rollout that no target of the access point is in.
    StageNeverMatches "stage-never-matches" Warning,
    /// Sidecars of which Istio does not say which holds.
    AmbiguousSidecars "ambiguous-sidecars" Error,
    /// A policy of traffic that would not hold on a target.
    TrafficDoesNotHold "traffic-does-not-hold" Error,
    /// A field that its schema does not know.
    UnknownField "unknown-field" Warning,
    /// A server that Istio leaves out, for another has the same host and port and ends TLS, too.
    TlsServerIgnored "tls-server-ignored" Error,
    /// A route at a Gateway that is not there.
    UnknownGateway "unknown-gateway" Error,
    /// An authority that is not there.
    UnknownIssuer "unknown-issuer" Error,
    /// A pool that is not there, or not for this access point.
    UnknownPool "unknown-pool" Error,
    /// A port that the Service of a destination does not have, or a name of a port that nobody has.
    UnknownPort "unknown-port" Error,
    /// A provider of names that is not there, does not serve the name, or is not for whoever wants it.
    UnknownProvider "unknown-provider" Error,
    /// A host of the own namespace, or of the cluster, that nothing declares.
    UnknownHost "unknown-host" Warning,
    /// A region that no zone of the fleet is in.
    UnknownRegion "unknown-region" Error,
    /// A subset of an own host that its rules do not have.
    UnknownSubset "unknown-subset" Error,
    /// A target that is not in the fleet.
    UnknownTarget "unknown-target" Error,
    /// A zone that is not in the fleet.
    UnknownZone "unknown-zone" Error,
    /// A rule of routes, or a condition of one, that an earlier one takes everything from.
    UnreachableRoute "unreachable-route" Warning,
    /// Objects of Istio in a cluster from which the zone's control plane reads none.
    UnreadObjects "unread-objects" Warning,
    /// A host of routes that no server of their Gateways has.
    UnservedHost "unserved-host" Error,
    /// A zone whose drain would leave pods of an access point where they are.
    ZoneNotDrainable "zone-not-drainable" Warning,
    /// An address that two access points demand.
    VipClaimedTwice "vip-claimed-twice" Error,
    /// An address or a family that is demanded and that no pool has for the access point.
    VipOutsidePool "vip-outside-pool" Error,
    /// Weights of a route that are not 100 together.
    WeightSum "weight-sum" Warning,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

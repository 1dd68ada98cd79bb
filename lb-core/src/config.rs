//! The LB file: what a person writes, and the valid value it becomes.

/// How packets travel to the backend: a tunnel's format; the inner packet is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Forward {
    /// IP in IP (RFC 2003, RFC 2473), in any mix of families.
    #[default]
    Ipip,
    /// Generic UDP encapsulation (draft-ietf-intarea-gue).
    Gue {
        /// UDP destination port.
        port: u16,
    },
    /// Generic routing encapsulation (RFC 2784).
    Gre,
}

//! BGP-4 for a speaker of VIPs (RFC 4271, RFC 4760): messages, the session machine, the speaker.
//!
//! Bytes in, bytes out: sockets are the adapter's, and which VIP is announced
//! when is [`announce`](crate::announce)'s. Nothing of this crate is used but
//! [`Time`](crate::Time).

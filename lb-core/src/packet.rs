//! Packets: from bytes to a flow, without trust.

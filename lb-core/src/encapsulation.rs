//! Tunnels: the client's packet, untouched, inside one for the backend.

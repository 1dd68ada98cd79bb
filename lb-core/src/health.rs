//! Health: when a backend and a service may take traffic.

//! The packet path: services, tables and connections put together.

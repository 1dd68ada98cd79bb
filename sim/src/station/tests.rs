//! Queueing stations against small courses of events.



//! Random streams: fixed, independent, uniform.



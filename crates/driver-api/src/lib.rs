//! The contracts between rim, layers and drivers.

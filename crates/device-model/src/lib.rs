//! Devices as data: profiles, attributes by compute capability, occupancy arithmetic.

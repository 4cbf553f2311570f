//! Small foundations: ids, bounded queues, futex, clock.

//! Runner of the test cases that are data.

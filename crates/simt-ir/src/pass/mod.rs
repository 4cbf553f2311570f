//! Passes: each is a function that changes a program and says so in its name; the pipeline is a list.

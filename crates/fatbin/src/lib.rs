//! Fatbin containers and image selection.

//! Bytes become frames: server-sent events and lines of JSON.

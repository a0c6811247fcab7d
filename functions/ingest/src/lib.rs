//! Takes a callback, acknowledges it when it is durable in the stream.

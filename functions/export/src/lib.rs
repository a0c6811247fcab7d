//! Answers the export API, streams rows to a file, gives out run slots.

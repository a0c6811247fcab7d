//! Who may import whom, how large a thing may grow, and which names are refused: `ARCHITECTURE.md` as tests.

#[cfg(test)]
#[path = "architecture/imports.rs"]
mod imports;
#[cfg(test)]
#[path = "architecture/shape.rs"]
mod shape;
#[cfg(test)]
#[path = "tree.rs"]
mod tree;

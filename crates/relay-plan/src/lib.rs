//! What a load takes on AWS: shards, concurrency, partitions, quotas to raise, storage and the monthly bill.
//!
//! Pure, as `relay` is. Nothing here is a rule of thumb where the real code can be asked: the bytes of frames and pages are those that `relay` makes of
//! generated activities, and the heat of partitions is a simulation over the functions that make the keys. What the code cannot know stands in one dated
//! table each: [`price`] and [`quota`]. The same load gives the same plan on every machine.

pub mod bill;
pub mod control;
pub mod cost;
pub mod door;
pub mod figures;
pub mod generator;
pub mod heat;
pub mod load;
mod number;
pub mod plan;
pub mod price;
pub mod quota;
pub mod stream;
mod text;
pub mod writer;

pub use bill::Spending;
pub use cost::{Cost, cost};
pub use load::{Load, LoadError, Skew};
pub use plan::{Finding, Plan, plan};

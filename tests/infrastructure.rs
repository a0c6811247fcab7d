//! Infrastructure that cannot lie: `template.yaml` and `infra/export.asl.json` against the code and against what was promised.

#[cfg(test)]
#[path = "infrastructure/api.rs"]
mod api;
#[cfg(test)]
#[path = "infrastructure/argued.rs"]
mod argued;
#[cfg(test)]
#[path = "infrastructure/durability.rs"]
mod durability;
#[cfg(test)]
#[path = "infrastructure/edge.rs"]
mod edge;
#[cfg(test)]
#[path = "infrastructure/functions.rs"]
mod functions;
#[cfg(test)]
#[path = "infrastructure/grants.rs"]
mod grants;
#[cfg(test)]
#[path = "infrastructure/keys.rs"]
mod keys;
#[cfg(test)]
#[path = "infrastructure/lives.rs"]
mod lives;
#[cfg(test)]
#[path = "infrastructure/operators.rs"]
mod operators;
#[cfg(test)]
#[path = "infrastructure/partitions.rs"]
mod partitions;
#[cfg(test)]
#[path = "infrastructure/permissions.rs"]
mod permissions;
#[cfg(test)]
#[path = "infrastructure/pipeline.rs"]
mod pipeline;
#[cfg(test)]
#[path = "infrastructure/releases.rs"]
mod releases;
#[cfg(test)]
#[path = "infrastructure/state_machine.rs"]
mod state_machine;
#[cfg(test)]
#[path = "infrastructure/template.rs"]
mod template;
#[cfg(test)]
#[path = "tree.rs"]
mod tree;
#[cfg(test)]
#[path = "infrastructure/watch.rs"]
mod watch;

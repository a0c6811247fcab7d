//! The stack on one machine: the real template in an emulator, the real function binaries in a Lambda host of our own, a stream
//! driver with AWS's rules, and one front door.

pub mod aws;
pub mod door;
pub mod driver;
mod emulator;
mod facts;
mod failure;
pub mod fault_proxy;
mod files;
pub mod host;
pub mod http1;
mod layout;
mod options;
mod ports;
mod ready;
mod run;
mod say;
mod stack;
mod time;
pub mod watch;

pub use failure::Failure;
pub use options::Options;
pub use run::run;
pub use say::say;

//! `cargo xtask status`

use crate::{
    local::{
        place::Root,
        stack::{self, Stack},
        supervisor,
    },
    say::{self, Outcome},
};

/// Tells whether the stack runs and where; an error when it does not.
pub(crate) fn run() -> Outcome<()> {
    let root = Root::find()?;
    let pid = supervisor::running(&root).ok_or("nothing runs in this checkout: cargo xtask up")?;
    let stack: Stack = stack::read(&root.relay(stack::FILE))
        .map_err(|_| format!("relay-local ({pid}) runs, and `cargo xtask up` has not finished"))?;
    say::result(format_args!("relay-local ({pid}) runs"));
    addresses(&stack);
    Ok(())
}

/// Where to go from here.
pub(crate) fn addresses(stack: &Stack) {
    say::result(format_args!("  page    {}", stack.place.site_url));
    say::result(format_args!("  API     {}", stack.place.api_url));
    say::result(format_args!("  inbox   {}", stack.place.inbox_url));
    say::result("  keys    .relay/stack.json");
}

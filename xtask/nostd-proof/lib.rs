//! The proof that layers 0 to 2 do not reach `std`, on a machine that has no bare-metal target installed.
//!
//! This crate links every room of these layers and brings its own panic handler. `std` brings one too, and a program
//! may have only one: if any room, or anything that a room depends on, pulls `std` in, the compiler stops here with
//! E0152 and names the crate. `cargo xtask nostd` writes the manifest and the list of rooms from tidy's table, so no
//! room can be forgotten. It needs no `unsafe`: nothing is run, so neither an allocator nor an entry point is needed.
#![no_std]
#![forbid(unsafe_code)]

mod rooms;

/// The handler that `std` would bring as well.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

//! The fuzzer: one target of the library, chosen by name, driven by libFuzzer.
//!
//! `cargo xtask fuzz` builds and starts it. It does *not* know what the targets check; that is the library's.
#![no_main]
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use fuzz::{TARGETS, Target};

static TARGET: OnceLock<&'static Target> = OnceLock::new();

/// The target that the environment names; the program ends when it names none.
fn chosen() -> &'static Target {
    let name = std::env::var("DOORBELL_FUZZ_TARGET").unwrap_or_default();
    Target::find(&name).unwrap_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!(
            "set DOORBELL_FUZZ_TARGET to one of: {}; or start this by `cargo xtask fuzz`",
            names.join(" ")
        );
        std::process::exit(2);
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    TARGET.get_or_init(chosen).play(data);
});

//! Barriers between this processor and a device that looks at the same memory.
//!
//! `unsafe` stands here for the barrier instructions, which no safe function of the core library names: an atomic fence orders
//! against other processors (inner shareable), a device needs outer shareable.
#![cfg_attr(
    any(
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "riscv32"
    ),
    expect(
        unsafe_code,
        reason = "the barriers that a device needs exist only as instructions"
    )
)]

/// Makes all earlier stores visible to a device before any later store: memory first, then what announces it.
///
/// x86 keeps stores in order by itself, so there only the compiler must be told. A store to write-combining or non-temporal memory
/// would need more; this crate makes no such mapping.
#[inline(always)]
pub fn dma_wmb() {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);

    // SAFETY: A barrier touches no register and no memory.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!("dmb oshst", options(nostack, preserves_flags));
    }

    // SAFETY: A barrier touches no register and no memory. `o` is included, because the later store may go to a register.
    #[cfg(any(target_arch = "riscv64", target_arch = "riscv32"))]
    unsafe {
        core::arch::asm!("fence ow, ow", options(nostack, preserves_flags));
    }

    #[cfg(not(any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "riscv32"
    )))]
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
}

/// Makes all earlier loads happen before any later load: what announces first, then the memory it announces.
#[inline(always)]
pub fn dma_rmb() {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);

    // SAFETY: A barrier touches no register and no memory.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        core::arch::asm!("dmb oshld", options(nostack, preserves_flags));
    }

    // SAFETY: A barrier touches no register and no memory. `i` is included, because the earlier load may come from a register.
    #[cfg(any(target_arch = "riscv64", target_arch = "riscv32"))]
    unsafe {
        core::arch::asm!("fence ir, ir", options(nostack, preserves_flags));
    }

    #[cfg(not(any(
        target_arch = "x86",
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "riscv32"
    )))]
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
}
